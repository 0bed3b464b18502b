"""The table of the sessions that the database keeps."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from lback.models.base import Base
from lback.models.types import UTCDateTime


class Session(Base):
    """A visitor's session. The id in the visitor's cookie is not here, only its hash: the table logs nobody in."""

    __tablename__ = "sessions"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Text and no foreign key: whose session it is, is the business of whoever puts it in.
    user_id: Mapped[str | None] = mapped_column(String(64), index=True)
    data: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
