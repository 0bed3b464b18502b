"""Pages of many rows: by number, for people, and by the last row seen, for lists that are long or change."""

import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Query, Session

from lback.core.exceptions import BadRequest

T = TypeVar("T")

MAX_PER_PAGE = 100
LONGEST_CURSOR = 1024


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of the rows of a statement.

    Args:
        objects: The rows of the page.
        total_objects: How many there are on all pages.
        current_page: The number of the page, from 1.
        per_page: How many rows a page has.
    """

    objects: Sequence[T]
    total_objects: int
    current_page: int
    per_page: int

    @property
    def total_pages(self) -> int:
        """How many pages there are; one, if there are no rows."""
        return max(1, math.ceil(self.total_objects / self.per_page))

    @property
    def has_prev(self) -> bool:
        """Whether there is a page before."""
        return self.current_page > 1

    @property
    def has_next(self) -> bool:
        """Whether there is a page after."""
        return self.current_page < self.total_pages

    @property
    def prev_num(self) -> int | None:
        """The number of the page before."""
        return self.current_page - 1 if self.has_prev else None

    @property
    def next_num(self) -> int | None:
        """The number of the page after."""
        return self.current_page + 1 if self.has_next else None

    @property
    def first(self) -> int:
        """The place of the first row on this page, counted from 1; 0 when there is none."""
        return (self.current_page - 1) * self.per_page + 1 if self.total_objects else 0

    @property
    def last(self) -> int:
        """The place of the last row on this page."""
        return min(self.current_page * self.per_page, self.total_objects)

    def iter_pages(self, ends: int = 1, around: int = 2) -> Iterator[int | None]:
        """Iterate over the numbers of pages to link to, with None where more than one is left out.

        Args:
            ends: How many at either end.
            around: How many on either side of the current one.
        """
        pages, current = self.total_pages, self.current_page
        wanted = {
            *range(1, ends + 1),
            *range(current - around, current + around + 1),
            *range(pages - ends + 1, pages + 1),
        }
        before = 0
        for number in sorted(number for number in wanted if 1 <= number <= pages):
            if number == before + 2:
                yield before + 1
            elif number > before + 1:
                yield None
            yield number
            before = number


def paginate_query(
    session: Session,
    statement: Select[T] | Query[T],
    page: int | str | None = 1,
    per_page: int | str | None = 20,
    max_per_page: int = MAX_PER_PAGE,
) -> Page[T]:
    """Return a page of the rows of a statement, with two queries.

    Args:
        session: Where to look.
        statement: A ``select()`` or ``session.query()`` with an ``order_by`` that puts every row in one place; pages
            overlap otherwise.
        page: Its number, also as a client sent it; what is none is the first, and one behind the last is the last.
        per_page: How many rows; also as a client sent it.
        max_per_page: The most that a client can ask for.
    """
    if isinstance(statement, Query):
        statement = cast("Select[T]", statement.statement)
    size = min(_number(per_page, 20), max_per_page)
    total = session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    number = min(_number(page, 1), max(1, math.ceil(total / size)))
    rows = session.scalars(statement.limit(size).offset((number - 1) * size)).unique().all()
    return Page(rows, total, number, size)


def _number(value: int | str | None, default: int) -> int:
    text = str(value)
    # int() would also take digits of other scripts, signs and underscores, and any length of them.
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 9 else default


@dataclass(frozen=True, slots=True)
class KeysetPage(Generic[T]):
    """A page of rows that begins behind a certain row.

    Args:
        objects: The rows of the page.
        next_cursor: What to ask for the next page with; None on the last.
    """

    objects: Sequence[T]
    next_cursor: str | None


def paginate_keyset(
    session: Session,
    statement: Select[T],
    *keys: InstrumentedAttribute[Any],
    after: str | None = None,
    per_page: int | str | None = 20,
    descending: bool = False,
    max_per_page: int = MAX_PER_PAGE,
) -> KeysetPage[T]:
    """Return the rows behind a cursor, in one query that takes as long on the last page as on the first.

    Rows that come or go meanwhile shift no others onto a page twice or past it.

    Args:
        session: Where to look.
        statement: Rows of one model, without an order.
        keys: Attributes to order by, none of them ever NULL, the last ones unique: ``Course.created_at, Course.id``.
        after: The cursor that came with the page before; None for the first page.
        per_page: How many rows; also as a client sent it.
        descending: Whether the order is the other way round, for all keys.
        max_per_page: The most that a client can ask for.

    Raises:
        BadRequest: The cursor is none of these keys.
    """
    size = min(_number(per_page, 20), max_per_page)
    if after is not None:
        row, last = tuple_(*keys), tuple_(*_values(after, keys))
        statement = statement.where(row < last if descending else row > last)
    ordered = statement.order_by(*(key.desc() if descending else key.asc() for key in keys))
    rows = session.scalars(ordered.limit(size + 1)).all()
    cursor = _cursor(rows[size - 1], keys) if len(rows) > size else None
    return KeysetPage(rows[:size], cursor)


def _cursor(row: object, keys: Sequence[InstrumentedAttribute[Any]]) -> str:
    values = [getattr(row, key.key) for key in keys]
    text = json.dumps([value if isinstance(value, int | float) else _text(value) for value in values])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _values(cursor: str, keys: Sequence[InstrumentedAttribute[Any]]) -> list[Any]:
    try:
        text = urlsafe_b64decode(cursor[:LONGEST_CURSOR].encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
        values: Any = json.loads(text)
        return [_value(value, _kind(key)) for value, key in zip(values, keys, strict=True)]
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        raise BadRequest("The cursor does not belong to this list. Begin with the first page.") from None


def _kind(key: InstrumentedAttribute[Any]) -> type:
    # A type of one's own around it has the values of what it stands for.
    kind: type = getattr(key.type, "impl_instance", key.type).python_type
    return kind


def _value(value: Any, kind: type) -> Any:
    if issubclass(kind, datetime | date) and isinstance(value, str):
        return kind.fromisoformat(value)
    if kind in (UUID, Decimal) and isinstance(value, str):
        return kind(value)
    # A bool is no number here, and the largest number of a database has 63 bits.
    if type(value) is not kind or (isinstance(value, int) and not -(2**63) <= value < 2**63):
        raise ValueError(value)
    # A NUL and half a surrogate pair, which JSON can write, are no text to a database.
    if isinstance(value, str) and b"\0" in value.encode():
        raise ValueError(value)
    return value
