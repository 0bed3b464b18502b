"""The log of the admin: who changed which row, when, and from what to what."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from lback.models.base import Base, utc_now

LABEL_LENGTH = 200


class LogEntry(Base):
    """One row that was added, changed or deleted in the admin.

    It is written in the transaction of the change itself, so there is neither without the other. Names are kept as
    text: the entry outlives the user and the row.
    """

    __tablename__ = "admin_log"
    __table_args__ = (Index("ix_admin_log_model_object_key", "model", "object_key"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    username: Mapped[str] = mapped_column(String(150))
    #: ``added``, ``changed`` or ``deleted``.
    action: Mapped[str] = mapped_column(String(10))
    #: The name of the model in the admin.
    model: Mapped[str] = mapped_column(String(100))
    object_key: Mapped[str] = mapped_column(String(255))
    object_label: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    #: For each field its old and its new value as text; of a field with a secret only that it changed.
    changes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
