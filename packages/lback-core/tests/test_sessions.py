"""Sessions: when a cookie is sent, what it looks like, when a session ends, and what must not be shared."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.response import Response
from lback.core.sessions import Session, SessionStore, SignedCookieStore
from lback.core.testing import TEST_KEY, Client, make_app
from lback.utils.urls import path

MIDDLEWARES = ["lback.middlewares.session.SessionMiddleware"]


class MemoryStore:
    """A store on the server, for tests: sessions by number."""

    can_revoke = True

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.made = 0

    def load(self, cookie: str) -> dict[str, Any] | None:
        return self.rows.get(cookie)

    def save(self, cookie: str | None, data: dict[str, Any], max_age: int) -> str:
        if cookie is None:
            self.made += 1
            cookie = f"id{self.made}"
        self.rows[cookie] = dict(data)
        return cookie

    def delete(self, cookie: str) -> None:
        self.rows.pop(cookie, None)


def client_for(view: Callable[[Request], Any], https: bool = False, **settings: Any) -> Client:
    return Client(make_app([path("/", view, ["GET", "POST"])], MIDDLEWARES=MIDDLEWARES, **settings), https=https)


def remembers(request: Request) -> Any:
    count = request.session.get("count", 0) + 1
    request.session["count"] = count
    return {"count": count}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the clock on by some seconds."""
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


# -- the cookie -------------------------------------------------------------------------------------------------------


def test_no_cookie_is_sent_until_something_is_stored() -> None:
    response = client_for(lambda request: {"seen": request.session.get("seen")}).get("/")
    assert response.cookies_set == []


def test_what_is_stored_is_there_on_the_next_request() -> None:
    client = client_for(remembers)
    assert [client.get("/").json()["count"] for _ in range(3)] == [1, 2, 3]


def test_on_http_the_cookie_is_http_only_and_lax() -> None:
    (cookie,) = client_for(remembers).get("/").cookies_set
    assert cookie.startswith("session_id=")
    assert cookie.partition("; ")[2] == "Path=/; Max-Age=1800; HttpOnly; SameSite=Lax"


def test_on_https_the_cookie_is_secure_and_bound_to_the_host() -> None:
    (cookie,) = client_for(remembers, https=True).get("/").cookies_set
    assert cookie.startswith("__Host-session_id=")
    assert cookie.partition("; ")[2] == "Path=/; Max-Age=1800; Secure; HttpOnly; SameSite=Lax"


def test_a_session_that_is_emptied_has_its_cookie_deleted() -> None:
    def view(request: Request) -> Any:
        if request.method == "POST":
            request.session.clear()
            return "gone"
        return remembers(request)

    client = client_for(view)
    client.get("/")
    (cookie,) = client.post("/").cookies_set
    assert "Max-Age=0" in cookie


@pytest.mark.parametrize("cookie", ["forged", "a.b.c", "", "x" * 5000])
def test_a_forged_cookie_is_no_session(cookie: str) -> None:
    client = client_for(lambda request: dict(request.session))
    client.cookies["session_id"] = cookie
    assert client.get("/").json() == {}


def test_a_session_signed_with_another_key_is_none() -> None:
    other = client_for(remembers, SECRET_KEY="another-key-0123456789-abcdefghijklmnop")
    other.get("/")
    client = client_for(lambda request: dict(request.session))
    client.cookies |= other.cookies
    assert client.get("/").json() == {}


def test_an_earlier_key_still_verifies_and_the_new_one_signs() -> None:
    old, new = "an-old-key-0123456789-abcdefghijklmnop", "a-new-key-0123456789-abcdefghijklmnopq"
    before = client_for(remembers, SECRET_KEY=old)
    before.get("/")
    rotated = client_for(remembers, SECRET_KEY=new, SECRET_KEY_FALLBACKS=[old])
    rotated.cookies |= before.cookies
    assert rotated.get("/").json() == {"count": 2}
    alone = client_for(remembers, SECRET_KEY=new)
    alone.cookies |= rotated.cookies
    assert alone.get("/").json() == {"count": 3}


def test_earlier_keys_are_a_list_and_no_text() -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY_FALLBACKS"):
        make_app([], SECRET_KEY_FALLBACKS="abc")


def test_more_than_a_cookie_holds_is_refused_with_what_to_do() -> None:
    import secrets

    def view(request: Request) -> Any:
        request.session["much"] = secrets.token_hex(4000)
        return "x"

    assert client_for(view).get("/").status_code == 500
    with pytest.raises(ValueError, match="SESSION_STORE"):
        SignedCookieStore(Config({"SECRET_KEY": TEST_KEY})).save(None, {"a": secrets.token_hex(4000)}, 60)


# -- the end ----------------------------------------------------------------------------------------------------------


def test_a_session_ends_when_nobody_comes_for_a_while(clock: Callable[[float], None]) -> None:
    client = client_for(remembers)
    client.get("/")
    clock(29 * 60)
    assert client.get("/").json() == {"count": 2}
    clock(31 * 60)
    assert client.get("/").json() == {"count": 1}


def test_visits_alone_keep_a_session_alive_without_a_write_for_each(clock: Callable[[float], None]) -> None:
    client = client_for(lambda request: remembers(request) if request.method == "POST" else dict(request.session))
    client.post("/")
    clock(60)
    assert client.get("/").cookies_set == []
    for _ in range(4):
        clock(20 * 60)
        assert client.get("/").json() == {"count": 1}


def test_a_session_ends_after_its_lifetime_however_often_it_is_used(clock: Callable[[float], None]) -> None:
    client = client_for(remembers, SESSION_LIFETIME_HOURS=1)
    counts = []
    for _ in range(5):
        counts.append(client.get("/").json()["count"])
        clock(20 * 60)
    assert counts == [1, 2, 3, 4, 1]


# -- caches -----------------------------------------------------------------------------------------------------------

TOUCHES: dict[str, Callable[[Session], Any]] = {
    "get": lambda session: session.get("a"),
    "in": lambda session: "a" in session,
    "len": len,
    "iteration": list,
    "keys": lambda session: list(session.keys()),
    "items": lambda session: list(session.items()),
    "set": lambda session: session.__setitem__("a", 1),
    "pop": lambda session: session.pop("a", None),
    "flush": lambda session: session.flush(),
    "cycle": lambda session: session.cycle(),
    "flash": lambda session: session.set_flash("x"),
    "messages": lambda session: session.get_flashed_messages(),
}


@pytest.mark.parametrize("touch", TOUCHES)
def test_whatever_looks_at_the_session_is_not_shared_by_caches(touch: str) -> None:
    def view(request: Request) -> Response:
        TOUCHES[touch](request.session)
        return Response("x")

    response = client_for(view).get("/")
    assert response.headers["vary"] == "Cookie"
    assert response.headers["cache-control"] == "private, no-store"


def test_a_page_that_does_not_look_at_the_session_may_be_shared() -> None:
    response = client_for(lambda request: "x").get("/")
    assert "vary" not in response.headers
    assert "cache-control" not in response.headers


# -- ids --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def session(store: MemoryStore, cookie: str | None = None) -> Session:
    return Session(store, cookie, idle=1800, lifetime=3600)


def test_cycling_goes_on_under_a_new_id_and_deletes_the_old_one(store: MemoryStore) -> None:
    before = session(store)
    before["cart"] = [1]
    old = before.save()
    after = session(store, old)
    after.cycle()
    new = after.save()
    assert new != old
    assert list(store.rows) == [new]
    assert session(store, new)["cart"] == [1]


def test_flushing_forgets_everything_on_the_server_too(store: MemoryStore) -> None:
    before = session(store)
    before["user_id"] = 1
    cookie = before.save()
    again = session(store, cookie)
    again.flush()
    assert again.save() is None
    assert store.rows == {}


def test_an_id_that_the_store_does_not_know_is_never_taken_over(store: MemoryStore) -> None:
    """Or somebody could plant an id in a visitor's browser and come back with it after the login."""
    planted = session(store, "planted")
    planted["user_id"] = 1
    assert planted.save() == "id1"
    assert "planted" not in store.rows


def test_reading_writes_nothing(store: MemoryStore) -> None:
    empty = session(store)
    assert dict(empty) == {}
    assert (empty.modified, store.rows) == (False, {})


def test_the_bookkeeping_of_a_session_is_not_among_its_keys(store: MemoryStore) -> None:
    one = session(store)
    one["a"] = 1
    one.set_flash("x")
    again = session(store, one.save())
    assert (list(again), len(again), dict(again)) == (["a"], 1, {"a": 1})


def test_its_repr_tells_nothing(store: MemoryStore) -> None:
    one = session(store)
    one["secret"] = "s3cr3t"
    one.save()
    assert repr(one) == "<Session, known>"


# -- messages ---------------------------------------------------------------------------------------------------------


def test_messages_are_kept_until_they_are_shown(store: MemoryStore) -> None:
    one = session(store)
    one.set_flash("Saved.", "success")
    one.set_flash("Look out.", "warning")
    again = session(store, one.save())
    assert again.get_flashed_messages("warning") == [{"message": "Look out.", "category": "warning"}]
    assert again.get_flashed_messages() == [{"message": "Saved.", "category": "success"}]
    assert again.get_flashed_messages() == []


# -- stores -----------------------------------------------------------------------------------------------------------


def test_a_setting_names_another_store() -> None:
    app = make_app([], MIDDLEWARES=MIDDLEWARES, SESSION_STORE="lback.core.sessions.SignedCookieStore")
    assert isinstance(app.container.get(SessionStore), SignedCookieStore)  # type: ignore[type-abstract]


def test_what_is_no_store_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no load, save and delete"):
        make_app([], MIDDLEWARES=MIDDLEWARES, SESSION_STORE="builtins.dict")
