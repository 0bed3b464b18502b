"""What views ask of a database again and again: one row or a 404, a page of many, or all of them without memory."""

from collections.abc import Hashable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import Session

from lback.core.exceptions import NotFound

T = TypeVar("T")


def get_or_404(session: Session, model: type[T], key: Hashable, message: str = "", **options: Any) -> T:
    """Return the row with a key.

    Args:
        session: Where to look.
        model: A mapped class.
        key: The primary key; a tuple for one of several columns.
        message: One sentence for the client.
        options: Handed on to `sqlalchemy.orm.Session.get`, such as ``with_for_update=True``.

    Raises:
        NotFound: There is none.
    """
    found = session.get(model, key, **options)
    if found is None:
        raise NotFound(message)
    return found


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
    """Iterate over the rows of a statement, of which no more than a batch are held in memory.

    Args:
        session: Where to look; it keeps its transaction open meanwhile.
        statement: It must load no collections by joining.
        batch: Rows that are fetched at a time.
    """
    for part in session.scalars(statement.execution_options(yield_per=batch)).partitions():
        yield from part
        # The session would hold every object that has been seen until its end.
        for item in part:
            session.expunge(item)
