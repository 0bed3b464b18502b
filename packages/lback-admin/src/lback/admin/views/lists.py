"""The list of a model: a table to search, sort and turn the pages of."""

from typing import Any

from lback.admin import columns
from lback.admin.access import may, model_for, staff_only
from lback.admin.display import cell
from lback.admin.model_admin import ModelAdmin
from lback.admin.queries import PAGE_SIZES, ListQuery, list_page
from lback.admin.views.page import list_url, page
from lback.core.request import Request
from lback.core.response import Response


@staff_only
def list_view(request: Request, model_name: str) -> Response:
    """Show a page of the rows of a model."""
    described = model_for(request, model_name, "view")
    query = ListQuery.parse(described, request.GET)
    found = list_page(request.db_session, described, query)
    context = {
        "described": described,
        "query": query,
        "page": found,
        "list_url": list_url(request, described),
        "add_url": request.url_for("admin_add", model_name=described.name) if may(request, "add", described) else None,
        "headings": [_heading(described, query, name) for name in described.columns],
        "filters": [_filter(described, query, name) for name in described.filters],
        "rows": [
            {
                "url": request.url_for("admin_change", model_name=described.name, object_id=columns.key_text(row)),
                "cells": [cell(described.value(row, name)) for name in described.columns],
            }
            for row in found.objects
        ],
        "sizes": _sizes(described, found.total_objects),
    }
    return page(
        request,
        "list.html",
        context,
        crumbs=[(described.plural_label, None)],
        current=described.name,
        on_list=True,
    )


def _heading(described: ModelAdmin, query: ListQuery, name: str) -> dict[str, Any]:
    current, descending = (query.sort_by, query.descending) if query.sort_by else described.order[0]
    chosen = name == current
    sortable = name in described.sortable
    return {
        "label": described.heading(name),
        "sorted": ("descending" if descending else "ascending") if chosen and sortable else None,
        "url": query.address(sort_by=name, descending=chosen and not descending) if sortable else None,
    }


def _filter(described: ModelAdmin, query: ListQuery, name: str) -> dict[str, Any]:
    chosen = query.filters.get(name, "")
    choices = columns.choices_of(columns.column_attributes(described.model)[name])
    return {
        "label": described.heading(name),
        "choices": [
            {"label": label, "url": query.filtered(name, value), "chosen": value == chosen}
            for value, label in (("", "All"), *((value, label) for value, (label, _) in choices.items()))
        ],
    }


def _sizes(described: ModelAdmin, total: int) -> list[int]:
    """Return the sizes of a page that make a difference for so many rows."""
    sizes = sorted({*PAGE_SIZES, described.per_page})
    return [size for index, size in enumerate(sizes) if index == 0 or sizes[index - 1] < total]
