"""Forms in the admin: how the form of a model is generated, and its fields as the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from lback.admin.display import Cell, cell
from lback.admin.model_admin import ModelAdmin
from lback.core.request import Request

if TYPE_CHECKING:
    from lback.forms.models import ModelForm

# Longer than in a table: this is the place to read a value in full.
LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the form: a field to fill in, or a value that is only shown (`kind` is ``shown`` then)."""

    label: str
    kind: str
    id: str = ""
    control: Markup = Markup()
    errors: Sequence[str] = ()
    help: str = ""
    required: bool = False
    grouped: bool = False
    cell: Cell = field(default_factory=lambda: Cell("empty"))


def generated_form(described: ModelAdmin, request: Request, instance: Any | None) -> "type[ModelForm]":
    raise NotImplementedError


def rows_of(request: Request, described: ModelAdmin, form: Any, instance: Any | None) -> list[Row]:
    return []


def shown_rows(request: Request, described: ModelAdmin, instance: Any) -> list[Row]:
    return []


def needs_multipart(form: Any) -> bool:
    return False
