"""A rate limit holds for all workers of a server together: exactly so many requests get through."""

import importlib
import os
import secrets
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .servers import Server, gunicorn, wait_for

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


class Site:
    """Where the site answers, and what gunicorn writes."""

    def __init__(self, server: Server, log: Path) -> None:
        self.server, self._log = server, log

    def get(self, _: int = 0) -> tuple[int, str]:
        """Return the status and the text of the page."""
        answer = self.server.get("/")
        return int(answer[9:12]), answer.rpartition(b"\r\n")[2].decode()

    def wait_for_workers(self, number: int) -> None:
        """Wait until so many have begun since the start."""
        wait_for(lambda: self._log.read_text().count("Booting worker") == number)


@pytest.fixture
def site(prefix: str, tmp_path: Path) -> Iterator[Site]:
    """A site with four workers, all of them ready."""
    (tmp_path / "site_of_test.py").write_text(SITE.format(prefix=prefix, redis=REDIS, limit=LIMIT))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = (f"--workers={WORKERS}", f"--bind=127.0.0.1:{port}")
    with (
        (tmp_path / "log").open("w") as log,
        gunicorn(tmp_path, "site_of_test:application", *options, log=log) as process,
    ):
        site = Site(Server(process, port), tmp_path / "log")
        try:
            site.wait_for_workers(WORKERS)
            yield site
        finally:
            process.terminate()


def test_of_many_requests_at_once_exactly_the_limit_passes_four_workers(site: Site) -> None:
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(site.get, range(REQUESTS)))
    assert Counter(status for status, _ in answers) == {200: LIMIT, 429: REQUESTS - LIMIT}
    assert len({pid for status, pid in answers if status == 200}) > 1


def test_a_restart_of_the_workers_does_not_begin_anew(site: Site) -> None:
    assert [site.get()[0] for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]
    site.server.process.send_signal(signal.SIGHUP)
    site.wait_for_workers(2 * WORKERS)
    assert site.get()[0] == 429
