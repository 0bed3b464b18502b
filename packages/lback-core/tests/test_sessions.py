"""A session and the stores behind it: ids, messages, and what is kept."""

import secrets
from typing import Any

import pytest

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.sessions import Session, SessionStore, SignedCookieStore
from lback.core.testing import TEST_KEY, make_app

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


def test_an_empty_list_is_kept_like_any_other_value(store: MemoryStore) -> None:
    one = session(store)
    one["cart"] = []
    assert session(store, one.save())["cart"] == []


def test_a_change_inside_a_value_is_kept_when_it_is_said(store: MemoryStore) -> None:
    one = session(store)
    one["cart"] = []
    again = session(store, one.save())
    again["cart"].append("tea")
    assert again.modified is False
    again.modified = True
    assert session(store, again.save())["cart"] == ["tea"]


def test_a_change_inside_a_value_that_is_not_json_is_refused_when_it_is_said(store: MemoryStore) -> None:
    """Not when the session is written, which is after the view's work was committed."""
    one = session(store)
    one["cart"] = []
    one["cart"].append({"tea"})
    with pytest.raises(TypeError, match=r"JSON values, and session\['cart'\]"):
        one.modified = True


def test_after_a_flush_the_session_can_be_used_under_a_new_id(store: MemoryStore) -> None:
    one = session(store)
    one["user_id"] = 1
    old = one.save()
    again = session(store, old)
    again.flush()
    again.set_flash("Logged out.")
    new = again.save()
    assert new not in (None, old)
    assert list(store.rows) == [new]
    assert dict(session(store, new)) == {}


# -- messages ---------------------------------------------------------------------------------------------------------


def test_messages_are_kept_until_they_are_shown(store: MemoryStore) -> None:
    one = session(store)
    one.set_flash("Saved.", "success")
    one.set_flash("Look out.", "warning")
    again = session(store, one.save())
    assert again.get_flashed_messages("warning") == [{"message": "Look out.", "category": "warning"}]
    assert again.get_flashed_messages() == [{"message": "Saved.", "category": "success"}]
    assert again.get_flashed_messages() == []


def test_a_session_that_only_held_messages_is_gone_when_they_are_shown(store: MemoryStore) -> None:
    one = session(store)
    one.set_flash("Saved.")
    again = session(store, one.save())
    again.get_flashed_messages()
    assert again.save() is None
    assert store.rows == {}


# -- stores -----------------------------------------------------------------------------------------------------------


def test_a_setting_names_another_store() -> None:
    app = make_app([], MIDDLEWARES=MIDDLEWARES, SESSION_STORE="lback.core.sessions.SignedCookieStore")
    assert isinstance(app.container.get(SessionStore), SignedCookieStore)  # type: ignore[type-abstract]


def test_what_is_no_store_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no load, save and delete"):
        make_app([], MIDDLEWARES=MIDDLEWARES, SESSION_STORE="builtins.dict")


@pytest.fixture
def cookies() -> SignedCookieStore:
    return SignedCookieStore(Config({"SECRET_KEY": TEST_KEY}))


def test_the_store_in_cookies_gives_back_what_it_signed(cookies: SignedCookieStore) -> None:
    assert cookies.load(cookies.save(None, {"a": [1, "\u00e9"]}, 60)) == {"a": [1, "\u00e9"]}


@pytest.mark.parametrize("position", [0, 5, -1])
def test_the_store_in_cookies_takes_nothing_that_was_changed(cookies: SignedCookieStore, position: int) -> None:
    cookie = [*cookies.save(None, {"user_id": 1}, 60)]
    cookie[position] = "A" if cookie[position] != "A" else "Q"
    assert cookies.load("".join(cookie)) is None


def test_the_store_in_cookies_holds_json_alone(cookies: SignedCookieStore) -> None:
    with pytest.raises(TypeError, match="JSON"):
        cookies.save(None, {"when": object()}, 60)


def test_the_store_in_cookies_says_that_it_can_not_revoke(cookies: SignedCookieStore) -> None:
    cookie = cookies.save(None, {"a": 1}, 60)
    cookies.delete(cookie)
    assert cookies.can_revoke is False
    assert cookies.load(cookie) == {"a": 1}


def test_more_than_a_cookie_holds_is_refused_with_what_to_do(cookies: SignedCookieStore) -> None:
    with pytest.raises(ValueError, match="SESSION_STORE"):
        cookies.save(None, {"a": secrets.token_hex(4000)}, 60)
