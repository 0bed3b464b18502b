"""The development server itself, over real connections, with small WSGI applications behind it."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from lback.commands.devserver import DevelopmentServer, listen, url_of
from lback.core.exceptions import LbackError

Serve = Callable[[Any], tuple[str, int]]


def show_environ(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with the text variables of the request."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({name: value for name, value in environ.items() if isinstance(value, str)}).encode()]


def show_body(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with the size of the body."""
    start_response("200 OK", [])
    return [str(len(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))).encode()]


def refuse(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer without reading the body."""
    start_response("403 Forbidden", [("Content-Length", "2")])
    return [b"no"]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with contextlib.ExitStack() as stack:

        def start(application: Any) -> tuple[str, int]:
            server = stack.enter_context(DevelopmentServer(listen("127.0.0.1", 0), application))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return server.server_address

        yield start


def exchange(address: tuple[str, int], request: bytes) -> tuple[str, dict[str, str], bytes]:
    """Send bytes and return the status line, the headers and the body of what comes back."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return status, {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}, body


def test_answers_and_closes_the_connection(serve: Serve) -> None:
    status, headers, body = exchange(serve(show_environ), b"GET /a%20b?c=d HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status == "HTTP/1.1 200 OK"
    assert headers["connection"] == "close"
    environ = json.loads(body)
    assert environ["PATH_INFO"] == "/a b"
    assert environ["QUERY_STRING"] == "c=d"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"


def test_header_names_with_underscores_are_dropped(serve: Serve) -> None:
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX_User: root\r\nX-User: jane\r\nX_Admin: yes\r\n\r\n"
    environ = json.loads(exchange(serve(show_environ), request)[2])
    assert environ["HTTP_X_USER"] == "jane"
    assert "HTTP_X_ADMIN" not in environ


def test_the_environment_of_the_process_is_not_shown(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET_THING", "hidden")
    environ = json.loads(exchange(serve(show_environ), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")[2])
    assert set(environ) & {"SOME_SECRET_THING", "PATH", "HOME"} == set()


def test_a_body_is_read(serve: Serve) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
    assert exchange(serve(show_body), request)[2] == b"5"


def test_the_client_gets_the_answer_though_its_body_was_not_read(serve: Serve) -> None:
    body = b"x" * 4_000_000
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    status, _, answer = exchange(serve(refuse), head + body)
    assert (status, answer) == ("HTTP/1.1 403 Forbidden", b"no")


def test_a_chunked_body_is_refused(serve: Serve) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    status, _, body = exchange(serve(show_environ), request)
    assert status.startswith("HTTP/1.1 411")
    assert b"Content-Length" in body


def test_a_client_that_asks_first_is_told_to_go_on(serve: Serve) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
    assert exchange(serve(show_body), request)[0] == "HTTP/1.1 100 Continue"


@pytest.mark.parametrize(
    ("request_line", "status"), [(b"nonsense", "400"), (b"GET /" + b"a" * 70_000 + b" HTTP/1.1", "414")]
)
def test_what_is_no_request_is_refused(serve: Serve, request_line: bytes, status: str) -> None:
    with socket.create_connection(serve(show_environ), timeout=10) as connection:
        connection.sendall(request_line + b"\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert status.encode() in answer


def test_an_idle_connection_holds_nobody_up(serve: Serve) -> None:
    address = serve(show_environ)
    with socket.create_connection(address):
        assert exchange(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == "HTTP/1.1 200 OK"


def test_the_log_shows_the_path_without_the_query(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    exchange(serve(show_environ), b"GET /reset?token=abc HTTP/1.1\r\nHost: localhost\r\n\r\n")
    log = capfd.readouterr().err
    assert "GET /reset 200 (" in log
    assert "abc" not in log


def test_the_log_shows_no_control_characters(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    exchange(serve(show_environ), b"GET /\x1b[31mred HTTP/1.1\r\nHost: localhost\r\n\r\n")
    log = capfd.readouterr().err
    assert "\x1b" not in log
    assert "/?[31mred" in log


def test_a_port_in_use_is_told_with_another_one() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(LbackError, match=rf"Port {port} on 127\.0\.0\.1 is in use.*--port {port + 1}"):
            listen("127.0.0.1", port)


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(LbackError, match="There is no address for the host 'no host'"):
        listen("no host", 0)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(LbackError, match=r"Can't listen on 192\.0\.2\.1, port 0"):
        listen("192.0.2.1", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 on this machine")
def test_an_ipv6_address_can_be_opened_as_it_is_printed() -> None:
    try:
        listener = listen("::1", 0)
    except LbackError:
        pytest.skip("there is no IPv6 on this machine")
    with listener:
        assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}/"
