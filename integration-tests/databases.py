"""Databases on the servers of this machine, each made for a test and dropped after it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

SERVERS = {
    "postgresql": os.environ.get("LBACK_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1:5432/postgres"),
    "mysql": os.environ.get("LBACK_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306/"),
}


@contextmanager
def server_database(backend: str) -> Iterator[URL]:
    """Give the address of an empty database, or skip the test with the reason; see ``LBACK_TEST_SERVICES``."""
    url = make_url(SERVERS[backend])
    name = f"lback_test_{secrets.token_hex(6)}"
    try:
        server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
    except (ImportError, SQLAlchemyError) as error:
        reason = f"no {backend} server: {str(error).splitlines()[0]}"
        if os.environ.get("LBACK_TEST_SERVICES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    yield url.set(database=name)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name}{' WITH (FORCE)' if backend == 'postgresql' else ''}"))
    server.dispose()
