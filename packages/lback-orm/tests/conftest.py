"""Databases for the tests: SQLite always; PostgreSQL and MariaDB where a server answers.

Each server gets a database of its own for the run, dropped at the end. ``LBACK_TEST_POSTGRESQL`` and
``LBACK_TEST_MYSQL`` name other servers; with ``LBACK_TEST_SERVICES=required`` an absent one is a failure.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from lback.core.config import Config
from lback.models.database import DatabaseManager

from .migration_project import MigrationProject

SERVERS = {
    "postgresql": os.environ.get("LBACK_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1:5432/postgres"),
    "mysql": os.environ.get("LBACK_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306/"),
}


def server_database(backend: str) -> Iterator[str]:
    """Yield the address of a new database on a server, or skip with the reason."""
    url = make_url(SERVERS[backend])
    name = f"lback_test_{secrets.token_hex(6)}"
    try:
        server = create_engine(url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except (ImportError, SQLAlchemyError) as error:
        reason = f"no {backend} server: {str(error).splitlines()[0]}"
        if os.environ.get("LBACK_TEST_SERVICES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        force = " WITH (FORCE)" if backend == "postgresql" else ""
        connection.execute(text(f"DROP DATABASE {name}{force}"))
    server.dispose()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    yield from server_database("postgresql")


@pytest.fixture(scope="session")
def mysql_url() -> Iterator[str]:
    yield from server_database("mysql")


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database, on each of the three."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'db.sqlite'}"
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def sqlite_config(tmp_path: Path) -> Config:
    """The settings of a project with a SQLite file."""
    return Config({"BASE_DIR": tmp_path, "DB_NAME": "db.sqlite"})


@pytest.fixture
def sqlite(sqlite_config: Config) -> Iterator[DatabaseManager]:
    """A database in a SQLite file."""
    database = DatabaseManager.from_config(sqlite_config)
    yield database
    database.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[DatabaseManager]:
    """A database on each of the three."""
    database = DatabaseManager.from_config(Config({"DATABASE_URL": database_url}))
    yield database
    database.dispose()


@pytest.fixture
def statements(sqlite: DatabaseManager) -> Iterator[list[str]]:
    """The statements that reach the SQLite database, in their order."""
    from sqlalchemy import event

    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(sqlite.engine, "before_cursor_execute", note)
    yield seen
    event.remove(sqlite.engine, "before_cursor_execute", note)


@pytest.fixture
def project(database: DatabaseManager, tmp_path: Path) -> Iterator[MigrationProject]:
    """A project on each of the three databases, which is empty before and afterwards."""
    sys.path.insert(0, str(tmp_path))
    empty(database.engine)
    yield MigrationProject(tmp_path, database.engine)
    sys.path.remove(str(tmp_path))
    empty(database.engine)


def empty(engine: Engine) -> None:
    """Drop everything that is in a server's database."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    elif engine.dialect.name != "sqlite":
        left = MetaData()
        left.reflect(engine)
        left.drop_all(engine)


@pytest.fixture(autouse=True)
def no_open_databases(closed_databases: None) -> None:
    """Close what a test opened."""
