"""A rate limit holds for all workers of a server together: exactly so many requests get through."""

import http.client
import importlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

REDIS = os.environ.get("LBACK_TEST_REDIS", "redis://127.0.0.1:6379/0")
WORKERS, LIMIT, REQUESTS = 4, 37, 200

SITE = """\
import os
import time

from lback.core.app import Application
from lback.core.config import Config
from lback.utils.urls import path


def home(request):
    time.sleep(0.01)  # so that one worker can't answer alone
    return str(os.getpid())


application = Application(
    Config(
        {{
            "SECRET_KEY": "a-key-for-tests-alone-0123456789-abcdefghij",
            "CACHE_PREFIX": "{prefix}",
            "CACHE_URL": "{redis}",
            "RATE_LIMITING_SETTINGS": {{"MAX_REQUESTS": {limit}, "WINDOW_SECONDS": 1_000_000_000}},
            "MIDDLEWARES": ["lback.middlewares.rate_limiting.RateLimitingMiddleware"],
        }}
    ),
    urlpatterns=[path("/", home)],
)
"""


@pytest.fixture
def prefix() -> Iterator[str]:
    """What the keys in Redis begin with; they are removed afterwards."""
    name = f"test{secrets.token_hex(6)}"
    try:
        connection = importlib.import_module("redis").from_url(REDIS)
        connection.ping()
    except Exception as error:  # noqa: BLE001 - those of a client that may not be installed can't be named
        reason = f"no Redis: {error}"
        if os.environ.get("LBACK_TEST_SERVICES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    yield name
    for key in connection.scan_iter(f"{name}:*"):
        connection.delete(key)
    connection.close()


class Server:
    """gunicorn with several workers, all of them ready."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{self.port}"]
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*command, "site_of_test:application"], cwd=folder, stderr=log)
        for _ in range(1200):
            if self.log.read_text().count("Booting worker") == WORKERS:
                return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        pytest.fail(self.log.read_text())

    def get(self, _: int = 0) -> tuple[int, str]:
        """Return the status and the text of the page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", "/")
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture
def server(prefix: str, tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "site_of_test.py").write_text(SITE.format(prefix=prefix, redis=REDIS, limit=LIMIT))
    running = Server(tmp_path)
    yield running
    running.stop()


def test_of_many_requests_at_once_exactly_the_limit_passes_four_workers(server: Server) -> None:
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(server.get, range(REQUESTS)))
    assert Counter(status for status, _ in answers) == {200: LIMIT, 429: REQUESTS - LIMIT}
    assert len({pid for status, pid in answers if status == 200}) > 1


def test_a_restart_of_the_workers_does_not_begin_anew(server: Server) -> None:
    assert [server.get()[0] for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]
    server.process.send_signal(signal.SIGHUP)
    for _ in range(600):
        if server.log.read_text().count("Booting worker") == 2 * WORKERS:
            break
        time.sleep(0.05)
    assert server.get()[0] == 429
