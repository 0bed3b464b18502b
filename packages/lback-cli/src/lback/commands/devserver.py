"""The server of ``manage.py runserver``: threads, one request a connection. Not for production.

It is also a program, ``python -m lback.commands.devserver``: the process that `lback.commands.reloader` replaces
whenever a file changes.
"""

import contextlib
import errno
import os
import signal
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, NoReturn
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from lback.core.exceptions import LbackError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LONGEST_REQUEST_LINE = 65536
# What is still read of a body that the application left unread, so that the client gets the answer and no reset.
DRAIN_BYTES = 16 * 1024 * 1024
DRAIN_SECONDS = 2.0
# How long requests that are being answered may go on when the server ends or starts anew.
GRACE_SECONDS = 1.0


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        LbackError: The address can't be had, with the reason and what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise LbackError(f"There is no address for the host {host!r}: {error.strerror}.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # After a restart the port is free at once; on Windows this would let two servers share it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise LbackError(
                f"Port {port} on {host} is in use. Stop the server that has it, or take another: --port {port + 1}"
            ) from error
        raise LbackError(f"Can't listen on {host}, port {port}: {error.strerror}.") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address to open in a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class _ResponseHandler(SimpleHandler):
    """Writes a response; the connection ends with it."""

    server_software = "Lback-development-server"
    http_version = "1.1"
    # The variables of this process are no part of a request; the standard library would mix them in.
    os_environ: dict[str, str] = {}
    headers: Any
    status: Any
    sent_status = "500"

    def cleanup_headers(self) -> None:
        super().cleanup_headers()
        self.headers["Connection"] = "close"

    def close(self) -> None:
        self.sent_status = (self.status or self.sent_status).split(" ", 1)[0]
        super().close()


class _RequestHandler(WSGIRequestHandler):
    """Reads one request and hands it to the application."""

    server: "DevelopmentServer"
    protocol_version = "HTTP/1.1"
    timeout = 60

    def get_environ(self) -> dict[str, Any]:
        # "X_User" and "X-User" would be the same variable, and only the second can be told apart from a forgery.
        for name in {name for name in self.headers if "_" in name}:
            del self.headers[name]
        return super().get_environ()

    def address_string(self) -> str:
        return str(self.client_address[0])

    def handle(self) -> None:
        try:
            self.raw_requestline = self.rfile.readline(LONGEST_REQUEST_LINE + 1)
        except TimeoutError:
            return
        if len(self.raw_requestline) > LONGEST_REQUEST_LINE:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            return
        if not self.raw_requestline or not self.parse_request():
            return
        self.close_connection = True
        if "Transfer-Encoding" in self.headers:
            self.send_error(411, explain="The development server reads bodies with a Content-Length alone.")
            return
        self._respond()

    def _respond(self) -> None:
        began = time.perf_counter()
        body: Any = self.wfile
        handler = _ResponseHandler(
            self.rfile, body, self.get_stderr(), self.get_environ(), multithread=True, multiprocess=False
        )
        handler.run(self.server.application)
        milliseconds = round((time.perf_counter() - began) * 1000)
        self.log_message("%s %s %s (%d ms)", self.command, self._shown_path, handler.sent_status, milliseconds)

    @property
    def _shown_path(self) -> str:
        # Without the query, which may hold what nobody else should read, and without control characters.
        path = self.path.partition("?")[0]
        return "".join(character if character.isprintable() else "?" for character in path)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {format % args}\n")


class DevelopmentServer(ThreadingMixIn, WSGIServer):
    """Serves an application on a listening socket.

    Args:
        listener: The socket, as `listen` returns it.
        application: The WSGI application.
    """

    application: "WSGIApplication"

    def __init__(self, listener: socket.socket, application: "WSGIApplication") -> None:
        host, port = listener.getsockname()[:2]
        self._answering: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self.address_family = listener.family
        super().__init__((host, port), _RequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()
        # Not by a look-up of the host's name, which can take seconds.
        self.server_name, self.server_port = host, port
        self.setup_environ()
        self.set_app(application)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread of its own."""
        arguments = (request, client_address)
        thread = threading.Thread(target=self.process_request_thread, args=arguments, daemon=True)
        self._answering.add(thread)
        thread.start()

    def server_close(self) -> None:
        """Stop listening, and leave the requests that are being answered a moment to end."""
        super().server_close()
        deadline = time.monotonic() + GRACE_SECONDS
        for thread in tuple(self._answering):
            thread.join(max(0.0, deadline - time.monotonic()))

    def shutdown_request(self, request: Any) -> None:
        """Close a connection so that the client still gets the whole answer."""
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            _drain(request)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error in a connection, unless the client just went away."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _drain(connection: socket.socket) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    left = DRAIN_BYTES
    while left > 0 and (seconds := deadline - time.monotonic()) > 0:
        connection.settimeout(seconds)
        block = connection.recv(65536)
        if not block:
            return
        left -= len(block)


def serve(base_dir: Path, listener: socket.socket, ready: Callable[[], None] | None = None) -> None:
    """Build the application of a project and serve it until Ctrl-C or SIGTERM.

    Args:
        base_dir: The folder of the project.
        listener: Where to serve.
        ready: Called when the application is built.

    Raises:
        LbackError: The application can't be built.
    """
    from lback.core.project import Project

    # SIGTERM unwinds as Ctrl-C does, so that the application hears of its end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # DEBUG is on for development, unless a source of the settings says otherwise.
    application = Project(base_dir, debug=True).application
    if ready is not None:
        ready()
    with DevelopmentServer(listener, application) as server, contextlib.suppress(KeyboardInterrupt):
        # From here on it ends between two connections: one that was just accepted is not dropped. `shutdown` waits
        # for the loop, so it can't be called in the thread of the loop, which handlers run in.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever(poll_interval=0.1)


def _main(base_dir: str, listener_fd: str, lifeline_fd: str) -> NoReturn:
    """Serve until the process that made the descriptors ends."""
    threading.Thread(target=_end_with, args=(int(lifeline_fd),), daemon=True).start()
    try:
        serve(Path(base_dir), socket.socket(fileno=int(listener_fd)))
    except LbackError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        pass
    sys.exit(0)


def _end_with(lifeline_fd: int) -> None:
    """End this process when the other end of a pipe is closed, which also happens when its holder is killed."""
    os.read(lifeline_fd, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _main(*sys.argv[1:])
