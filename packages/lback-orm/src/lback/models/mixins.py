"""Columns that many models share, to be mixed in: times, a UUID as the key, a slug, a version."""

import re
import unicodedata
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import String, Uuid
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from lback.models.base import utc_now
from lback.models.types import UTCDateTime

SLUG_LENGTH = 200


class TimestampMixin:
    """``created_at`` and ``updated_at``, in UTC, for models that do not come from `lback.models.base.BaseModel`."""

    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now, sort_order=1000)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now, onupdate=utc_now, sort_order=1001)


class UUIDMixin:
    """A random UUID as the key ``id``: it can be made before the row is, and tells nobody how many there are."""

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4, sort_order=-1)


class SlugMixin:
    """A unique ``slug`` for addresses; `make_slug` makes one from a title."""

    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH), unique=True)


class VersionMixin:
    """A ``version`` that every update counts up.

    An update of a row that somebody else changed since it was read raises `sqlalchemy.orm.exc.StaleDataError` and
    changes nothing, where the later of two writers would otherwise undo the work of the earlier.
    """

    version: Mapped[int] = mapped_column(sort_order=1002)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class, as SQLAlchemy has it
        return {"version_id_col": cls.version}


def make_slug(text: str, *, unicode: bool = False) -> str:
    """Return a slug: lower-case letters and digits, joined by single hyphens; empty when nothing of that is left.

    Args:
        text: Such as a title; of a long one the beginning is taken.
        unicode: Whether letters of other scripts stay; otherwise they lose their accents or are left out.
    """
    text = unicodedata.normalize("NFKC" if unicode else "NFKD", text[: 4 * SLUG_LENGTH])
    if not unicode:
        text = text.encode("ascii", "ignore").decode()
    return re.sub(r"[\W_]+", "-", text.lower())[:SLUG_LENGTH].strip("-")
