"""Where the schema can't be rolled back (MariaDB, MySQL): a record of which statements of a revision stand.

Such a database commits at every change of its schema. The record is a table that is there while a revision runs. A
change of rows is noted in the transaction of the change; a change of the schema before it begins and again when it is
done. So whatever ends the process, the next run can tell what stands.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    event,
    insert,
    inspect,
    select,
    update,
)

from lback.migrations.revisions import Revision

SCHEMA_CHANGE = re.compile(r"\s*(CREATE|ALTER|DROP|RENAME|TRUNCATE)\b", re.IGNORECASE)
ROW_CHANGE = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
SHOWN = 200

record = Table(
    "lback_migrating",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("revision", String(32), nullable=False),
    Column("upgrading", Boolean, nullable=False),
    Column("statement", Text, nullable=False),
    Column("done", Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement of a revision.

    Args:
        revision: The id of the revision.
        upgrading: Whether the revision was being applied, not undone.
        statement: The statement.
        done: Whether it stands; otherwise the process ended while it ran, and it may stand or not.
    """

    revision: str
    upgrading: bool
    statement: str
    done: bool


def left(connection: Connection) -> list[Entry]:
    """Return what an earlier run that didn't come to its end has left standing."""
    if not is_kept(connection) or not inspect(connection).has_table(record.name):
        return []
    columns = (record.c.revision, record.c.upgrading, record.c.statement, record.c.done)
    rows = connection.execute(select(*columns).order_by(record.c.number))
    return [Entry(*row) for row in rows]


def is_kept(connection: Connection) -> bool:
    """Tell whether the database needs a record."""
    return connection.dialect.name in ("mysql", "mariadb")


def forget(connection: Connection) -> None:
    """Drop the record."""
    if is_kept(connection):
        record.drop(connection, checkfirst=True)
        connection.commit()


def drop_open(connection: Connection) -> None:
    """Strike out the statement that was begun: it failed."""
    connection.execute(delete(record).where(record.c.done.is_(False)))
    connection.commit()


@contextmanager
def noted(connection: Connection, revision: Revision, *, upgrading: bool) -> Iterator[None]:
    """Note the statements of a block that runs a revision, in its transaction; at its end nothing is left of them."""
    if not is_kept(connection):
        yield
        return
    record.create(connection, checkfirst=True)
    with _listening(connection, _Notes(connection, revision.id, upgrading)):
        yield
    connection.execute(delete(record))


@contextmanager
def _listening(connection: Connection, notes: "_Notes") -> Iterator[None]:
    event.listen(connection, "before_cursor_execute", notes.before)
    event.listen(connection, "after_cursor_execute", notes.after)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", notes.before)
        event.remove(connection, "after_cursor_execute", notes.after)


class _Notes:
    def __init__(self, connection: Connection, revision: str, upgrading: bool) -> None:
        self.connection = connection
        self.revision = revision
        self.upgrading = upgrading
        self.number = 0
        self.busy = False

    def before(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not self.busy and self._is(SCHEMA_CHANGE, statement):
            self._note(statement, done=False)

    def after(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if self.busy:
            return
        if self._is(SCHEMA_CHANGE, statement):
            self._execute(update(record).where(record.c.number == self.number).values(done=True))
            # The database has committed what was before; this note is all there is to commit.
            driver: Any = self.connection.connection.dbapi_connection
            driver.commit()
        elif self._is(ROW_CHANGE, statement):
            self._note(statement, done=True)

    def _is(self, kind: re.Pattern[str], statement: str) -> bool:
        return kind.match(statement) is not None and "alembic_version" not in statement

    def _note(self, statement: str, *, done: bool) -> None:
        self.number += 1
        shown = " ".join(statement.split())
        values = {"number": self.number, "revision": self.revision, "upgrading": self.upgrading}
        self._execute(insert(record).values(**values, statement=shown, done=done))

    def _execute(self, statement: Any) -> None:
        self.busy = True
        try:
            self.connection.execute(statement)
        finally:
            self.busy = False


def described(entries: list[Entry]) -> str:
    """Return, in words, which statements stand."""
    stand = [_shown(entry) for entry in entries if entry.done]
    open_ = [_shown(entry) for entry in entries if not entry.done]
    words = f"These of its statements stand: {'; '.join(stand)}." if stand else "None of its statements surely stands."
    return f"{words} This one may stand or not: {open_[0]}." if open_ else words


def _shown(entry: Entry) -> str:
    cut = entry.statement if len(entry.statement) <= SHOWN else f"{entry.statement[:SHOWN]}..."
    return f"`{cut}`"
