"""What was done to a row, when and by whom."""

from typing import Any

from lback.admin import columns
from lback.admin.access import model_for, staff_only
from lback.admin.audit import history
from lback.admin.display import cell, shortened
from lback.admin.model_admin import ModelAdmin
from lback.admin.models import LogEntry
from lback.admin.queries import get_row
from lback.admin.views.page import list_url, page
from lback.core.exceptions import NotFound
from lback.core.request import Request
from lback.core.response import Response


@staff_only
def history_view(request: Request, model_name: str, object_id: str) -> Response:
    """Show the log of a row."""
    described = model_for(request, model_name, "view")
    instance = get_row(request.db_session, described, object_id)
    if instance is None:
        raise NotFound(f"There is no such {described.label.lower()}.")
    key = columns.key_text(instance)
    label = shortened(described.describe(instance))
    entries = [entry_shown(described, entry) for entry in history(request.db_session, described, key)]
    url = request.url_for("admin_change", model_name=described.name, object_id=key)
    crumbs = [(described.plural_label, list_url(request, described)), (label, url), ("History", None)]
    context = {"described": described, "object_label": label, "entries": entries}
    return page(request, "history.html", context, crumbs=crumbs, current=described.name)


def entry_shown(described: ModelAdmin, entry: LogEntry) -> dict[str, Any]:
    """Return an entry of the log for a template."""
    return {
        "action": entry.action,
        "username": entry.username,
        "label": entry.object_label,
        "model": described.label.lower(),
        "time": cell(entry.made_at),
        "changes": [
            {
                "label": described.heading(name),
                "old": values[0] if values else None,
                "new": values[1] if values else None,
            }
            for name, values in entry.changes.items()
            if not columns.is_secret(name) or values is None
        ],
    }
