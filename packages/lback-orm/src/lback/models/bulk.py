"""Many rows at once: inserted, or inserted where new and updated where known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Insert, insert
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import Session

from lback.core.exceptions import LbackError

Row = Mapping[str, Any]

# SQLite takes 32,766 values in a statement, PostgreSQL 65,535.
BATCH = 500


def bulk_insert(session: Session, model: type[Any], rows: Iterable[Row], batch: int = BATCH) -> int:
    """Insert rows and return how many there were. No objects are made, so it is fast and nothing is in the session.

    Args:
        session: Where to insert; commit it.
        model: A mapped class; its defaults apply.
        rows: The values by attribute; all with the same ones.
        batch: Rows in one statement.
    """
    count = 0
    for part in _batches(rows, batch):
        session.execute(insert(model), part)
        count += len(part)
    return count


def upsert(
    session: Session,
    model: type[Any],
    rows: Iterable[Row],
    *,
    key: Sequence[str],
    update: Sequence[str] | None = None,
    batch: int = BATCH,
) -> int:
    """Insert rows, and update those that are there, in one statement for a batch; return how many rows were given.

    Objects of the session are not changed by it; refresh those that may be meant.

    Args:
        session: Where to write; commit it.
        model: A mapped class; its defaults apply to new rows, its ``onupdate`` to known ones.
        rows: The values by column name; all with the same ones, and no two with the same key.
        key: Columns by which a row is known, unique together. MariaDB and MySQL look at every unique constraint.
        update: Columns that a known row takes over; all that are given unless said otherwise, none for an empty list.
        batch: Rows in one statement.

    Raises:
        LbackError: The database knows no such statement.
    """
    count = 0
    for part in _batches(rows, batch):
        taken = [name for name in part[0] if name not in key] if update is None else list(update)
        session.execute(_upsert(session, model, part, key, taken))
        count += len(part)
    return count


def _upsert(session: Session, model: type[Any], rows: list[Row], key: Sequence[str], taken: Sequence[str]) -> Insert:
    touched = {
        column.name: column.onupdate.arg(None)
        for column in model.__table__.columns
        if taken and column.name not in taken and getattr(column.onupdate, "is_callable", False)
    }
    dialect = session.get_bind(model).dialect.name
    if dialect == "sqlite":
        return _on_conflict(sqlite.insert(model).values(rows), key, taken, touched)
    if dialect == "postgresql":
        return _on_conflict(postgresql.insert(model).values(rows), key, taken, touched)
    if dialect in ("mysql", "mariadb"):
        statement = mysql.insert(model).values(rows)
        # Setting a key to itself does nothing, where IGNORE would also hide other errors.
        return statement.on_duplicate_key_update(
            {name: statement.inserted[name] for name in (taken or key[:1])} | touched
        )
    raise LbackError(f"upsert knows SQLite, PostgreSQL, MariaDB and MySQL, and this database is {dialect}.")


def _on_conflict(statement: Any, key: Sequence[str], taken: Sequence[str], touched: dict[str, Any]) -> Insert:
    if not taken:
        insertion: Insert = statement.on_conflict_do_nothing(index_elements=key)
    else:
        values = {name: statement.excluded[name] for name in taken} | touched
        insertion = statement.on_conflict_do_update(index_elements=key, set_=values)
    return insertion


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while part := list(islice(iterator, size)):
        yield part
