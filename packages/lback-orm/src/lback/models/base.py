"""The declarative base of the framework and of every project, and the usual columns on top of it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from lback.models.types import UTCDateTime

# Every constraint has a name, so that a migration can drop it on any database.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def utc_now() -> datetime:
    """Return the time in UTC, for column defaults."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """The one declarative base: all tables of a project are in its metadata, where migrations find them."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class BaseModel(Base):
    """A model with a number as its key and the times of its making and last change, in UTC.

    A subclass may define any of the three columns again, as ``Column(...)`` or ``mapped_column(...)``.

    Example:
        ::

            class Course(BaseModel):
                __tablename__ = "courses"

                name: Mapped[str] = mapped_column(String(200))
    """

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, sort_order=-1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now, sort_order=1000)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now, onupdate=utc_now, sort_order=1001)

    def to_dict(self) -> dict[str, Any]:
        """Return the columns by the names of their attributes."""
        return {attribute.key: getattr(self, attribute.key) for attribute in self.__mapper__.column_attrs}
