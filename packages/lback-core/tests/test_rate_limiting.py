"""Rate limits: who is counted, what a refusal says, and what happens without the store."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lback.core import limiting
from lback.core.exceptions import ConfigurationError
from lback.core.limiting import LimitStore, RateLimiter, parse_limit, rate_limit
from lback.core.request import Request
from lback.core.response import Response
from lback.core.testing import Client, TestResponse, make_app
from lback.utils.urls import path

from .redis_server import RedisServer

MIDDLEWARE = "lback.middlewares.rate_limiting.RateLimitingMiddleware"
# In seconds; a window that the clock leaves in the year 2033.
WINDOW = 1_000_000_000


def home(request: Request) -> str:
    return "home"


@rate_limit(f"2 per {WINDOW} seconds")
def rare(request: Request, name: str) -> str:
    return name


class Rare:
    @rate_limit(f"1 per {WINDOW} seconds", per=["user", "route"])
    def get(self, request: Request) -> str:
        return "rare"

    def post(self, request: Request) -> str:
        return "often"


URLPATTERNS = [path("/", home), path("/other/", home), path("/rare/{name}/", rare), path("/class/", Rare)]


def client(requests: int = 2, https: bool = False, proxies: int = 0, url: str = "memory://", **settings: Any) -> Client:
    limits = {"MAX_REQUESTS": requests, "WINDOW_SECONDS": WINDOW, **settings}
    return Client(
        make_app(
            URLPATTERNS,
            MIDDLEWARES=[MIDDLEWARE],
            RATE_LIMITING_SETTINGS=limits,
            CACHE_URL=url,
            TRUSTED_PROXIES=proxies,
        ),
        https=https,
    )


def statuses(visitor: Client, address: str = "/", count: int = 3, **environ: str) -> list[int]:
    return [visitor.get(address, environ=environ).status_code for _ in range(count)]


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory://"
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url


# -- the limiter ------------------------------------------------------------------------------------------------------


def test_one_that_turns_out_not_to_count_is_taken_back(url: str) -> None:
    limiter = RateLimiter(LimitStore(url), f"1 per {WINDOW} seconds", "login")
    for _ in range(3):
        assert limiter.hit("ada").allowed
        limiter.take_back("ada")
    assert [limiter.hit("ada").allowed for _ in range(2)] == [True, False]


def test_so_many_are_allowed_and_no_more(url: str) -> None:
    limiter = RateLimiter(LimitStore(url), f"2 per {WINDOW} seconds", "login")
    verdicts = [limiter.hit("ada") for _ in range(3)]
    assert [(verdict.allowed, verdict.limit, verdict.remaining) for verdict in verdicts] == [
        (True, 2, 1),
        (True, 2, 0),
        (False, 2, 0),
    ]
    assert all(0 < verdict.reset_after <= WINDOW for verdict in verdicts)


def test_every_key_and_every_scope_has_its_own_counter(url: str) -> None:
    store = LimitStore(url)
    login, mail = (
        RateLimiter(store, f"1 per {WINDOW} seconds", "login"),
        RateLimiter(store, f"1 per {WINDOW} seconds", "mail"),
    )
    assert login.hit("ada").allowed
    assert login.hit("bob").allowed
    assert mail.hit("ada").allowed
    assert not login.hit("ada").allowed


def test_a_new_window_begins_with_the_clock(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = SimpleNamespace(time=lambda: 1_000_000_019.0, monotonic=lambda: 0.0)
    monkeypatch.setattr(limiting, "time", now)
    limiter = RateLimiter(LimitStore(url), "1/minute", "login")
    assert [limiter.hit("ada").allowed for _ in range(2)] == [True, False]
    assert limiter.hit("ada").reset_after == 1
    now.time = lambda: 1_000_000_020.0
    assert limiter.hit("ada").allowed
    assert limiter.hit("ada").reset_after == 60


def test_threads_together_get_exactly_the_limit(url: str) -> None:
    limiter = RateLimiter(LimitStore(url), f"50 per {WINDOW} seconds", "login")
    allowed: list[bool] = []
    threads = [
        threading.Thread(target=lambda: allowed.extend([limiter.hit("ada").allowed for _ in range(25)]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (allowed.count(True), len(allowed)) == (50, 200)


def test_counters_are_gone_after_their_window(redis_server: RedisServer) -> None:
    import redis

    RateLimiter(LimitStore(redis_server.url, "shop"), "5/minute", "login").hit("ada")
    with redis.Redis(port=redis_server.port) as connection:
        (key,) = connection.keys()
        assert key.startswith(b"shop:login/5/60/")
        assert 0 < connection.ttl(key) <= 60


@pytest.mark.parametrize("key", ["a" * 500_000, "é", "\ud800", "", "a\r\nb"])
def test_any_text_is_a_key_and_a_long_one_takes_no_room(redis_server: RedisServer, key: str) -> None:
    import redis

    limiter = RateLimiter(LimitStore(redis_server.url), "1 per 1000000000 seconds", "login")
    assert [limiter.hit(key).allowed, limiter.hit(key + "x").allowed, limiter.hit(key).allowed] == [True, True, False]
    with redis.Redis(port=redis_server.port) as connection:
        assert max(map(len, connection.keys())) < 200


@pytest.mark.parametrize(
    "limit",
    [
        "",
        "5",
        "five/minute",
        "5/fortnight",
        "0/minute",
        "-1/minute",
        "5/minute;100/day",
        "5/minute,9/hour",
        "5 per 9999 years",
    ],
)
def test_a_limit_that_cannot_be_read_is_refused(limit: str) -> None:
    with pytest.raises(ConfigurationError, match="A rate limit is text such as"):
        parse_limit(limit)


@pytest.mark.parametrize("url", ["", "redis", "http://localhost/", "redis://localhost:port/0"])
def test_an_address_of_no_store_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="CACHE_URL must"):
        client(url=url)


def test_an_option_that_the_client_does_not_take_stops_the_start() -> None:
    pytest.importorskip("redis", reason="the client of Redis is not installed")
    with pytest.raises(ConfigurationError, match=r"CACHE_URL has an option that can't be used: .*'patience'"):
        client(url="redis://localhost:6379/0?patience=5")


def test_a_site_without_rate_limits_does_not_import_the_library() -> None:
    code = "import sys; from lback.core.testing import make_app; make_app([]); sys.exit('limits' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- the middleware ---------------------------------------------------------------------------------------------------


def test_requests_over_the_limit_get_a_429(url: str) -> None:
    assert statuses(client(url=url)) == [200, 200, 429]


def test_an_answer_says_what_is_left() -> None:
    visitor = client()
    first, _, third = visitor.get("/"), visitor.get("/"), visitor.get("/")
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    assert 0 < int(first.headers["ratelimit-reset"]) <= WINDOW
    assert "retry-after" not in first.headers
    assert third.headers["ratelimit-remaining"] == "0"
    assert third.headers["retry-after"] == third.headers["ratelimit-reset"]


def test_all_addresses_and_methods_count_together() -> None:
    visitor = client()
    answers = [visitor.head("/"), visitor.options("/other/"), visitor.get("/nothing/")]
    assert [answer.status_code for answer in answers] == [200, 204, 429]


def test_a_refusal_of_the_views_own_says_what_it_says() -> None:
    def view(request: Request) -> Response:
        return Response("later", 429, {"Retry-After": "7", "RateLimit-Limit": "1"})

    answer = Client(make_app([path("/", view)], MIDDLEWARES=[MIDDLEWARE])).get("/")
    assert (answer.headers["retry-after"], answer.headers["ratelimit-limit"]) == ("7", "1")
    assert "ratelimit-remaining" not in answer.headers


def test_an_error_page_counts_as_well() -> None:
    assert statuses(client(), "/nothing/") == [404, 404, 429]


def test_every_client_is_counted_apart() -> None:
    visitor = client(requests=1)
    assert statuses(visitor, count=1, REMOTE_ADDR="203.0.113.7") == [200]
    assert statuses(visitor, count=1, REMOTE_ADDR="203.0.113.8") == [200]
    assert statuses(visitor, count=1, REMOTE_ADDR="203.0.113.7") == [429]


def test_addresses_of_one_ipv6_customer_are_one_client() -> None:
    visitor = client(requests=1)
    assert statuses(visitor, count=1, REMOTE_ADDR="2001:db8::1") == [200]
    assert statuses(visitor, count=1, REMOTE_ADDR="2001:db8::2") == [429]


def test_a_forwarded_address_does_not_get_around_the_limit() -> None:
    visitor = client(requests=1)
    answers = [visitor.get("/", headers={"X-Forwarded-For": f"203.0.113.{last}"}) for last in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]


def test_behind_a_trusted_proxy_its_forwarded_address_counts() -> None:
    visitor = client(requests=1, proxies=1)

    def ask(forwarded: str) -> TestResponse:
        return visitor.get("/", headers={"X-Forwarded-For": forwarded})

    # What the client itself put in front doesn't count.
    answers = [ask("203.0.113.7"), ask("203.0.113.8"), ask("1.2.3.4, 203.0.113.7")]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_per_route_each_route_has_its_own_limit() -> None:
    visitor = client(requests=1, PER=["ip", "route"])
    answers = [visitor.get(address).status_code for address in ("/", "/other/", "/nothing/", "/none/", "/")]
    assert answers == [200, 200, 404, 429, 429]


def test_per_user_the_address_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = client(requests=1, PER=["user"])
    monkeypatch.setattr(Request, "user", SimpleNamespace(id=7), raising=False)
    assert statuses(visitor, count=1, REMOTE_ADDR="203.0.113.7") == [200]
    assert statuses(visitor, count=1, REMOTE_ADDR="203.0.113.8") == [429]
    monkeypatch.setattr(Request, "user", None, raising=False)
    assert statuses(visitor, count=2, REMOTE_ADDR="203.0.113.9") == [200, 429]


def test_a_refusal_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "lback.security")
    statuses(client(requests=1), "/a%0ab/", count=2)
    assert [record.getMessage() for record in caplog.records if record.name == "lback.security"] == [
        "Refused 'GET' '/a\\nb/' from 127.0.0.1: It is over its rate limit."
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"MAX_REQUEST": 5}, r"RATE_LIMITING_SETTINGS has no key 'MAX_REQUEST'; its keys are MAX_REQUESTS"),
        ({"MAX_REQUESTS": "many"}, r"RATE_LIMITING_SETTINGS\['MAX_REQUESTS'\] must be a whole number"),
        ({"MAX_REQUESTS": 0}, r"RATE_LIMITING_SETTINGS\['MAX_REQUESTS'\] must be 1 or more, not 0"),
        ({"WINDOW_SECONDS": 0}, r"RATE_LIMITING_SETTINGS\['WINDOW_SECONDS'\] must be 1 or more"),
        ({"PER": []}, "Requests are counted per one or more of ip, user, route"),
        ({"PER": ["address"]}, "Requests are counted per one or more of ip, user, route"),
    ],
)
def test_a_wrong_setting_stops_the_start(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        client(**settings)


# -- the decorator ----------------------------------------------------------------------------------------------------


def bare() -> Client:
    return Client(make_app(URLPATTERNS, MIDDLEWARES=[]))


def test_a_view_has_a_limit_of_its_own_without_a_middleware() -> None:
    visitor = bare()
    assert [visitor.get("/rare/a/").text, visitor.get("/rare/b/").text] == ["a", "b"]
    refused = visitor.get("/rare/c/")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW
    assert statuses(visitor, "/") == [200, 200, 200]


def test_a_method_of_a_class_has_a_limit_of_its_own() -> None:
    visitor = bare()
    assert statuses(visitor, "/class/", count=2) == [200, 429]
    assert visitor.post("/class/").text == "often"


def test_a_class_is_not_decorated() -> None:
    with pytest.raises(ConfigurationError, match="rate_limit decorates functions and methods; Rare is a class"):
        rate_limit(f"1 per {WINDOW} seconds")(Rare)


def test_a_wrong_limit_stops_the_import_of_the_view() -> None:
    with pytest.raises(ConfigurationError, match="A rate limit is text such as"):
        rate_limit("often")
    with pytest.raises(ConfigurationError, match="Requests are counted per"):
        rate_limit(f"1 per {WINDOW} seconds", per="ip")


# -- without the store ------------------------------------------------------------------------------------------------


def test_without_redis_everybody_is_let_in_and_it_is_logged_once(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "lback.security")
    visitor = client(url=redis_server.url)
    assert statuses(visitor) == [200, 200, 429]
    redis_server.stop()
    caplog.clear()
    answer = visitor.get("/")
    assert answer.status_code == 200
    assert "ratelimit-limit" not in answer.headers
    assert statuses(visitor) == [200, 200, 200]
    (record,) = [record for record in caplog.records if record.name == "lback.security"]
    assert "is away" in record.getMessage()


def test_failing_closed_everybody_is_refused_without_redis(redis_server: RedisServer) -> None:
    visitor = client(url=redis_server.url, FAIL_CLOSED=True)
    assert statuses(visitor, count=1) == [200]
    redis_server.stop()
    answer = visitor.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_it_counts_again_when_redis_is_back(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "lback.security")
    monkeypatch.setattr(limiting, "PAUSE", 0.0)
    visitor = client(url=redis_server.url)
    redis_server.stop()
    assert statuses(visitor) == [200, 200, 200]
    redis_server.start()
    assert statuses(visitor) == [200, 200, 429]
    assert [record.getMessage().rpartition(" is ")[2].split(":")[0] for record in caplog.records[:2]] == [
        "away",
        "back.",
    ]


def test_the_site_starts_without_redis(redis_server: RedisServer) -> None:
    redis_server.stop()
    assert statuses(client(url=redis_server.url)) == [200, 200, 200]
