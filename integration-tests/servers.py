"""gunicorn as a process, and what it answers."""

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO


class Server:
    """A gunicorn that runs, and where it listens."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.port = process, port

    def send(self, request: bytes, *, end: bool = True) -> bytes:
        """Return all that comes back for some bytes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            if end:
                connection.shutdown(socket.SHUT_WR)
            answer = bytearray()
            while chunk := connection.recv(65536):
                answer += chunk
            return bytes(answer)

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    @property
    def worker(self) -> Path:
        """The folder in which Linux tells of the one worker."""
        return Path("/proc") / str(self.workers[0])

    @property
    def peak_memory(self) -> int:
        """The most memory that the worker ever had, in bytes."""
        found = re.search(r"VmHWM:\s*([0-9]+) kB", (self.worker / "status").read_text())
        return int(found[1]) * 1024 if found else 0

    def get(self, address: str) -> bytes:
        return self.send(f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())


def gunicorn(
    folder: Path, application: str, *options: str, log: IO[str] | None = None, **variables: str
) -> "subprocess.Popen[str]":
    """Start gunicorn in a folder, with nothing of this process's environment."""
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", application, *options],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **variables},
        stdout=log or subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(answered: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if answered():
                return
        time.sleep(0.05)
    raise TimeoutError("it was not so in 20 seconds")


@contextlib.contextmanager
def served(project: Path, **variables: str) -> Iterator[str]:
    """Serve a project of ``startproject`` until the end of the block, and give its address.

    Nothing may go wrong in it: that would be in its log, beside the project.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    site = f"http://127.0.0.1:{port}"
    options = [f"{project.name}.wsgi:application", "--threads=4", f"--bind=127.0.0.1:{port}"]
    with (
        (project.parent / f"{port}.log").open("w+") as log,
        gunicorn(project, *options, log=log, LBACK_SITE_URL=site, **variables) as process,
    ):
        try:
            wait_for(lambda: Server(process, port).get("/").startswith(b"HTTP/1.1 200"))
            yield site
        finally:
            process.terminate()
        process.wait(timeout=60)
        log.seek(0)
        logged = log.read()
    assert not re.search("Traceback|ERROR|was not sent", logged), logged
