"""Redis for the tests: the server that runs here, and own ones that a test may stop."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import NoReturn

import pytest

REDIS = os.environ.get("LBACK_TEST_REDIS", "redis://127.0.0.1:6379/0")


def running_redis() -> str:
    """Return the address of the server, or skip with the reason."""
    redis = pytest.importorskip("redis", reason="the client of Redis is not installed")
    try:
        with redis.Redis.from_url(REDIS, socket_connect_timeout=2) as client:
            client.ping()
    except redis.RedisError as error:
        absent(f"no Redis server: {error}")
    return REDIS


def absent(reason: str) -> NoReturn:
    """Skip a test whose service is absent, or fail it where every service is required."""
    if os.environ.get("LBACK_TEST_SERVICES") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


class RedisServer:
    """A server of a test's own, on a free port; it forgets everything when it stops."""

    def __init__(self, folder: Path, *options: str) -> None:
        pytest.importorskip("redis", reason="the client of Redis is not installed")
        self._program = shutil.which("redis-server") or absent("no redis-server is installed")
        self._options = ("--save", "", "--bind", "127.0.0.1", "--dir", str(folder), *options)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "--port", str(self.port), *self._options], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(5) != b""
        except OSError:
            return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
