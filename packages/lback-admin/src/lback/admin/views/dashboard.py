"""The first page, with what there is."""

from lback.admin.access import may, staff_only
from lback.admin.queries import count_rows
from lback.admin.registry import admin
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
    counts = count_rows(request.db_session, [one for one in admin if may(request, "view", one)])
    return page(request, "dashboard.html", {"counts": counts}, crumbs=[("Dashboard", None)], current="dashboard")
