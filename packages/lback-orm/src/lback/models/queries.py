"""What views ask of a database again and again: one row or a 404, a page of many, or all of them without memory."""

from collections.abc import Hashable, Iterator
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Dialect, Integer, Select, SmallInteger, Uuid, inspect
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from lback.core.exceptions import NotFound
from lback.core.numbers import read_integer

T = TypeVar("T")


def get_or_404(session: Session, model: type[T], key: Hashable, message: str = "", **options: Any) -> T:
    """Return the row with a key.

    Args:
        session: Where to look.
        model: A mapped class.
        key: The primary key, also as an address has it, as text; a tuple for one of several columns.
        message: One sentence for the client.
        options: Handed on to `sqlalchemy.orm.Session.get`, such as ``with_for_update=True``.

    Raises:
        NotFound: There is none, or no row can have that key.
    """
    dialect = session.get_bind(model).dialect
    values = key if isinstance(key, tuple) else (key,)
    types = [column.type.dialect_impl(dialect) for column in inspect(model).primary_key]
    try:
        fitting = [_fitting(kind, value, dialect) for kind, value in zip(types, values, strict=False)]
    except ValueError:
        raise NotFound(message) from None
    found = session.get(model, (*fitting, *values[len(types) :]), **options)
    if found is None:
        raise NotFound(message)
    return found


def _fitting(kind: TypeEngine[Any], value: Any, dialect: Dialect) -> Any:
    """Return a value as a column has it, or raise ValueError when it can't.

    PostgreSQL would refuse to look for such a value and end the transaction, MariaDB would look for another one.
    """
    if isinstance(kind, Integer) and isinstance(value, str | int):
        value = read_integer(value) if isinstance(value, str) else value
        bits = 15 if isinstance(kind, SmallInteger) else 31
        if dialect.name == "sqlite" or isinstance(kind, BigInteger):
            bits = 63
        if not -(2**bits) <= value < 2**bits:
            raise ValueError(value)
    elif isinstance(kind, Uuid) and kind.as_uuid and isinstance(value, str):
        value = UUID(value)
    elif value is None or (isinstance(value, str) and "\0" in value):
        raise ValueError(value)
    return value


def one_or_404(session: Session, statement: Select[T], message: str = "") -> T:
    """Return the one row of a statement.

    Raises:
        NotFound: There is none.
        sqlalchemy.exc.MultipleResultsFound: There are several, which the statement has to rule out.
    """
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound(message)
    return found


def stream(session: Session, statement: Select[T], batch: int = 1000) -> Iterator[T]:
    """Iterate over the rows of a statement without holding all their objects at once.

    Args:
        session: Where to look; it keeps its transaction open meanwhile. What is changed on the way it writes as ever.
        statement: It must load no collections by joining.
        batch: Rows that are made into objects at a time, and fetched at a time; MariaDB and MySQL send all at once.
    """
    if session.get_bind().dialect.name in ("mysql", "mariadb"):
        # There the rows that are left are lost when something else is asked of the connection, as by a lazy load.
        yield from session.scalars(statement).yield_per(batch)
    else:
        yield from session.scalars(statement.execution_options(yield_per=batch))
