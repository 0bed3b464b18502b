"""The base of the fields: what a form asks for, and how what was sent becomes a Python value or a `ValidationError`.

Whatever is sent, a field answers with one of these two; it never raises anything else.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

from markupsafe import Markup

from lback.forms.inputs import TextInput
from lback.forms.messages import N_
from lback.forms.validation import ValidationError
from lback.forms.widget import Widget


class Field:
    """The base of the fields.

    Args:
        required: Whether the field must be filled in.
        label: What the field is called; its name in words unless given.
        initial: What an empty form shows, or a function that returns it.
        help_text: A sentence shown next to the field.
        widget: How it looks: a widget, or a class of widgets.
        attrs: HTML attributes, added to those of the widget.
        error_messages: Messages in place of the usual ones, by code (``{"required": "Who are you?"}``).
        validators: Functions that take the value and raise `ValidationError` when it is not acceptable.
        disabled: Whether the field only shows its initial value, which then is its value whatever is sent.
    """

    default_widget: ClassVar[type[Widget]] = TextInput
    default_error_messages: ClassVar[Mapping[str, str]] = {"required": N_("This field is required.")}
    #: The value of a field that was left empty.
    empty_value: Any = None

    def __init__(
        self,
        *,
        required: bool = True,
        label: str | None = None,
        initial: Any = None,
        help_text: str = "",
        widget: Widget | type[Widget] | None = None,
        attrs: Mapping[str, Any] | None = None,
        error_messages: Mapping[str, str] | None = None,
        validators: Iterable[Callable[[Any], object]] = (),
        disabled: bool = False,
    ) -> None:
        self.required = required
        self.label = label
        self.initial = initial
        self.help_text = help_text
        chosen = widget or self.default_widget
        self.widget = chosen() if isinstance(chosen, type) else chosen.copy()
        self.widget.attrs.update(attrs or {})
        self.error_messages = dict(error_messages or {})
        self.validators = tuple(validators)
        self.disabled = disabled

    def copy(self) -> Self:
        """Return a field for one form, which can be changed without touching other forms."""
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update(self.__dict__)
        twin.widget = self.widget.copy()
        return twin

    def error(self, code: str, **params: Any) -> ValidationError:
        """Return the error of a rule, with this field's message for it."""
        message = self.error_messages.get(code)
        if message is None:
            message = next(
                messages[code]
                for base in type(self).__mro__
                if code in (messages := vars(base).get("default_error_messages", {}))
            )
        return ValidationError(message, code, params)

    def is_empty(self, value: Any) -> bool:
        """Tell whether what was sent counts as nothing."""
        return value is None or (isinstance(value, str) and not value.strip())

    def to_python(self, value: Any) -> Any:
        """Return the Python value of what was sent; it is not empty.

        Raises:
            ValidationError: It can't be read as such a value.
        """
        return value

    def validate(self, value: Any) -> None:
        """Check the Python value against the options of the field.

        Raises:
            ValidationError: A rule is broken.
        """

    def clean(self, value: Any) -> Any:
        """Return the Python value of what was sent, checked.

        Raises:
            ValidationError: It is not acceptable.
        """
        if self.is_empty(value):
            if self.required:
                raise self.error("required")
            return self.empty_value
        value = self.to_python(value)
        self.validate(value)
        for validator in self.validators:
            validator(value)
        return value

    def has_changed(self, initial: Any, sent: Any) -> bool:
        """Tell whether what was sent stands for another value than the initial one."""
        shown = self.prepare(initial)
        if self.is_empty(sent) or self.is_empty(shown):
            return self.is_empty(sent) != self.is_empty(shown)
        try:
            return bool(self.to_python(sent) != self.to_python(shown))
        except ValidationError:
            return bool(sent != shown)

    def prepare(self, value: Any) -> Any:
        """Return a Python value, such as the initial one, as the widget is to show it."""
        return value

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Return the HTML attributes that the options of the field bring: ``required``, ``maxlength`` and so on."""
        attrs: dict[str, Any] = {"required": True} if self.required and widget.takes_required else {}
        if self.disabled:
            attrs["disabled"] = True
        return attrs

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the HTML of the widget.

        Args:
            name: The name of the field.
            value: What to show, as sent or as `prepare` returns it.
            attrs: Attributes over those of `widget_attrs`.
        """
        built = self.widget_attrs(self.widget)
        if attrs:
            built |= attrs
        return self.widget.render(name, value, built)
