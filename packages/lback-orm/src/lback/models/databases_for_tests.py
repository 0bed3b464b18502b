"""The database that the tests of a project run on."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.models.urls import database_url

if TYPE_CHECKING:
    from sqlalchemy.engine import URL


@contextmanager
def made_database(config: Config, folder: Path, worker: str = "") -> "Iterator[URL]":
    """Make a database beside the one of the settings, and drop it at the end of the block.

    Args:
        config: The settings of the project.
        folder: Where an SQLite file is put.
        worker: Which of several processes asks.

    Raises:
        ConfigurationError: The server is away, or refuses.
    """
    url = database_url(config)
    if url.get_backend_name() == "sqlite":
        yield url.set(database=str(folder / "test.sqlite"))
        return
    # No two runs have the same, and none can be taken for the project's own.
    name = f"test_{url.database}_{worker or 'main'}_{secrets.token_hex(4)}"[:63]
    at = url.set(database="postgres" if url.get_backend_name() == "postgresql" else None)
    server = create_engine(at, isolation_level="AUTOCOMMIT")
    quoted = server.dialect.identifier_preparer.quote(name)
    try:
        try:
            with server.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {quoted}")
        except OperationalError as error:
            reason = str(error.orig).splitlines()[0]
            raise ConfigurationError(f"The database for tests can't be made on {url.host}: {reason}") from None
        yield url.set(database=name)
        with server.connect() as connection:
            force = " WITH (FORCE)" if url.get_backend_name() == "postgresql" else ""
            connection.exec_driver_sql(f"DROP DATABASE {quoted}{force}")
    finally:
        server.dispose()
