"""Column types: times that keep their zone, and text that needs no length."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator

# What other databases take without asking: as much as fits into an index of utf8mb4 on every supported version.
LENGTH_WITHOUT_ONE = 255


class UTCDateTime(TypeDecorator[datetime]):
    """A point in time: stored in UTC, and always read with its zone, also where the database keeps none.

    SQLite and MariaDB give back what was written without a zone, so what is read could not be compared with what was
    there before. A value without a zone is taken to be in UTC.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC, for the database."""
        return None if value is None else _in_utc(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the time with its zone."""
        return None if value is None else _in_utc(value)


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@compiles(String, "mysql")
@compiles(String, "mariadb")
def _varchar(kind: String, compiler: Any, **options: Any) -> str:
    """Give text without a length one: MySQL and MariaDB refuse it, and models need not know their database."""
    if kind.length is None:
        kind = String(LENGTH_WITHOUT_ONE, collation=kind.collation)
    rendered: str = compiler.visit_string(kind, **options)
    return rendered
