"""Writing the log of the admin, and reading it."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lback.admin import columns
from lback.admin.display import cell, shortened
from lback.admin.model_admin import ModelAdmin
from lback.admin.models import LABEL_LENGTH, LogEntry
from lback.core.request import Request
from lback.forms.widgets import PasswordInput

RECENT = 10
HISTORY = 100
# Of a longer text the log keeps the beginning.
LONGEST = 500


def values_of(described: ModelAdmin, instance: Any | None, names: Iterable[str]) -> dict[str, str]:
    """Return the values of a row as text, by field, as far as the fields are attributes that may be seen."""
    if instance is None:
        return {}
    known = {*columns.column_attributes(described.model), *columns.relationships(described.model)}
    return {name: _text(getattr(instance, name)) for name in names if name in known}


def changed_values(form: Any, before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    """Return what differs, by field: the old and the new text, or nothing but the name for passwords."""
    changes: dict[str, Any] = {
        name: [before.get(name, ""), value] for name, value in after.items() if before.get(name, "") != value
    }
    for name, field in form.fields.items():
        if isinstance(field.widget, PasswordInput) and form.cleaned_data.get(name):
            changes[name] = None
    return changes


def record(
    request: Request,
    described: ModelAdmin,
    action: str,
    key: str,
    label: str,
    changes: dict[str, Any] | None = None,
) -> None:
    """Write an entry into the log, in the transaction of the request."""
    user = request.user
    request.db_session.add(
        LogEntry(
            user_id=user.id,
            username=user.username,
            action=action,
            model=described.name,
            object_key=key[:255],
            object_label=shortened(label, LABEL_LENGTH),
            changes=changes or {},
        )
    )


def history(session: Session, described: ModelAdmin, key: str) -> Sequence[LogEntry]:
    """Return the last entries on one row, the newest first."""
    statement = select(LogEntry).where(LogEntry.model == described.name, LogEntry.object_key == key[:255])
    return session.scalars(statement.order_by(LogEntry.id.desc()).limit(HISTORY)).all()


def recent(session: Session, models: Iterable[ModelAdmin]) -> Sequence[LogEntry]:
    """Return the last entries on the rows of some models, the newest first."""
    names = [described.name for described in models]
    statement = select(LogEntry).where(LogEntry.model.in_(names)).order_by(LogEntry.id.desc()).limit(RECENT)
    return session.scalars(statement).all() if names else ()


def _text(value: Any) -> str:
    if isinstance(value, list | set | frozenset | tuple):
        return shortened(", ".join(sorted(str(item) for item in value)), LONGEST)
    shown = cell(value, LONGEST)
    return {"yes": "Yes", "no": "No"}.get(shown.kind, shown.text)
