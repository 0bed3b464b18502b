"""Adding a row and changing one: the page with the form."""

import logging
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError

from lback.admin import columns
from lback.admin.access import may, model_for, staff_only
from lback.admin.audit import changed_values, record, values_of
from lback.admin.display import shortened
from lback.admin.forms import Row, rows_of, shown_rows
from lback.admin.model_admin import ModelAdmin
from lback.admin.queries import get_row
from lback.admin.views.page import Crumb, list_url, page
from lback.core.exceptions import Forbidden, NotFound, ValidationError
from lback.core.request import SAFE_METHODS, Request
from lback.core.response import RedirectResponse, Response
from lback.core.signals import dispatcher

logger = logging.getLogger("lback.admin")

# What a database says of a refused row names tables and columns; the visitor gets this instead.
NOT_TAKEN = "The database does not take this: a value that must be unique exists already, or one is missing."


@staff_only
def add_view(request: Request, model_name: str) -> Response:
    """Show the form for a new row, and write the row down."""
    described = model_for(request, model_name, "add")
    return _edit(request, described, None)


@staff_only
def change_view(request: Request, model_name: str, object_id: str) -> Response:
    """Show the form for a row, or only its values to those who may not change it, and write the changes down."""
    reading = request.method in SAFE_METHODS
    described = model_for(request, model_name, "view" if reading else "change")
    instance = get_row(request.db_session, described, object_id)
    if instance is None:
        raise NotFound(f"There is no such {described.label.lower()}.")
    if may(request, "change", described) and described.may_change(request, instance):
        return _edit(request, described, instance)
    if not reading:
        raise Forbidden(f"You may not change this {described.label.lower()}.")
    return _page(request, described, instance, shown_rows(request, described, instance))


def _edit(request: Request, described: ModelAdmin, instance: Any | None) -> Response:
    form_class = described.get_form_class(request, instance)
    session = request.db_session
    if request.method in SAFE_METHODS:
        form = form_class(instance=instance, db_session=session)
        return _page(request, described, instance, rows_of(request, described, form, instance), form=form)
    # What the row is called, before the form writes what was entered into it.
    label = None if instance is None else described.describe(instance)
    form = form_class(data=request.form, files=request.files, instance=instance, db_session=session)
    before = values_of(described, instance, form.fields)
    saved = _saved(request, described, form) if form.is_valid() else None
    if saved is None:
        with session.no_autoflush:
            rows = rows_of(request, described, form, instance)
            return _page(request, described, instance, rows, form=form, label=label, status=400)
    after = values_of(described, saved, form.fields)
    changes = changed_values(form, before, after)
    action, signal = ("added", "admin_object_added") if instance is None else ("changed", "admin_object_changed")
    dispatcher.send(signal, described.model, request=request, object=saved)
    record(request, described, action, columns.key_text(saved), described.describe(saved), changes)
    name = shortened(described.describe(saved))
    request.session.set_flash(f"{described.label} “{name}” was {action}.", "success")
    return RedirectResponse(_next_url(request, described, saved), 303)


def _saved(request: Request, described: ModelAdmin, form: Any) -> Any | None:
    """Return the row as it was written, or None when the database or the model refused it; the form then says why."""
    session = request.db_session
    try:
        # A savepoint: the session can go on, to show the form again, when the database refuses the row.
        with session.begin_nested():
            instance = described.save_form(request, form)
            session.flush()
    except ValidationError as error:
        form.add_error(None, error)
        return None
    except (IntegrityError, DataError) as error:
        logger.warning("The database refused a row of %s: %s", described.model.__name__, error.orig)
        if form.errors == {}:
            form.add_error(None, ValidationError(NOT_TAKEN, "not_taken"))
        return None
    return instance


def _next_url(request: Request, described: ModelAdmin, instance: Any) -> str:
    then = request.form.get("_then", "")
    if then == "add" and may(request, "add", described):
        return request.url_for("admin_add", model_name=described.name)
    if not may(request, "view", described):
        return request.url_for("admin_dashboard")
    if then == "stay":
        return request.url_for("admin_change", model_name=described.name, object_id=columns.key_text(instance))
    return list_url(request, described)


def _page(
    request: Request,
    described: ModelAdmin,
    instance: Any | None,
    fields: list[Row],
    *,
    form: Any | None = None,
    label: str | None = None,
    status: int = 200,
) -> Response:
    if instance is not None:
        title = shortened(label if label is not None else described.describe(instance))
    else:
        title = f"Add {described.label.lower()}"
    deletable = instance is not None and may(request, "delete", described) and described.may_delete(request, instance)
    own_errors = [str(error) for error in form.non_field_errors] if form is not None and status != 200 else []
    context = {
        "described": described,
        "title": title,
        "fields": fields,
        "may_save": form is not None,
        "may_add": may(request, "add", described),
        "delete_url": request.url_for("admin_delete", model_name=described.name, object_id=columns.key_text(instance))
        if deletable
        else None,
        "history_url": request.url_for("admin_history", model_name=described.name, object_id=columns.key_text(instance))
        if instance is not None and may(request, "view", described)
        else None,
        "multipart": form is not None and form.is_multipart,
        "errors": len(own_errors) + sum(1 for field in fields if field.errors),
        "form_errors": own_errors,
    }
    seen = may(request, "view", described)
    crumbs: list[Crumb] = [(described.plural_label, list_url(request, described))] if seen else []
    crumbs.append((title, None))
    return page(request, "form.html", context, status=status, crumbs=crumbs, current=described.name)
