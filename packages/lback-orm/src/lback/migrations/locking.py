"""One process at a time migrates a database; the others wait."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from lback.core.exceptions import LbackError
from lback.models.engines import IMMEDIATE

Report = Callable[[str], object]

LOCK_NAME = "lback_migrate"
# In PostgreSQL such locks belong to one database, and have numbers.
LOCK_NUMBER = int.from_bytes(hashlib.sha256(LOCK_NAME.encode()).digest()[:8], "big", signed=True)
# How long MariaDB and SQLite wait, in seconds. They have no word for "as long as it takes".
PATIENCE = 86_400
WAITING = "Another process migrates this database. Waiting until it is done."


class LockError(LbackError):
    """The lock for migrating could not be taken."""


@contextmanager
def locked(engine: Engine, report: Report) -> Iterator[Connection]:
    """Give a connection that alone migrates its database; it is in no transaction.

    The lock belongs to the connection that does the work, so that one connection is enough, and the lock is gone
    whatever becomes of the process. SQLite needs none beside that of its transactions: a revision begins by looking
    whether it has been applied by now.

    Args:
        engine: The database.
        report: Is given a line when there is somebody to wait for.

    Raises:
        LockError: MariaDB didn't give the lock.
    """
    with engine.execution_options(**{IMMEDIATE: True}).connect() as connection:
        kind = connection.dialect.name
        if kind == "sqlite":
            with _patient(connection):
                yield connection
            return
        take, give = (_take_postgresql, _give_postgresql) if kind == "postgresql" else (_take_mysql, _give_mysql)
        take(connection, report)
        # The lock outlasts the transaction, and an open one would hold other locks beside it.
        connection.commit()
        try:
            yield connection
        finally:
            # A connection that broke has lost the lock, and the error that is on its way tells more.
            with suppress(DBAPIError):
                connection.rollback()
                give(connection)
                connection.commit()


@contextmanager
def _patient(connection: Connection) -> Iterator[None]:
    """Have SQLite wait for another process that migrates, as long as that takes."""
    driver: Any = connection.connection.dbapi_connection
    usual = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    driver.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
    try:
        yield
    finally:
        connection.rollback()
        driver.execute(f"PRAGMA busy_timeout = {usual}")


def _take_postgresql(connection: Connection, report: Report) -> None:
    number = {"number": LOCK_NUMBER}
    if not connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), number):
        report(WAITING)
        connection.execute(text("SELECT pg_advisory_lock(:number)"), number)


def _give_postgresql(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": LOCK_NUMBER})


def _take_mysql(connection: Connection, report: Report) -> None:
    statement = text("SELECT GET_LOCK(:name, :patience)")
    name = mysql_lock_name(connection)
    taken = connection.scalar(statement, {"name": name, "patience": 0})
    if taken == 0:
        report(WAITING)
        taken = connection.scalar(statement, {"name": name, "patience": PATIENCE})
    if taken != 1:
        reason = f"another process kept it for {PATIENCE} seconds" if taken == 0 else "the server refused it"
        raise LockError(f"The lock {name!r} for migrating could not be taken: {reason}. Nothing was applied.")


def _give_mysql(connection: Connection) -> None:
    connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": mysql_lock_name(connection)})


def mysql_lock_name(connection: Connection) -> str:
    """Return the name of the lock of a database: names are of the whole server, and have 64 characters at most."""
    database = str(connection.engine.url.database)
    name = f"{LOCK_NAME}.{database}"
    return name if len(name) <= 64 else f"{LOCK_NAME}.{hashlib.sha256(database.encode()).hexdigest()[:40]}"
