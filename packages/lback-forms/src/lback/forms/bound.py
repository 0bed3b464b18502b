"""A field of one form, as a template shows it."""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from lback.forms.messages import translated
from lback.forms.validation import ValidationError
from lback.forms.widget import escaped, html_attributes

if TYPE_CHECKING:
    from lback.forms.field import Field
    from lback.forms.forms import Form

_NOTHING = Markup()


class BoundField:
    """A field together with the form it stands in: ``form["email"]``, in a template also ``form.email``.

    Printed in a template, it is its input. The ids tie the parts together: ``id_email`` is the input, to which the
    label points; it is described by ``id_email_help`` and ``id_email_errors``. Where the widget is a group of inputs,
    ``id_email`` is the ``<fieldset>`` around them, and the first of them is ``id_email_0``.

    Args:
        form: The form.
        field: The field.
        name: Its name in the form.
    """

    def __init__(self, form: "Form", field: "Field", name: str) -> None:
        self.form = form
        self.field = field
        self.name = name
        #: The name under which the browser sends the value: with the prefix of the form.
        self.html_name = form.add_prefix(name)

    @property
    def id(self) -> str:
        """The id of the input, or of the group of inputs."""
        return str(self.field.widget.attrs.get("id") or f"id_{self.html_name}")

    @property
    def focus_id(self) -> str:
        """The id of what a link to the field leads to: the input, or the first of the group."""
        return f"{self.id}_0" if self.is_group else self.id

    @property
    def help_id(self) -> str:
        """The id of the help text."""
        return f"{self.id}_help"

    @property
    def errors_id(self) -> str:
        """The id of the errors."""
        return f"{self.id}_errors"

    @property
    def label(self) -> str:
        """What the field is called, in the language of the visitor."""
        return translated(self.field.label if self.field.label is not None else in_words(self.name))

    @property
    def help_text(self) -> str:
        """The sentence that explains the field, in the language of the visitor; empty when there is none."""
        return translated(self.field.help_text)

    @property
    def required(self) -> bool:
        """Whether the field must be filled in."""
        return self.field.required

    @property
    def is_hidden(self) -> bool:
        """Whether the visitor does not see the field."""
        return self.field.widget.is_hidden

    @property
    def is_group(self) -> bool:
        """Whether the field is several inputs, which need a ``<fieldset>`` with a ``<legend>`` instead of a label."""
        return self.field.widget.is_group

    @property
    def errors(self) -> list[ValidationError]:
        """What is wrong with the field."""
        return self.form.errors.get(self.name, [])

    @property
    def value(self) -> Any:
        """What the field shows: what was sent, or the initial value."""
        form, field = self.form, self.field
        if form.is_bound and not field.disabled and not field.widget.shows_current:
            return field.widget.value_from_datadict(form.data, form.files, self.html_name)
        return field.prepare(form.get_initial(self.name))

    @property
    def label_tag(self) -> Markup:
        """The ``<label>``, tied to the input; for a group, the text alone, with an id that can name the group."""
        if self.is_group:
            return Markup(f'<span id="{escaped(self.id)}_label">{escaped(self.label)}</span>')  # noqa: S704 - escaped
        return Markup(f'<label for="{escaped(self.id)}">{escaped(self.label)}</label>')  # noqa: S704 - escaped

    @property
    def help_tag(self) -> Markup:
        """The help text in the element that describes the input; empty when there is none."""
        text = self.help_text
        if not text:
            return _NOTHING
        return Markup(f' <span class="help-text" id="{escaped(self.help_id)}">{escaped(text)}</span>')  # noqa: S704

    @property
    def error_list(self) -> Markup:
        """The errors in the element that describes the input; empty when there are none."""
        errors = self.errors
        if not errors:
            return _NOTHING
        # Inside of a <p> only inline elements may stand, so these are no list.
        items = " ".join([f'<span class="field-error">{escaped(error.message)}</span>' for error in errors])
        return Markup(f' <span class="field-errors" id="{escaped(self.errors_id)}">{items}</span>')  # noqa: S704

    @property
    def input(self) -> Markup:
        """The input, with the attributes that tell assistive software of errors and help."""
        return self.render()

    def _described_by(self) -> str | None:
        ids = []
        if self.field.help_text:
            ids.append(self.help_id)
        if self.errors:
            ids.append(self.errors_id)
        return " ".join(ids) or None

    @property
    def group_attrs(self) -> Markup:
        """The attributes for the ``<fieldset>`` around a group of inputs."""
        return html_attributes(self._group_attrs())

    @property
    def cell_attrs(self) -> Markup:
        """The attributes for another element around a group of inputs, which `label_tag` then names."""
        role = self.field.widget.group_role or "group"
        return html_attributes(self._group_attrs() | {"role": role, "aria-labelledby": f"{self.id}_label"})

    def _group_attrs(self) -> dict[str, Any]:
        role = self.field.widget.group_role
        attrs = {"id": self.id, "role": role, "aria-describedby": self._described_by()}
        if role == "radiogroup":
            # The roles that know of these are few.
            attrs["aria-invalid"] = "true" if self.errors else None
            attrs["aria-required"] = "true" if self.required else None
        return attrs

    def render(self, attrs: dict[str, Any] | None = None) -> Markup:
        """Return the input.

        Args:
            attrs: Further HTML attributes, such as ``{"class": "wide"}``.
        """
        field = self.field
        state: dict[str, Any] = {}
        if not field.widget.is_hidden:
            if self.errors:
                state["aria-invalid"] = "true"
            described = self._described_by()
            if described is not None:
                state["aria-describedby"] = described
        if self.form.is_extra:
            state["required"] = None
        if attrs:
            state |= attrs
        return field.render(self.html_name, self.value, state)

    def __html__(self) -> Markup:
        return self.input

    def __str__(self) -> str:
        return self.input

    def __repr__(self) -> str:
        return f"<BoundField {self.name!r} of {type(self.form).__name__}>"


def in_words(name: str) -> str:
    """Return the name of a field as words: ``first_name`` is "First name"."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
