"""The session of a visitor: when its cookie is sent, what it looks like, when it ends, and what must not be shared."""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.response import Response, StreamingResponse
from lback.core.sessions import Session
from lback.core.testing import Client, make_app
from lback.utils.urls import path

MIDDLEWARES = ["lback.middlewares.session.SessionMiddleware"]


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


def test_more_than_the_cookie_holds_is_an_error_and_no_lost_write() -> None:
    def view(request: Request) -> Any:
        request.session["much"] = secrets.token_hex(4000)
        return "x"

    assert client_for(view).get("/").status_code == 500


@pytest.mark.parametrize("size", [1000, *range(3300, 3700, 25), 10_000])
def test_more_than_the_cookie_holds_is_refused_where_it_is_set_or_saved_without_fail(size: int) -> None:
    text = secrets.token_urlsafe(size)[:size]

    def view(request: Request) -> Any:
        try:
            request.session["much"] = text
        except ValueError as error:
            return str(error)
        return "kept"

    answer = client_for(view).get("/")
    assert (answer.status_code, bool(answer.cookies_set)) == (200, answer.text == "kept")
    assert ("SESSION_STORE" in answer.text) == (answer.text != "kept")
    assert size not in (1000, 10_000) or (answer.text == "kept") == (size == 1000)


def test_a_change_inside_that_is_more_than_the_cookie_holds_is_refused_when_it_is_said() -> None:
    def view(request: Request) -> Any:
        request.session["list"] = []
        request.session["list"].append(secrets.token_hex(4000))
        with pytest.raises(ValueError, match="SESSION_STORE"):
            request.session.modified = True
        request.session["list"].clear()
        return ""

    assert client_for(view).get("/").status_code == 200


@pytest.mark.parametrize("name", ["", "session id", "session;id", "__Host-session"])
def test_a_name_that_no_cookie_can_have_stops_the_start(name: str) -> None:
    with pytest.raises(ConfigurationError, match="SessionMiddleware can't be set up"):
        client_for(remembers, SESSION_COOKIE_NAME=name)


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


def test_a_clock_that_goes_back_a_little_ends_no_session(clock: Callable[[float], None]) -> None:
    """Servers behind one address are seconds apart."""
    client = client_for(remembers)
    client.get("/")
    clock(-5)
    assert client.get("/").json() == {"count": 2}


def test_a_new_id_begins_a_new_lifetime(clock: Callable[[float], None]) -> None:
    def view(request: Request) -> Any:
        if request.method == "POST":
            request.session.cycle()
        return remembers(request)

    client = client_for(view, SESSION_LIFETIME_HOURS=1)
    client.get("/")
    clock(25 * 60)
    client.post("/")
    for _ in range(2):
        clock(25 * 60)
        count = client.get("/").json()["count"]
    assert count == 4


# -- caches -----------------------------------------------------------------------------------------------------------

TOUCHES: dict[str, Callable[[Session], Any]] = {
    "get": lambda session: session.get("a"),
    "in": lambda session: "a" in session,
    "len": len,
    "iteration": list,
    "keys": lambda session: list(session.keys()),
    "items": lambda session: list(session.items()),
    "set": lambda session: session.__setitem__("a", 1),
    "[]": lambda session: session.__getitem__("a") if "a" in session else None,
    "del": lambda session: session.__delitem__("a") if "a" in session else None,
    "bool": bool,
    "==": lambda session: session == {},
    "values": lambda session: list(session.values()),
    "setdefault": lambda session: session.setdefault("a", 1),
    "update": lambda session: session.update(a=1),
    "clear": lambda session: session.clear(),
    "pop": lambda session: session.pop("a", None),
    "flush": lambda session: session.flush(),
    "cycle": lambda session: session.cycle(),
    "flash": lambda session: session.set_flash("x"),
}


@pytest.mark.parametrize("touch", TOUCHES)
def test_whatever_looks_at_the_session_is_not_shared_by_caches(touch: str) -> None:
    def view(request: Request) -> Response:
        TOUCHES[touch](request.session)
        return Response("x")

    response = client_for(view).get("/")
    assert response.headers["vary"] == "Cookie"
    assert response.headers["cache-control"] == "private, no-store"


def test_to_show_no_messages_to_a_visitor_without_a_session_looks_at_none() -> None:
    """Or a page with a place for messages could never be kept by anybody; that it depends on the cookie is said."""
    response = client_for(lambda request: str(request.session.get_flashed_messages())).get("/")
    assert response.text == "[]"
    assert response.headers["vary"] == "Cookie"
    assert "cache-control" not in response.headers
    assert response.cookies_set == []


def test_to_ask_for_the_messages_of_a_session_looks_at_it() -> None:
    client = client_for(
        lambda request: remembers(request) if request.method == "POST" else str(request.session.get_flashed_messages())
    )
    client.post("/")
    assert client.get("/").headers["cache-control"] == "private, no-store"


def first_read(session: Session) -> Any:
    return session.get("count")


def change(session: Session) -> Any:
    session["count"] = 2


def change_inside(session: Session) -> Any:
    session.modified = True


def delete(session: Session) -> Any:
    del session["count"]


@pytest.mark.parametrize("late", [first_read, change, change_inside, delete, Session.cycle, Session.flush])
def test_what_comes_too_late_for_the_headers_is_refused(late: Callable[[Session], Any]) -> None:
    def pieces(request: Request) -> Iterator[str]:
        yield "begun"
        late(request.session)

    client = client_for(lambda request: StreamingResponse(pieces(request)))
    with pytest.raises(RuntimeError, match="while the body of a StreamingResponse is made"):
        client.get("/")


def test_what_was_read_before_can_be_read_in_a_streamed_body() -> None:
    def pieces(request: Request) -> Iterator[str]:
        yield str(request.session["count"])

    def view(request: Request) -> Any:
        request.session["count"] = 1
        return StreamingResponse(pieces(request))

    answer = client_for(view).get("/")
    assert (answer.text, answer.headers["vary"], len(answer.cookies_set)) == ("1", "Cookie", 1)


def test_a_streamed_body_that_does_not_look_at_the_session_may_be_shared() -> None:
    assert "vary" not in client_for(lambda request: StreamingResponse(["x"])).get("/").headers


def test_a_page_that_does_not_look_at_the_session_may_be_shared() -> None:
    response = client_for(lambda request: "x").get("/")
    assert "vary" not in response.headers
    assert "cache-control" not in response.headers
