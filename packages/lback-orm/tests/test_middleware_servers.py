"""One session a request on PostgreSQL and MariaDB: what is written, and that connections are fit for the next."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, func, select, text

from lback.core.app import Application
from lback.core.request import Request
from lback.core.response import Response, StreamingResponse
from lback.core.testing import Client, make_app
from lback.models.database import DatabaseManager
from lback.utils.urls import path


def tables(deferrable: bool) -> tuple[Table, Table]:
    """Parents and their children; a child without a parent is refused at its commit where the server can do that."""
    metadata = MetaData()
    when: dict[str, Any] = {"deferrable": True, "initially": "DEFERRED"} if deferrable else {}
    parents = Table("server_parents", metadata, Column("id", Integer, primary_key=True))
    key = ForeignKey("server_parents.id", name="fk_server_children", **when)
    return parents, Table("server_children", metadata, Column("parent_id", Integer, key))


@pytest.fixture(params=["postgresql", "mysql"])
def app(request: pytest.FixtureRequest) -> Iterator[Application]:
    parents, children = tables(deferrable=request.param == "postgresql")

    def work(request: Request) -> Response:
        db, ending = request.db_session, request.GET["ending"]
        db.execute(parents.insert().values(id=1))
        if ending == "raise":
            raise RuntimeError("on purpose")
        if ending == "orphan":
            db.execute(children.insert().values(parent_id=999))
        if ending == "stream":
            return StreamingResponse(str(db.scalar(select(func.count()).select_from(parents))) for _ in range(1))
        return Response("", int(ending) if ending.isdigit() else 200)

    def drop_connection(request: Request) -> Response:
        killer = {"postgresql": "SELECT pg_terminate_backend(pg_backend_pid())", "mysql": "KILL CONNECTION_ID()"}
        request.db_session.execute(text(killer[request.db_session.get_bind().dialect.name]))
        return Response("")

    app = make_app(
        [path("/", work, ["POST"]), path("/drop/", drop_connection, ["POST"])],
        MIDDLEWARES=["lback.models.middleware.SQLAlchemySessionMiddleware"],
        DATABASE_URL=request.getfixturevalue(f"{request.param}_url"),
    )
    database = app.container.get(DatabaseManager)
    parents.metadata.create_all(database.engine)
    yield app
    parents.metadata.drop_all(database.engine)


def parents_of(app: Application) -> int:
    with app.container.get(DatabaseManager).session() as session:
        return int(session.scalar(text("SELECT count(*) FROM server_parents")) or 0)


@pytest.mark.parametrize(
    ("ending", "status", "kept"),
    [
        ("200", 200, 1),
        ("302", 302, 1),
        ("stream", 200, 1),
        ("404", 404, 0),
        ("503", 503, 0),
        ("raise", 500, 0),
        ("orphan", 500, 0),
    ],
)
def test_each_way_out_of_a_view_commits_or_rolls_back(app: Application, ending: str, status: int, kept: int) -> None:
    client = Client(app)
    assert client.post(f"/?ending={ending}").status_code == status
    assert parents_of(app) == kept
    pool = app.container.get(DatabaseManager).engine.pool
    assert pool.checkedout() == 0  # type: ignore[attr-defined]
    if not kept:
        assert client.post("/?ending=200").status_code == 200


def test_a_connection_that_the_server_ended_costs_one_request(app: Application) -> None:
    client = Client(app)
    assert client.post("/drop/").status_code == 503
    assert client.post("/?ending=200").status_code == 200
    assert parents_of(app) == 1


def test_a_connection_that_died_in_the_pool_costs_none(app: Application) -> None:
    engine = app.container.get(DatabaseManager).engine
    with engine.connect() as first, engine.connect() as second:
        number = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}[engine.dialect.name]
        ids = [connection.scalar(text(number)) for connection in (first, second)]
    kill = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}[engine.dialect.name]
    other = DatabaseManager.from_config(app.config)
    with other.session() as session:
        for id_ in ids:
            session.execute(text(kill.format(id_)))
    assert Client(app).post("/?ending=200").status_code == 200
