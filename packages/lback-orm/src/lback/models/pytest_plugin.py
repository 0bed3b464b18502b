"""Fixtures for tests with databases; pytest finds them once lback-orm is installed.

Tests of a project run on a database of their own, beside the one of the settings and made from its models, so that no
test writes into what somebody works with. With xdist every worker has one.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from lback.core.app import Application
    from lback.core.config import Config


def pytest_lback_settings(request: pytest.FixtureRequest) -> dict[str, object]:
    """Have the applications of tests use the database for tests."""
    return {"DATABASE_URL": request.getfixturevalue("database_for_tests")}


@pytest.fixture(scope="session")
def database_for_tests(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a new database with the tables of the project's models; it is dropped at the end."""
    from sqlalchemy import create_engine

    from lback.core.project import Project
    from lback.models.base import Base
    from lback.models.databases_for_tests import made_database

    project = Project(pytestconfig.rootpath)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    with made_database(project.config, tmp_path_factory.mktemp("database"), worker) as url:
        project.load_models()
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        engine.dispose()
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def db_session(app: "Application") -> "Iterator[Session]":
    """Return a database session whose work, and that of the requests of the test, is undone when the test ends.

    Requests see what the session has flushed, and the session sees what they have committed.
    """
    from lback.models.database import DatabaseManager

    database = app.container.get(DatabaseManager)
    with database.rolled_back() as session:
        yield session
    database.dispose()


@pytest.fixture
def closed_databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the connections of every database that the test opens through its settings, when the test ends.

    Left to the garbage collector, an open connection to SQLite is a warning at some later moment, in another test.
    """
    from lback.models import database
    from lback.models.engines import make_engine

    made: list[Engine] = []

    def remembered(config: "Config", beside: "Engine | None" = None) -> "Engine":
        made.append(make_engine(config, beside))
        return made[-1]

    monkeypatch.setattr(database, "make_engine", remembered)
    yield
    for engine in made:
        engine.dispose()
