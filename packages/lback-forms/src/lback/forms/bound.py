"""A field of one form, as a template shows it."""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from lback.forms.validation import ValidationError

if TYPE_CHECKING:
    from lback.forms.field import Field
    from lback.forms.forms import Form


class BoundField:
    """A field together with the form it stands in: ``form["email"]``, in a template also ``form.email``.

    Printed in a template, it is its input. The ids tie the parts together: ``id_email`` is the input, to which the
    label points; it is described by ``id_email_help`` and ``id_email_errors``.

    Args:
        form: The form.
        field: The field.
        name: Its name in the form.
    """

    def __init__(self, form: "Form", field: "Field", name: str) -> None:
        self.form = form
        self.field = field
        self.name = name

    @property
    def id(self) -> str:
        """The id of the input."""
        return str(self.field.widget.attrs.get("id") or f"id_{self.name}")

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
        """What the field is called."""
        return self.field.label if self.field.label is not None else in_words(self.name)

    @property
    def help_text(self) -> str:
        """The sentence that explains the field; empty when there is none."""
        return self.field.help_text

    @property
    def required(self) -> bool:
        """Whether the field must be filled in."""
        return self.field.required

    @property
    def is_hidden(self) -> bool:
        """Whether the visitor does not see the field."""
        return self.field.widget.is_hidden

    @property
    def errors(self) -> list[ValidationError]:
        """What is wrong with the field."""
        return self.form.errors.get(self.name, [])

    @property
    def value(self) -> Any:
        """What the field shows: what was sent, or the initial value."""
        form = self.form
        if form.is_bound:
            return self.field.widget.value_from_datadict(form.data, form.files, self.name)
        return self.field.prepare(form.get_initial(self.name))

    @property
    def label_tag(self) -> Markup:
        """The ``<label>``, tied to the input."""
        return Markup('<label for="{}">{}</label>').format(self.id, self.label)

    @property
    def input(self) -> Markup:
        """The input, with the attributes that tell assistive software of errors and help."""
        return self.render()

    def render(self, attrs: dict[str, Any] | None = None) -> Markup:
        """Return the input.

        Args:
            attrs: Further HTML attributes, such as ``{"class": "wide"}``.
        """
        described = [self.help_id] if self.help_text else []
        state: dict[str, Any] = {}
        if self.errors:
            described.append(self.errors_id)
            state["aria-invalid"] = "true"
        if described and not self.is_hidden:
            state["aria-describedby"] = " ".join(described)
        return self.field.render(self.name, self.value, state | (attrs or {}))

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
