"""Forms in the admin: how the form of a model is generated, and its fields as the page shows them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from markupsafe import Markup

from lback.admin import columns
from lback.admin.display import Cell, cell
from lback.admin.model_admin import ModelAdmin
from lback.core.request import Request
from lback.forms.bound import BoundField, in_words
from lback.forms.forms import Form, FormMetaclass
from lback.forms.models import ModelForm
from lback.forms.widgets import CheckboxInput, SelectMultiple, Textarea, grouped, html_attributes, option_value

# Longer than in a table: this is the place to read a value in full.
LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the form: a field to fill in, or a value that is only shown (`kind` is ``shown`` then)."""

    label: str
    kind: str
    id: str = ""
    control: Markup | str = ""
    errors: Sequence[str] = ()
    help: str = ""
    required: bool = False
    cell: Cell = field(default_factory=lambda: Cell("empty"))


class CheckboxChoices(SelectMultiple):
    """A box to tick for each choice: easier to use than a list in which several lines are marked."""

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the group of boxes; the label of the field names it."""
        built = self.build_attrs(name, attrs)
        group = {key: built.get(key) for key in ("id", "aria-describedby")}
        group |= {"class": "choices", "role": "group", "aria-labelledby": f"{built['id']}_label"}
        selected = self._selected(value)
        boxes = Markup().join(
            self._box(name, choice, label, chosen=option_value(choice) in selected)
            for _, pairs in grouped(self.choices)
            for choice, label in pairs
        )
        nothing = Markup('<p class="muted">There is nothing to choose from yet.</p>')
        return Markup("<div{}>{}</div>").format(html_attributes(group), boxes or nothing)

    def _box(self, name: str, choice: Any, label: Any, *, chosen: bool) -> Markup:
        attributes = {"type": "checkbox", "name": name, "value": option_value(choice), "checked": chosen}
        return Markup("<label><input{}><span>{}</span></label>").format(html_attributes(attributes), label)


def generated_form(
    described: ModelAdmin,
    request: Request,
    instance: Any | None,
    base: type[ModelForm] = ModelForm,
    fields: Mapping[str, Any] | None = None,
) -> type[ModelForm]:
    """Return a form with the columns and relationships of a model that a person would enter.

    Args:
        described: The model.
        request: The request; what the user may only read is left out.
        instance: The row to change, or None for a new one.
        base: The class to derive it from.
        fields: Further attributes of the class, such as declared fields.
    """
    left_out = {*described.exclude, *described.get_readonly_fields(request, instance), *_secrets(described.model)}
    meta = type("Meta", (), {"model": described.model, "exclude": sorted(left_out)})
    name = f"{described.model.__name__}Form"
    made: Any = FormMetaclass(name, (base,), {"Meta": meta, "__module__": __name__, **(fields or {})})
    return cast("type[ModelForm]", made)


def _secrets(model: type) -> set[str]:
    return {attribute.key for attribute in columns.mapper_of(model).column_attrs} - {*columns.column_attributes(model)}


def rows_of(request: Request, described: ModelAdmin, form: Form, instance: Any | None) -> list[Row]:
    """Return the lines of a form: its fields, and below them what it only shows of the row."""
    rows = [_row(described, bound) for bound in form.visible_fields]
    if instance is not None:
        names = described.get_readonly_fields(request, instance)
        rows += _shown(described, instance, (name for name in names if name not in form))
    return rows


def shown_rows(request: Request, described: ModelAdmin, instance: Any) -> list[Row]:
    """Return everything that may be seen of a row, for those who may not change it."""
    names = [
        name
        for name in generated_form(described, request, instance)().fields
        if name not in described.get_readonly_fields(request, instance)
    ]
    return _shown(described, instance, [*names, *described.get_readonly_fields(request, instance)])


def _shown(described: ModelAdmin, instance: Any, names: Iterable[str]) -> list[Row]:
    return [
        Row(described.heading(name), "shown", cell=cell(described.value(instance, name), LONGEST))
        for name in dict.fromkeys(names)
    ]


def _row(described: ModelAdmin, bound: BoundField) -> Row:
    field = bound.field
    if type(field.widget) is SelectMultiple:
        field.widget = CheckboxChoices(attrs=field.widget.attrs)
    return Row(
        # A label that somebody chose stays; one made from the name is worded as in the table.
        label=described.heading(bound.name) if bound.label == in_words(bound.name) else bound.label,
        kind=_kind(field.widget),
        id=bound.id,
        control=bound.render(),
        errors=[str(error) for error in bound.errors],
        help=bound.help_text,
        required=bound.required,
    )


def _kind(widget: Any) -> str:
    if isinstance(widget, CheckboxChoices):
        return "choices"
    if isinstance(widget, CheckboxInput):
        return "switch"
    return "long" if isinstance(widget, Textarea) else "line"
