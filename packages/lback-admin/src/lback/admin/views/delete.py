"""Deleting a row: a page that asks first, and the deed."""

from typing import Any

from sqlalchemy.exc import IntegrityError

from lback.admin import columns
from lback.admin.access import model_for, staff_only
from lback.admin.audit import record
from lback.admin.display import shortened
from lback.admin.model_admin import ModelAdmin
from lback.admin.queries import dependents, get_row
from lback.admin.views.page import list_url, page
from lback.core.exceptions import Forbidden, NotFound
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response
from lback.core.signals import dispatcher


@staff_only
def delete_view(request: Request, model_name: str, object_id: str) -> Response:
    """Ask on GET, delete on POST."""
    described = model_for(request, model_name, "delete")
    instance = get_row(request.db_session, described, object_id)
    if instance is None:
        raise NotFound(f"There is no such {described.label.lower()}.")
    if not described.may_delete(request, instance):
        raise Forbidden(f"You may not delete this {described.label.lower()}.")
    if request.method == "POST":
        return _delete(request, described, instance)
    return _ask(request, described, instance)


def _ask(request: Request, described: ModelAdmin, instance: Any) -> Response:
    label = shortened(described.describe(instance))
    back = request.url_for("admin_change", model_name=described.name, object_id=columns.key_text(instance))
    context = {
        "described": described,
        "object_label": label,
        "back_url": back,
        "dependents": dependents(request.db_session, described, instance),
    }
    crumbs = [(described.plural_label, list_url(request, described)), (label, back), ("Delete", None)]
    return page(request, "delete.html", context, crumbs=crumbs, current=described.name)


def _delete(request: Request, described: ModelAdmin, instance: Any) -> Response:
    described_as = described.describe(instance)
    label = shortened(described_as)
    back = request.url_for("admin_change", model_name=described.name, object_id=columns.key_text(instance))
    session = request.db_session
    key = columns.key_text(instance)
    try:
        # A savepoint: what the database refuses is undone, and the session goes on.
        with session.begin_nested():
            session.delete(instance)
    except IntegrityError:
        request.session.set_flash(f"{label} can't be deleted: other rows refer to it.", "error")
        return RedirectResponse(back, 303)
    record(request, described, "deleted", key, described_as)
    dispatcher.send("admin_object_deleted", described.model, request=request, object=instance)
    request.session.set_flash(f"{described.label} “{label}” was deleted.", "success")
    return RedirectResponse(list_url(request, described), 303)
