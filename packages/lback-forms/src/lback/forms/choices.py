"""Fields for a yes or no, and for choosing from values."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from markupsafe import Markup

from lback.forms.field import Field
from lback.forms.inputs import CheckboxInput, is_checked
from lback.forms.messages import N_, translator
from lback.forms.selects import Choices, ChoiceWidget, Select, SelectMultiple, grouped
from lback.forms.widget import option_value


class BooleanField(Field):
    """A yes or no. A required one must be a yes, as for "I agree"."""

    default_widget = CheckboxInput
    empty_value = False

    def is_empty(self, value: Any) -> bool:
        """Tell whether the answer is no."""
        return not is_checked(value)

    def to_python(self, value: Any) -> bool:
        """Return True, as the answer is not no."""
        return True


class ChoiceField(Field):
    """One of several values.

    The value is the one of `choices` itself: a number or a member of an enum stays one.

    Args:
        choices: ``[(value, label), ...]``, values alone, ``[(heading, [choice, ...])]``, or a function that returns
            these, called for every form.
        empty_value: The value when nothing was chosen.
        options: Those of `Field`.
    """

    default_widget = Select
    default_error_messages: ClassVar[Mapping[str, str]] = {"choice": N_("Choose one of the values offered.")}

    def __init__(self, *, choices: Choices = (), empty_value: Any = "", **options: Any) -> None:
        super().__init__(**options)
        self.empty_value = empty_value
        widget = self.widget
        given = widget.choices if isinstance(widget, ChoiceWidget) and choices == () else choices
        # A class of enum can be called too; a generator would be empty the second time.
        self.choices: Choices = tuple(given) if isinstance(given, Iterable) else given

    def options(self, value: Any) -> Choices:
        """Return the choices to show when `value` is chosen, in the language of the visitor."""
        gettext = translator()
        if gettext is None:
            return self.choices
        return [
            each
            for heading, pairs in grouped(self.choices)
            for each in _in_group(
                heading and gettext(heading), [(value, _label(gettext, text)) for value, text in pairs]
            )
        ]

    def to_python(self, value: Any) -> Any:
        """Return the choice whose text was sent."""
        if is_plain(value):
            text = option_value(value)
            for _, pairs in grouped(self.choices):
                for choice, _ in pairs:
                    if option_value(choice) == text:
                        return choice
        raise self.error("choice")

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the HTML of the widget with the choices."""
        if isinstance(self.widget, ChoiceWidget):
            self.widget.choices = self.options(value)
        return super().render(name, value, attrs)


def _label(gettext: Callable[[str], str], label: Any) -> Any:
    return gettext(label) if type(label) is str and label else label


def _in_group(heading: str | None, pairs: list[Any]) -> list[Any]:
    return pairs if heading is None else [(heading, pairs)]


def is_plain(value: Any) -> bool:
    """Tell whether a value has a short text: not a list or mapping of JSON, nor a number with thousands of digits."""
    if isinstance(value, int):
        return value.bit_length() < 1024
    return not isinstance(value, list | dict | tuple | set)


class MultipleChoiceField(ChoiceField):
    """Several of several values, as a list. Options as for `ChoiceField`."""

    default_widget = SelectMultiple
    default_error_messages: ClassVar[Mapping[str, str]] = {"list": N_("Choose from the values offered.")}

    def __init__(self, *, choices: Choices = (), **options: Any) -> None:
        super().__init__(choices=choices, empty_value=(), **options)

    def is_empty(self, value: Any) -> bool:
        """Tell whether nothing was chosen."""
        return super().is_empty(value) or (isinstance(value, list | tuple) and all(item == "" for item in value))

    def clean(self, value: Any) -> Any:
        """Return the list of the values chosen, each once."""
        return list(super().clean(value))

    def to_python(self, value: Any) -> Any:
        """Return the choices whose texts were sent, in the order of `choices`."""
        if not isinstance(value, list | tuple) or not all(is_plain(item) for item in value):
            raise self.error("list")
        sent = {option_value(item) for item in value} - {""}
        chosen = [choice for _, pairs in grouped(self.choices) for choice, _ in pairs if option_value(choice) in sent]
        if len({option_value(choice) for choice in chosen}) != len(sent):
            raise self.error("list")
        return chosen


class TypedChoiceField(ChoiceField):
    """One of several values, and what a function makes of it.

    Args:
        coerce: Takes the choice and returns the value of the field; a ValueError or TypeError of it means that the
            choice is none.
        options: Those of `ChoiceField`.
    """

    def __init__(self, *, coerce: Callable[[Any], Any] = str, **options: Any) -> None:
        super().__init__(**options)
        self.coerce = coerce

    def to_python(self, value: Any) -> Any:
        """Return what the function makes of the choice whose text was sent."""
        choice = super().to_python(value)
        try:
            return self.coerce(choice)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise self.error("choice") from error


class TypedMultipleChoiceField(MultipleChoiceField):
    """Several of several values, and what a function makes of each, as a list. Options as for `TypedChoiceField`."""

    def __init__(self, *, coerce: Callable[[Any], Any] = str, **options: Any) -> None:
        super().__init__(**options)
        self.coerce = coerce

    def to_python(self, value: Any) -> Any:
        """Return what the function makes of the choices whose texts were sent."""
        choices = super().to_python(value)
        try:
            return [self.coerce(choice) for choice in choices]
        except (ValueError, TypeError, ArithmeticError) as error:
            raise self.error("list") from error
