"""The first page, with what there is."""

from lback.admin.access import may, staff_only
from lback.admin.audit import recent
from lback.admin.queries import count_rows
from lback.admin.registry import admin
from lback.admin.views.history import entry_shown
from lback.admin.views.page import page
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response


@staff_only
def index(request: Request) -> Response:
    """Lead from the bare prefix to the dashboard."""
    return RedirectResponse(request.url_for("admin_dashboard"))


@staff_only
def dashboard(request: Request) -> Response:
    """Show the models that the user may see, each with its number of rows."""
    seen = {one.name: one for one in admin if may(request, "view", one)}
    entries = []
    for entry in recent(request.db_session, seen.values()):
        shown = entry_shown(seen[entry.model], entry)
        if entry.action != "deleted":
            shown["url"] = request.url_for("admin_change", model_name=entry.model, object_id=entry.object_key)
        entries.append(shown)
    context = {"counts": count_rows(request.db_session, seen.values()), "entries": entries}
    return page(request, "dashboard.html", context, crumbs=[("Dashboard", None)], current="dashboard")
