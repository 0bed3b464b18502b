"""What all pages of the admin have around their content."""

from collections.abc import Mapping, Sequence
from typing import Any

from lback.admin.access import may
from lback.admin.model_admin import ModelAdmin
from lback.admin.registry import admin
from lback.admin.sections import section_title
from lback.core.request import Request
from lback.core.response import Response
from lback.utils.shortcuts import render

# A label, and the address it leads to; the last one of a page leads nowhere.
Crumb = tuple[str, str | None]


def page(
    request: Request,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    crumbs: Sequence[Crumb] = (),
    current: str = "",
    on_list: bool = False,
) -> Response:
    """Return a page of the admin.

    Args:
        request: The request it answers.
        template: The template below ``admin/``.
        context: The values for it.
        status: The HTTP status.
        crumbs: The way to this page after the dashboard.
        current: The name of the model that the page is about, or ``dashboard``.
        on_list: Whether it is the list of that model.
    """
    trail = [] if current == "dashboard" else [{"label": "Dashboard", "url": request.url_for("admin_dashboard")}]
    values = {
        "admin_title": request.config.ADMIN_TITLE,
        "site": _site(request, current, on_list=on_list) if request.user is not None else {},
        "crumbs": [*trail, *({"label": label, "url": url} for label, url in crumbs)],
        **(context or {}),
    }
    return private(render(request, f"admin/{template}", values, status))


def private(response: Response) -> Response:
    """Keep a page out of every cache: it shows what only the staff may see."""
    response.headers["Cache-Control"] = "no-store"
    return response


def list_url(request: Request, described: ModelAdmin) -> str:
    """Return the address of the list of a model."""
    return request.url_for("admin_list", model_name=described.name)


def _site(request: Request, current: str, *, on_list: bool) -> dict[str, Any]:
    user = request.user
    accounts = admin.find(type(user))
    own = (
        request.url_for("admin_change", model_name=accounts.name, object_id=user.id)
        if accounts is not None and may(request, "view", accounts)
        else None
    )
    return {
        "user": user.username,
        "account_url": own,
        "sections": _sections(request),
        "current": current,
        "on_list": on_list,
    }


def _sections(request: Request) -> list[dict[str, Any]]:
    """Return the models that the user may see, by the app they belong to."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for described in admin:
        if may(request, "view", described):
            item = {
                "name": described.name,
                "label": described.plural_label,
                "singular": described.label.lower(),
                "url": list_url(request, described),
                "add_url": request.url_for("admin_add", model_name=described.name)
                if may(request, "add", described)
                else None,
            }
            sections.setdefault(section_title(described, request.app.apps), []).append(item)
    return [
        {"title": title, "models": sorted(items, key=lambda item: str(item["label"]))}
        for title, items in sorted(sections.items())
    ]
