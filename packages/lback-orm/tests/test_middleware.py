"""One database session a request: every way out of a view, and what is written then."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import ForeignKey, MetaData, event, func, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from lback.core.app import Application
from lback.core.exceptions import NotFound
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response, StreamingResponse
from lback.core.signals import dispatcher
from lback.core.testing import Client, make_app
from lback.models.base import Base
from lback.models.database import DatabaseManager, db_session
from lback.utils.shortcuts import render
from lback.utils.urls import path

MIDDLEWARE = "lback.models.middleware.SQLAlchemySessionMiddleware"


class Local(DeclarativeBase):
    """Models of this test alone."""

    metadata = MetaData(naming_convention=Base.metadata.naming_convention)


class Parent(Local):
    __tablename__ = "middleware_parents"
    id: Mapped[int] = mapped_column(primary_key=True)


class Child(Local):
    __tablename__ = "middleware_children"
    id: Mapped[int] = mapped_column(primary_key=True)
    # Checked when the transaction is committed, so a commit can fail after a view that went well.
    parent_id: Mapped[int] = mapped_column(ForeignKey(Parent.id, deferrable=True, initially="DEFERRED"))


def add(request: Request) -> None:
    request.db_session.add(Parent())
    request.db_session.flush()


def returns(request: Request) -> Response:
    add(request)
    return Response("done")


def raises(request: Request) -> Response:
    add(request)
    raise RuntimeError("on purpose")


def raises_not_found(request: Request) -> Response:
    add(request)
    raise NotFound


def answers(status: int) -> Callable[[Request], Response]:
    def view(request: Request) -> Response:
        add(request)
        return Response("", status)

    return view


def breaks_its_template(request: Request) -> Response:
    add(request)
    return render(request, "not-there.html")


def fails_to_commit(request: Request) -> Response:
    request.db_session.add(Child(parent_id=999))
    return Response("done")


def streams(request: Request) -> Response:
    add(request)
    count = select(func.count()).select_from(Parent)
    return StreamingResponse(str(request.db_session.scalar(count)) for _ in range(1))


def streams_and_fails(request: Request) -> Response:
    add(request)

    def pieces() -> Iterator[str]:
        yield str(request.db_session.scalar(select(func.count()).select_from(Parent)))
        raise RuntimeError("on purpose")

    return StreamingResponse(pieces())


def untouched(request: Request) -> Response:
    return Response("nothing")


def counts(request: Request, db: Session) -> dict[str, Any]:
    return {"parents": db.scalar(select(func.count()).select_from(Parent)), "same": db is request.db_session}


def through_the_proxy(request: Request) -> dict[str, Any]:
    parent = Parent()
    db_session.add(parent)
    db_session.autoflush = False
    return {
        "in it": parent in db_session and parent in request.db_session and list(db_session) == [parent],
        "set": request.db_session.autoflush is False,
    }


def transaction(request: Request) -> dict[str, Any]:
    request.db_session.execute(text("SELECT 1"))
    return {}


POST = ["POST"]
URLPATTERNS = [
    path("/returns/", returns, POST),
    path("/raises/", raises, POST),
    path("/not-found/", raises_not_found, POST),
    path("/302/", answers(302), POST),
    path("/400/", answers(400), POST),
    path("/503/", answers(503), POST),
    path("/template/", breaks_its_template, POST),
    path("/commit/", fails_to_commit, POST),
    path("/streams/", streams, POST),
    path("/stream-fails/", streams_and_fails, POST),
    path("/untouched/", untouched),
    path("/counts/", counts),
    path("/proxy/", through_the_proxy),
    path("/transaction/", transaction, ["GET", "POST"]),
]


@pytest.fixture
def app(sqlite: DatabaseManager) -> Iterator[Application]:
    Local.metadata.create_all(sqlite.engine)
    application = make_app(URLPATTERNS, MIDDLEWARES=[MIDDLEWARE], DATABASE_URL=str(sqlite.engine.url))
    yield application
    application.container.get(DatabaseManager).dispose()


@pytest.fixture
def client(app: Application) -> Client:
    return Client(app)


def rows(database: DatabaseManager) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(Parent)) or 0


@pytest.mark.parametrize(("address", "status"), [("/returns/", 200), ("/302/", 302), ("/streams/", 200)])
def test_work_is_committed_when_the_view_answers_below_400(
    client: Client, sqlite: DatabaseManager, address: str, status: int
) -> None:
    assert client.post(address).status_code == status
    assert rows(sqlite) == 1


@pytest.mark.parametrize(
    ("address", "status"),
    [("/raises/", 500), ("/not-found/", 404), ("/400/", 400), ("/503/", 503), ("/template/", 500)],
)
def test_work_is_rolled_back_on_an_error(client: Client, sqlite: DatabaseManager, address: str, status: int) -> None:
    assert client.post(address).status_code == status
    assert rows(sqlite) == 0


def test_a_commit_that_fails_is_an_error_and_no_lost_write_behind_a_200(
    client: Client, sqlite: DatabaseManager
) -> None:
    assert client.post("/commit/").status_code == 500
    assert client.post("/returns/").status_code == 200
    assert rows(sqlite) == 1


def test_middlewares_see_the_response_when_the_work_is_committed(sqlite: DatabaseManager) -> None:
    Local.metadata.create_all(sqlite.engine)
    seen: list[int] = []

    class Looks(BaseMiddleware):
        def process_response(self, request: Request, response: Response) -> Response:
            seen.append(rows(sqlite))
            return response

    app = make_app([path("/", returns, POST)], MIDDLEWARES=[MIDDLEWARE], DATABASE_URL=str(sqlite.engine.url))
    looking = type(app.middlewares).of([*app.middlewares.middlewares, Looks()])
    app.middlewares = looking
    Client(app).post("/")
    assert seen == [1]


@pytest.mark.parametrize(("address", "opened"), [("/untouched/", 0), ("/counts/", 1)])
def test_a_session_is_opened_when_a_view_asks_for_it(
    client: Client, app: Application, address: str, opened: int
) -> None:
    sessions: list[Session] = []
    made = app.container.request_components["db_session"]

    def counted(request: Request) -> Session:
        sessions.append(made.factory(request))
        return sessions[-1]

    app.container.request_components["db_session"] = replace(made, factory=counted)
    client.get(address)
    assert len(sessions) == opened
    assert app.container.get(DatabaseManager).engine.pool.checkedin() == opened  # type: ignore[attr-defined]


@pytest.mark.parametrize("address", ["/returns/", "/raises/", "/commit/", "/streams/"])
def test_the_connection_goes_back_to_the_pool(client: Client, app: Application, address: str) -> None:
    client.post(address)
    assert app.container.get(DatabaseManager).engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_streaming_body_reads_from_the_session_until_it_is_closed(app: Application, client: Client) -> None:
    assert client.post("/streams/").text == "1"


def test_a_body_that_fails_while_it_is_sent_gives_the_connection_back(
    app: Application, client: Client, sqlite: DatabaseManager
) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        client.post("/stream-fails/")
    assert app.container.get(DatabaseManager).engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert rows(sqlite) == 1


def test_a_client_that_goes_away_leaves_no_connection_behind(app: Application, client: Client) -> None:
    environ = client._environ("POST", "/streams/", b"", "", {})
    body = app(environ, lambda status, headers, exc_info=None: lambda data: None)
    body.close()  # type: ignore[attr-defined]
    assert app.container.get(DatabaseManager).engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_view_gets_the_session_by_its_type(client: Client) -> None:
    assert client.get("/counts/").json() == {"parents": 0, "same": True}


def test_db_session_is_the_session_of_the_current_request(client: Client) -> None:
    assert client.get("/proxy/").json() == {"in it": True, "set": True}


@pytest.mark.parametrize(
    "use",
    [
        lambda: db_session.execute(text("SELECT 1")),
        lambda: Parent() in db_session,
        lambda: list(db_session),
        lambda: setattr(db_session, "autoflush", False),
    ],
    ids=["method", "in", "iteration", "assignment"],
)
def test_db_session_says_what_to_use_outside_of_a_request(use: Callable[[], object]) -> None:
    with pytest.raises(RuntimeError, match=r"DatabaseManager\.transaction"):
        use()


def test_db_session_may_be_looked_at_by_tools_outside_of_a_request() -> None:
    assert not hasattr(db_session, "__wrapped__")


@pytest.mark.parametrize(("method", "begins"), [("GET", "BEGIN"), ("HEAD", "BEGIN"), ("POST", "BEGIN IMMEDIATE")])
def test_a_request_that_may_write_begins_immediate(app: Application, method: str, begins: str) -> None:
    seen: list[str] = []
    engine = app.container.get(DatabaseManager).engine

    # SQLite itself tells of all statements; SQLAlchemy knows nothing of a plain BEGIN.
    @event.listens_for(engine, "checkout")
    def watch(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(seen.append)

    Client(app).request(method, "/transaction/")
    assert seen[0] == begins


def test_signals_tell_how_the_work_ended(client: Client) -> None:
    seen: list[tuple[str, Any]] = []

    def committed(sender: Any, **facts: Any) -> None:
        seen.append(("committed", sorted(facts)))

    def rolled_back(sender: Any, **facts: Any) -> None:
        seen.append(("rolled back", type(facts["exception"]).__name__))

    dispatcher.connect("db_session_committed", committed)
    dispatcher.connect("db_session_rolled_back", rolled_back)
    try:
        for address in ("/returns/", "/400/", "/raises/", "/commit/"):
            client.post(address)
    finally:
        dispatcher.disconnect("db_session_committed", committed)
        dispatcher.disconnect("db_session_rolled_back", rolled_back)
    assert seen == [
        ("committed", ["request", "session"]),
        ("rolled back", "NoneType"),
        ("rolled back", "RuntimeError"),
        ("rolled back", "IntegrityError"),
    ]


def with_hook(database: DatabaseManager, work: Callable[[Session], object], **settings: Any) -> Client:
    """A client of an application with a middleware that works with the session after the view."""
    Local.metadata.create_all(database.engine)

    class Late(BaseMiddleware):
        def process_response(self, request: Request, response: Response) -> Response:
            work(request.db_session)
            return response

    settings = {"MIDDLEWARES": [MIDDLEWARE], "DATABASE_URL": str(database.engine.url), **settings}
    app = make_app(URLPATTERNS, **settings)
    app.middlewares = type(app.middlewares).of([*app.middlewares.middlewares, Late()])
    return Client(app)


def adds_and_flushes(session: Session) -> None:
    session.add(Parent())
    session.flush()


def flushes_before_a_savepoint(session: Session) -> None:
    adds_and_flushes(session)
    with session.begin_nested():
        session.scalars(select(Parent)).all()


@pytest.mark.parametrize(
    "work",
    [
        lambda session: session.add(Parent()),
        adds_and_flushes,
        lambda session: session.execute(insert(Parent).values(id=50)),
        lambda session: session.execute(text("\n  delete from middleware_parents")),
        flushes_before_a_savepoint,
    ],
    ids=["added", "flushed", "inserted", "text", "before a savepoint"],
)
@pytest.mark.parametrize(("address", "kept"), [("/returns/", 1), ("/400/", 0)])
def test_what_is_changed_after_the_view_is_not_written_and_said(
    sqlite: DatabaseManager,
    caplog: pytest.LogCaptureFixture,
    work: Callable[[Session], object],
    address: str,
    kept: int,
) -> None:
    with_hook(sqlite, work).post(address)
    assert rows(sqlite) == kept
    assert "after its view had returned" in caplog.text


def adds_and_commits(session: Session) -> None:
    session.add(Parent())
    session.commit()


def adds_commits_and_reads(session: Session) -> None:
    adds_and_commits(session)
    session.scalars(select(Parent)).all()


@pytest.mark.parametrize(
    ("work", "kept"),
    [
        (lambda session: session.scalars(select(Parent)).all(), 1),
        (adds_and_commits, 2),
        (adds_commits_and_reads, 2),
    ],
    ids=["read", "committed", "committed and read"],
)
def test_reading_or_committing_after_the_view_is_no_reason_to_warn(
    sqlite: DatabaseManager, caplog: pytest.LogCaptureFixture, work: Callable[[Session], object], kept: int
) -> None:
    with_hook(sqlite, work).post("/returns/")
    assert rows(sqlite) == kept
    assert caplog.text == ""


def test_a_body_that_is_being_sent_does_not_lock_writers_out(app: Application, client: Client) -> None:
    """A slow client of a POST would stop all writing to a SQLite database, as its request began immediate."""
    body = app(client._environ("POST", "/streams/", b"", "", {}), lambda status, headers, exc_info=None: lambda _: None)
    assert next(iter(body)) == b"1"
    with app.container.get(DatabaseManager).transaction() as other:
        other.add(Parent())
    body.close()  # type: ignore[attr-defined]


def test_reading_after_the_view_does_not_lock_out_what_is_written_then(sqlite: DatabaseManager) -> None:
    """As a session that is saved after a later middleware has looked up the user."""

    def reads_while_another_writes(session: Session) -> None:
        session.scalars(select(Parent)).all()
        with sqlite.transaction() as other:
            other.add(Parent())

    assert with_hook(sqlite, reads_while_another_writes).post("/returns/").status_code == 200
    assert rows(sqlite) == 2


def test_when_all_connections_are_in_use_the_client_is_asked_to_come_again(
    sqlite: DatabaseManager, caplog: pytest.LogCaptureFixture
) -> None:
    Local.metadata.create_all(sqlite.engine)
    settings = {"DB_POOL_SIZE": 1, "DB_MAX_OVERFLOW": 0, "DB_POOL_TIMEOUT": 0.01}
    app = make_app(URLPATTERNS, MIDDLEWARES=[MIDDLEWARE], DATABASE_URL=str(sqlite.engine.url), **settings)
    client = Client(app)
    with app.container.get(DatabaseManager).engine.connect():
        refused = client.get("/counts/")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "no free connection" in caplog.text
    assert client.get("/counts/").status_code == 200


def test_a_connection_that_is_missing_behind_the_view_asks_to_come_again_too(sqlite: DatabaseManager) -> None:
    Local.metadata.create_all(sqlite.engine)
    settings = {"DB_POOL_SIZE": 1, "DB_MAX_OVERFLOW": 0, "DB_POOL_TIMEOUT": 0.01}
    app = with_hook(sqlite, lambda session: session.scalars(select(Parent)).all(), **settings).app
    with app.container.get(DatabaseManager).engine.connect():
        refused = Client(app).get("/untouched/")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
