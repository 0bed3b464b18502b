"""Many rows at once: inserted, or inserted where new and updated where known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Column, Insert, Integer, insert, inspect
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
        rows: The values by attribute; all with the same ones, and no two with the same key.
        key: Attributes by which a row is known, unique together. MariaDB and MySQL look at every unique constraint.
        update: Attributes that a known row takes over; all that are given unless said otherwise, none for an empty
            list. Its version, if it has one, is counted up.
        batch: Rows in one statement.

    Raises:
        LbackError: The database knows no such statement, or the model has no such attribute.
    """
    count = 0
    for part in _batches(rows, batch):
        taken = [name for name in part[0] if name not in key] if update is None else update
        session.execute(_upsert(session, model, part, key, taken))
        count += len(part)
    return count


def _upsert(
    session: Session, model: type[Any], rows: Iterable[Row], key: Sequence[str], update: Sequence[str]
) -> Insert:
    known, taken = _columns(model, key), _columns(model, update)
    values = [dict(zip(_columns(model, row), row.values(), strict=True)) for row in rows]
    changed = {column.name: _renewed(column) for column in model.__table__.columns if column.onupdate is not None}
    version = inspect(model).version_id_col
    if version is not None and isinstance(version.type, Integer):
        # The session counts versions, and it takes no part in this.
        values = [{version.name: 1, **row} for row in values]
        changed[version.name] = version + 1
    changed = {name: value for name, value in changed.items() if taken and name not in taken}
    dialect = session.get_bind(model).dialect.name
    if dialect == "sqlite":
        return _on_conflict(sqlite.insert(model).values(values), known, taken, changed)
    if dialect == "postgresql":
        return _on_conflict(postgresql.insert(model).values(values), known, taken, changed)
    if dialect in ("mysql", "mariadb"):
        statement = mysql.insert(model).values(values)
        # Setting a key to itself does nothing, where IGNORE would also hide other errors.
        return statement.on_duplicate_key_update(
            {name: statement.inserted[name] for name in (taken or known[:1])} | changed
        )
    raise LbackError(f"upsert knows SQLite, PostgreSQL, MariaDB and MySQL, and this database is {dialect}.")


def _columns(model: type[Any], attributes: Iterable[str]) -> list[str]:
    columns = inspect(model).columns
    try:
        return [columns[attribute].name for attribute in attributes]
    except KeyError as error:
        raise LbackError(
            f"{model.__name__} has no column {error}; expected one of {', '.join(columns.keys())}."
        ) from None


def _renewed(column: Column[Any]) -> Any:
    default: Any = column.onupdate
    return default.arg(None) if default.is_callable else default.arg


def _on_conflict(statement: Any, key: Sequence[str], taken: Sequence[str], changed: dict[str, Any]) -> Insert:
    if taken:
        values = {name: statement.excluded[name] for name in taken} | changed
        insertion: Insert = statement.on_conflict_do_update(index_elements=key, set_=values)
    else:
        insertion = statement.on_conflict_do_nothing(index_elements=key)
    return insertion


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while part := list(islice(iterator, size)):
        yield part
