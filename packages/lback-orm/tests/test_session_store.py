"""Sessions in the database: ids hashed at rest, rows only when something is stored, an end to every session."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select, text, update

from lback.core.app import Application
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response
from lback.core.sessions import SessionStore, SignedCookieStore
from lback.core.testing import Client, make_app
from lback.models.base import utc_now
from lback.models.database import DatabaseManager
from lback.models.session import Session
from lback.models.session_store import DatabaseSessionStore, hashed
from lback.utils.urls import path


@pytest.fixture
def store(database: DatabaseManager) -> Iterator[DatabaseSessionStore]:
    table = Session.__table__
    assert isinstance(table, Table)
    table.drop(database.engine, checkfirst=True)
    table.create(database.engine)
    yield DatabaseSessionStore(database)
    table.drop(database.engine)


def rows(store: DatabaseSessionStore) -> int:
    with store._database.session() as session:
        return session.scalar(select(func.count()).select_from(Session)) or 0


def test_what_is_saved_is_loaded_by_its_cookie(store: DatabaseSessionStore) -> None:
    cookie = store.save(None, {"cart": [1, 2], "name": "Zoë"}, 60)
    assert store.load(cookie) == {"cart": [1, 2], "name": "Zoë"}


def test_saving_again_keeps_the_id(store: DatabaseSessionStore) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    assert store.save(cookie, {"a": 2}, 60) == cookie
    assert store.load(cookie) == {"a": 2}
    assert rows(store) == 1


def test_the_table_does_not_hold_the_id_that_would_log_somebody_in(store: DatabaseSessionStore) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    with store._database.session() as session:
        row = session.scalars(select(Session)).one()
    assert row.key == hashed(cookie)
    assert cookie not in (row.key, row.data)


def test_the_row_says_whose_session_it_is(store: DatabaseSessionStore) -> None:
    store.save(None, {"user_id": 7}, 60)
    with store._database.session() as session:
        assert session.scalars(select(Session.user_id)).one() == "7"


@pytest.mark.parametrize("cookie", ["", "unknown", "x" * 10_000, "\u0131'; DROP TABLE sessions--"])
def test_an_unknown_id_is_nobodys_session(store: DatabaseSessionStore, cookie: str) -> None:
    assert store.load(cookie) is None


def test_a_deleted_session_is_gone_at_once_and_not_brought_back(store: DatabaseSessionStore) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    store.delete(cookie)
    assert store.load(cookie) is None
    store.save(cookie, {"a": 2}, 60)
    assert store.load(cookie) is None


def expire(store: DatabaseSessionStore, cookie: str) -> None:
    with store._database.transaction() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Session).where(Session.key == hashed(cookie)).values(expires_at=past))


def test_an_expired_session_is_not_loaded_and_purging_deletes_it(store: DatabaseSessionStore) -> None:
    old, new = store.save(None, {"a": 1}, 60), store.save(None, {"a": 1}, 60)
    expire(store, old)
    assert store.load(old) is None
    assert store.purge_expired() == 1
    assert store.load(new) == {"a": 1}


def test_expired_sessions_are_deleted_by_whoever_begins_the_hundredth(store: DatabaseSessionStore) -> None:
    for number in range(99):
        store.save(None, {"number": number}, -1)
    assert rows(store) == 99
    cookie = store.save(None, {"number": 99}, 60)
    assert (rows(store), store.load(cookie)) == (1, {"number": 99})


def test_all_sessions_of_a_user_can_be_ended(store: DatabaseSessionStore) -> None:
    for user_id in (1, 1, 2):
        store.save(None, {"user_id": user_id}, 60)
    assert store.delete_for_user(1) == 2
    assert rows(store) == 1


@pytest.mark.parametrize("data", ["not json", "[1]", "gASVBQAAAAAAAACMAWGULg=="])
def test_garbled_data_counts_as_no_session(store: DatabaseSessionStore, data: str) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    with store._database.transaction() as session:
        session.execute(update(Session).values(data=data))
    assert store.load(cookie) is None


def test_only_json_is_stored(store: DatabaseSessionStore) -> None:
    with pytest.raises(TypeError):
        store.save(None, {"a": object()}, 60)


MIDDLEWARES = [
    "lback.models.middleware.SQLAlchemySessionMiddleware",
    "lback.middlewares.session.SessionMiddleware",
]


def visit(request: Request) -> dict[str, Any]:
    return {"seen": request.session.get("seen", 0)}


def remember(request: Request) -> Response:
    request.session["seen"] = 1
    return Response("", int(request.GET.get("status", 200)))


def renew(request: Request) -> Response:
    request.session.cycle()
    return Response("")


def leave(request: Request) -> Response:
    request.session.flush()
    return Response("")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    urlpatterns = [
        path("/", visit),
        path("/remember/", remember, ["POST"]),
        path("/renew/", renew, ["POST"]),
        path("/leave/", leave, ["POST"]),
    ]
    app = make_app(urlpatterns, MIDDLEWARES=MIDDLEWARES, INSTALLED_APPS=["sessions"], BASE_DIR=tmp_path)
    database = app.container.get(DatabaseManager)
    Session.__table__.create(database.engine)  # type: ignore[attr-defined]
    yield app
    database.dispose()


def test_a_database_in_memory_serves_the_request_and_its_session_at_once() -> None:
    """Both have a transaction open while a view looks into the session after the database."""

    def view(request: Request) -> dict[str, Any]:
        request.db_session.execute(select(1)).all()
        request.session["seen"] = request.session.get("seen", 0) + 1
        return {"seen": request.session["seen"]}

    app = make_app(
        [path("/", view, ["POST"])], MIDDLEWARES=MIDDLEWARES, INSTALLED_APPS=["sessions"], DATABASE_URL="sqlite://"
    )
    Session.__table__.create(app.container.get(DatabaseManager).engine)  # type: ignore[attr-defined]
    client = Client(app)
    assert [client.post("/").json() for _ in range(2)] == [{"seen": 1}, {"seen": 2}]


def stored(app: Application) -> list[dict[str, Any]]:
    with app.container.get(DatabaseManager).session() as session:
        return [json.loads(data) for data in session.scalars(select(Session.data))]


def test_no_visitor_waits_until_expired_sessions_are_deleted(app: Application) -> None:
    store = app.container.get(SessionStore)  # type: ignore[type-abstract]
    assert isinstance(store, DatabaseSessionStore)
    for number in range(99):
        store.save(None, {"seen": -number}, -1)
    environ = Client(app)._environ("POST", "/remember/", b"", "", {})
    body = app(environ, lambda status, headers, exc_info=None: lambda data: None)
    assert b"".join(body) == b""
    assert rows(store) == 100
    body.close()  # type: ignore[attr-defined]
    assert [data["seen"] for data in stored(app)] == [1]


def test_a_visit_that_stores_nothing_leaves_no_row(app: Application) -> None:
    assert Client(app).get("/").json() == {"seen": 0}
    assert stored(app) == []


def test_the_session_is_kept_in_the_database_where_the_app_is_installed(app: Application) -> None:
    client = Client(app)
    client.post("/remember/")
    assert client.get("/").json() == {"seen": 1}
    assert [data["seen"] for data in stored(app)] == [1]


def test_what_a_session_holds_survives_a_refused_request(app: Application) -> None:
    client = Client(app)
    client.post("/remember/?status=400")
    assert client.get("/").json() == {"seen": 1}


def test_a_new_id_at_login_leaves_the_old_one_worthless(app: Application) -> None:
    client = Client(app)
    client.post("/remember/")
    before = dict(client.cookies)
    client.post("/renew/")
    assert client.cookies != before
    assert client.get("/").json() == {"seen": 1}
    client.cookies.update(before)
    assert client.get("/").json() == {"seen": 0}
    assert len(stored(app)) == 1


def test_after_logout_the_cookie_is_worthless_and_the_row_gone(app: Application) -> None:
    client = Client(app)
    client.post("/remember/")
    before = dict(client.cookies)
    client.post("/leave/")
    client.cookies.update(before)
    assert client.get("/").json() == {"seen": 0}
    assert stored(app) == []


def test_an_id_that_the_visitor_chose_or_changed_is_not_taken_over(app: Application) -> None:
    client = Client(app)
    client.post("/remember/")
    ours = client.cookies["session_id"]
    for forged in ("chosen", ours[:-1] + ("A" if ours[-1] != "A" else "B"), hashed(ours)):
        client.cookies["session_id"] = forged
        assert client.get("/").json() == {"seen": 0}
        client.cookies["session_id"] = forged
        client.post("/remember/")
        assert client.cookies["session_id"] not in (forged, ours)


@pytest.mark.parametrize(("key", "hours"), [("_seen", 1), ("_created", 13)])
def test_a_session_ends_when_it_is_idle_or_old(app: Application, key: str, hours: int) -> None:
    client = Client(app)
    client.post("/remember/")
    (data,) = stored(app)
    data[key] -= hours * 3600
    with app.container.get(DatabaseManager).transaction() as session:
        session.execute(update(Session).values(data=json.dumps(data)))
    assert client.get("/").json() == {"seen": 0}


def test_a_setting_chooses_another_store(tmp_path: Path) -> None:
    app = make_app([], MIDDLEWARES=[], INSTALLED_APPS=["sessions"], SESSION_STORE="cookie", BASE_DIR=tmp_path)
    assert isinstance(app.container.get(SessionStore), SignedCookieStore)  # type: ignore[type-abstract]


def test_requests_that_hold_a_connection_each_do_not_wait_for_each_others_second(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def view(request: Request) -> Response:
        request.db_session.execute(text("SELECT 1"))
        together.wait(timeout=10)
        # Each of four holds one of four connections now, and the session has to be looked up.
        request.session["seen"] = request.session.get("seen", 0) + 1
        return Response(str(request.session["seen"]))

    pool = {"DB_POOL_SIZE": 4, "DB_MAX_OVERFLOW": 0, "DB_POOL_TIMEOUT": 5}
    app = make_app([path("/", view)], MIDDLEWARES=MIDDLEWARES, INSTALLED_APPS=["sessions"], BASE_DIR=tmp_path, **pool)
    Session.__table__.create(app.container.get(DatabaseManager).engine)  # type: ignore[attr-defined]
    clients = [Client(app) for _ in range(4)]
    for visit in ("1", "2"):
        with ThreadPoolExecutor(4) as threads:
            assert [answer.text for answer in threads.map(lambda client: client.get("/"), clients)] == [visit] * 4


class Late(BaseMiddleware):
    """Reads from the database when the view is done, as a menu or a footer does."""

    def process_response(self, request: Request, response: Response) -> Response:
        request.db_session.execute(text("SELECT 1"))
        return response


class Excuses(BaseMiddleware):
    """Answers errors with a page that reads from the database."""

    def process_exception(self, request: Request, exc: Exception) -> Response:
        request.db_session.execute(text("SELECT 1"))
        return Response("sorry", 500)


def remembers_and_fails(request: Request) -> Response:
    request.session["seen"] = 1
    raise RuntimeError("on purpose")


@pytest.mark.parametrize(
    ("view", "middleware", "status"), [(remember, "Late", 200), (remembers_and_fails, "Excuses", 500)]
)
def test_a_request_that_first_asks_for_the_database_behind_the_view_does_not_wait_for_itself(
    tmp_path: Path, view: Callable[[Request], Response], middleware: str, status: int
) -> None:
    app = make_app(
        [path("/", view, ["POST"])],
        MIDDLEWARES=[*MIDDLEWARES, f"{__name__}.{middleware}"],
        INSTALLED_APPS=["sessions"],
        BASE_DIR=tmp_path,
        SQLITE_BUSY_TIMEOUT=0.1,
    )
    Session.__table__.create(app.container.get(DatabaseManager).engine)  # type: ignore[attr-defined]
    assert Client(app).post("/").status_code == status
    assert [data["seen"] for data in stored(app)] == [1]
