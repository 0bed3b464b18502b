"""Sessions in the cache's backend: ids hashed at rest, an end to every session, and a server that is away."""

import pickle
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lback.core.app import Application
from lback.core.cache import Cache
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, ServiceUnavailable
from lback.core.request import Request
from lback.core.response import Response
from lback.core.session_stores import CacheSessionStore
from lback.core.sessions import SessionStore
from lback.core.testing import Client, make_app
from lback.utils.urls import path

from .redis_server import RedisServer, running_redis


@pytest.fixture(params=["memory", "redis"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of a cache on each backend."""
    if request.param == "memory":
        return {"DEBUG": True, "SECRET_KEY": "a-key-for-tests-alone-0123456789-abcdefghij"}
    return {"CACHE_URL": running_redis(), "CACHE_PREFIX": f"lback-test-{secrets.token_hex(6)}"}


@pytest.fixture
def store(settings: dict[str, Any]) -> Iterator[CacheSessionStore]:
    store = CacheSessionStore(Config(settings))
    yield store
    store._backend.clear()


def kept(store: CacheSessionStore) -> dict[str, str]:
    """Everything that the backend has for sessions."""
    return {key: store._backend.get(key) or "" for key in store._backend.keys()}  # noqa: SIM118 - no mapping


def test_what_is_saved_is_loaded_by_its_cookie(store: CacheSessionStore) -> None:
    cookie = store.save(None, {"cart": [1, 2], "name": "Zoë"}, 60)
    assert store.load(cookie) == {"cart": [1, 2], "name": "Zoë"}


def test_saving_again_keeps_the_id(store: CacheSessionStore) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    assert store.save(cookie, {"a": 2}, 60) == cookie
    assert store.load(cookie) == {"a": 2}
    assert len(kept(store)) == 1


def test_the_server_does_not_hold_the_id_that_would_log_somebody_in(store: CacheSessionStore) -> None:
    cookie = store.save(None, {"user_id": 1}, 60)
    assert cookie not in str(kept(store))


def test_no_two_sessions_have_one_id(store: CacheSessionStore) -> None:
    assert len({store.save(None, {"a": 1}, 60) for _ in range(50)}) == 50


@pytest.mark.parametrize("cookie", ["", "unknown", "x" * 10_000, "\u0131'*", "\ud800", "user:1", "id:*"])
def test_an_unknown_id_is_nobodys_session(store: CacheSessionStore, cookie: str) -> None:
    store.save(None, {"user_id": 1}, 60)
    assert store.load(cookie) is None


def test_a_deleted_session_is_gone_at_once_and_not_brought_back(store: CacheSessionStore) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    store.delete(cookie)
    assert store.load(cookie) is None
    store.save(cookie, {"a": 2}, 60)
    assert store.load(cookie) is None
    assert kept(store) == {}


def test_what_a_slower_request_writes_after_the_logout_leaves_nothing(store: CacheSessionStore) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    store.delete(cookie)
    store.save(cookie, {"user_id": 1}, 60)
    assert kept(store) == {}


def test_all_sessions_of_a_user_can_be_ended(store: CacheSessionStore) -> None:
    first, second, other, nobody = (store.save(None, data, 60) for data in [{"user_id": 1}] * 2 + [{"user_id": 2}, {}])
    store.delete_for_user(1)
    assert [store.load(cookie) for cookie in (first, second)] == [None, None]
    assert store.load(other) == {"user_id": 2}
    assert store.load(nobody) == {}


def test_an_ended_session_stays_ended_whatever_a_slower_request_still_writes(store: CacheSessionStore) -> None:
    ended = store.save(None, {"user_id": 1}, 60)
    store.delete_for_user(1)
    store.save(ended, {"user_id": 1, "a": 1}, 60)
    again = store.save(None, {"user_id": 1}, 60)
    store.save(ended, {"user_id": 1, "a": 2}, 60)
    assert store.load(ended) is None
    assert store.load(again) == {"user_id": 1}


def test_a_session_that_becomes_a_users_ends_with_the_others_of_the_user(store: CacheSessionStore) -> None:
    cookie = store.save(None, {"cart": []}, 60)
    store.save(cookie, {"cart": [], "user_id": 1}, 60)
    assert store.load(cookie) is not None
    store.delete_for_user(1)
    assert store.load(cookie) is None


def test_the_sessions_of_a_user_end_when_the_server_lost_who_may_have_some(store: CacheSessionStore) -> None:
    """As a server does that is short of room; what is not known to count does not."""
    cookie = store.save(None, {"user_id": 1}, 60)
    store._backend.delete("user:1")
    assert store.load(cookie) is None


def seconds_left(store: CacheSessionStore) -> dict[str, float]:
    """How long the backend keeps the key of a session, and that of its user."""
    backend: Any = store._backend
    keys: list[str] = backend.keys()
    if backend.shared:
        return {key.partition(":")[0]: backend._client.pttl(backend._key(key)) / 1000 for key in keys}
    return {key.partition(":")[0]: backend._entries[key][1] - time.monotonic() for key in keys}


def test_what_nobody_asks_for_any_more_goes_by_itself(store: CacheSessionStore) -> None:
    store.save(None, {"user_id": 1}, 60)
    left = seconds_left(store)
    assert left.keys() == {"id", "user"}
    assert all(50 < seconds <= 60 for seconds in left.values())


def test_what_says_that_the_sessions_of_a_user_count_stays_as_long_as_they_do(store: CacheSessionStore) -> None:
    first = store.save(None, {"user_id": 1}, 60)
    store.save(first, {"user_id": 1, "a": 1}, 120)
    assert min(seconds_left(store).values()) > 110
    store.save(None, {"user_id": 1}, 240)
    assert 230 < seconds_left(store)["user"] <= 240


GARBLED = [
    "not json",
    "[1]",
    "1",
    "{}",
    "[" * 100_000,
    str(pickle.dumps(print)),
    '{"user":null,"stamp":null,"data":[1]}',
    '{"user":1,"stamp":null,"data":{}}',
    '{"user":"1","stamp":"x","data":{}}',
]


@pytest.mark.parametrize("text", GARBLED)
def test_a_garbled_record_counts_as_no_session(store: CacheSessionStore, text: str) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    (key,) = kept(store)
    store._backend.set(key, text, 60)
    assert store.load(cookie) is None


def test_only_json_is_stored(store: CacheSessionStore) -> None:
    with pytest.raises(TypeError):
        store.save(None, {"a": object()}, 60)


# -- in an application ------------------------------------------------------------------------------------------------


def visit(request: Request) -> dict[str, Any]:
    return {"seen": request.session.get("seen", 0)}


def remember(request: Request) -> Response:
    request.session["seen"] = 1
    return Response("")


def renew(request: Request) -> Response:
    request.session.cycle()
    return Response("")


def leave(request: Request) -> Response:
    request.session.flush()
    return Response("")


def site(settings: dict[str, Any]) -> Application:
    return make_app(
        [path("/", visit), path("/remember/", remember), path("/renew/", renew), path("/leave/", leave)],
        MIDDLEWARES=["lback.middlewares.session.SessionMiddleware"],
        SESSION_STORE="cache",
        **settings,
    )


@pytest.fixture
def app(settings: dict[str, Any]) -> Iterator[Application]:
    app = site(settings)
    yield app
    store = app.container.get(SessionStore)  # type: ignore[type-abstract]
    assert isinstance(store, CacheSessionStore)
    store._backend.clear()


def test_a_new_id_at_login_leaves_the_old_one_worthless(app: Application) -> None:
    client = Client(app)
    client.get("/remember/")
    before = dict(client.cookies)
    client.get("/renew/")
    assert client.cookies != before
    assert client.get("/").json() == {"seen": 1}
    client.cookies.update(before)
    assert client.get("/").json() == {"seen": 0}


def test_after_logout_the_cookie_is_worthless(app: Application) -> None:
    client = Client(app)
    client.get("/remember/")
    before = dict(client.cookies)
    client.get("/leave/")
    client.cookies.update(before)
    assert client.get("/").json() == {"seen": 0}


def test_a_visit_that_stores_nothing_leaves_nothing(app: Application) -> None:
    client = Client(app)
    assert client.get("/").cookies_set == []


def test_clearing_the_cache_ends_no_session(app: Application) -> None:
    client = Client(app)
    client.get("/remember/")
    app.container.get(Cache).clear()
    assert app.container.get(Cache).keys() == []
    assert client.get("/").json() == {"seen": 1}


def test_sessions_in_the_memory_of_each_worker_stop_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"logged out at random: set CACHE_URL to 'redis:"):
        site({})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


def test_without_the_server_a_request_that_needs_its_session_is_a_503(server: RedisServer) -> None:
    client = Client(site({"CACHE_URL": server.url}))
    client.get("/remember/")
    cookie = dict(client.cookies)
    server.stop()
    for address in ("/", "/remember/", "/leave/"):
        response = client.get(address)
        assert (response.status_code, response.cookies_set) == (503, [])
    assert client.cookies == cookie


def test_a_logout_that_the_server_did_not_hear_of_is_no_success(server: RedisServer) -> None:
    store = CacheSessionStore(Config({"CACHE_URL": server.url}))
    cookie = store.save(None, {"user_id": 1}, 60)
    server.stop()
    with pytest.raises(ServiceUnavailable):
        store.delete(cookie)
    with pytest.raises(ServiceUnavailable):
        store.delete_for_user(1)
