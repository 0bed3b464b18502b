"""Programs and servers that tests need: what a test does without one, and a Redis of its own."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test; fail it where ``LBACK_TEST_SERVICES=required`` says that everything is there."""
    if os.environ.get("LBACK_TEST_SERVICES") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


class RedisServer:
    """A Redis on a free port that can be stopped and started again.

    Args:
        folder: Where it may write.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            missing("redis-server is not installed")
        try:
            import redis  # noqa: F401 - only whether it is there
        except ImportError:
            missing("the Redis client is not installed: lback-core[redis]")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, "redis-server ended"
                time.sleep(0.01)
            else:
                return
        pytest.fail("redis-server did not start")

    def stop(self) -> None:
        """Stop it, if it runs, and wait until it is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None
