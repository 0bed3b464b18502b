"""Fields for numbers. They take ASCII digits with a point, and nothing that is not a finite number."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from lback.core.numbers import LARGEST_INTEGER, read_decimal, read_float, read_integer
from lback.forms.field import Field
from lback.forms.inputs import NumberInput, TextInput
from lback.forms.messages import N_
from lback.forms.text import text_of
from lback.forms.widget import Widget

T = TypeVar("T")


class NumberField(Field):
    """The base of the fields for numbers.

    Args:
        min_value: The least value.
        max_value: The greatest value.
        options: Those of `Field`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": N_("Enter a number."),
        "min_value": N_("Enter %(limit)s or more."),
        "max_value": N_("Enter %(limit)s or less."),
    }
    #: Which keyboard a phone shows.
    input_mode: str | None = "decimal"
    step: str | None = "any"

    def __init__(self, *, min_value: Any = None, max_value: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.min_value = min_value
        self.max_value = max_value

    def number(self, value: Any, read: Callable[[str], T]) -> T:
        """Return what was sent as the number that `read` gives."""
        if type(value) is str:
            text: str | None = value
        else:
            text = str(value) if isinstance(value, Decimal) else text_of(value)
        try:
            return read((text or "").strip())
        except ValueError:
            raise self.error("invalid") from None

    def validate(self, value: Any) -> None:
        """Check the value against the limits."""
        if self.min_value is not None and value < self.min_value:
            raise self.error("min_value", limit=self.min_value)
        if self.max_value is not None and value > self.max_value:
            raise self.error("max_value", limit=self.max_value)

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Return ``min``, ``max`` and ``step`` for a `NumberInput`, and which keyboard a phone shows for others."""
        attrs = super().widget_attrs(widget)
        if isinstance(widget, NumberInput):
            return {**attrs, "min": self.min_value, "max": self.max_value, "step": self.step}
        if isinstance(widget, TextInput):
            attrs["inputmode"] = self.input_mode
        return attrs


class IntegerField(NumberField):
    """A whole number of at most 64 bits. Options as for `NumberField`."""

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": N_("Enter a whole number.")}
    step = None

    def __init__(self, *, min_value: int | None = None, max_value: int | None = None, **options: Any) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **options)
        # The keyboard with digits alone may lack the minus.
        self.input_mode = "numeric" if min_value is not None and min_value >= 0 else None

    def to_python(self, value: Any) -> int:
        """Return the number."""
        if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
            value = int(value)  # a JSON client may write 3 as 3.0
        return self.number(value, read_integer)

    def validate(self, value: Any) -> None:
        """Check the value against the limits, and against what a database can hold."""
        super().validate(value)
        if value > LARGEST_INTEGER:
            raise self.error("max_value", limit=LARGEST_INTEGER)
        if value < -LARGEST_INTEGER - 1:
            raise self.error("min_value", limit=-LARGEST_INTEGER - 1)


class FloatField(NumberField):
    """A number, kept as a float. Options as for `NumberField`."""

    def to_python(self, value: Any) -> float:
        """Return the number."""
        return self.number(value, read_float)


class DecimalField(NumberField):
    """A number kept with exactly the digits that were entered, as for money.

    Args:
        max_digits: The most digits altogether.
        decimal_places: The most digits after the point.
        options: Those of `NumberField`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "max_digits": N_("Enter at most %(limit)s digits."),
        "decimal_places": N_("Enter at most %(limit)s digits after the point."),
        "whole_digits": N_("Enter at most %(limit)s digits before the point."),
    }

    def __init__(self, *, max_digits: int | None = None, decimal_places: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.max_digits = max_digits
        self.decimal_places = decimal_places
        if decimal_places is not None:
            self.step = str(Decimal(1).scaleb(-decimal_places))

    def to_python(self, value: Any) -> Decimal:
        """Return the number."""
        return self.number(value, read_decimal)

    def validate(self, value: Any) -> None:
        """Check the value against the limits and count its digits, as the column of a database does."""
        super().validate(value)
        _, digits, exponent = value.as_tuple()
        places = max(0, -exponent)
        whole = max(0, len(digits) + exponent)
        if self.decimal_places is not None and places > self.decimal_places:
            raise self.error("decimal_places", limit=self.decimal_places)
        if self.max_digits is None:
            return
        if whole + places > self.max_digits:
            raise self.error("max_digits", limit=self.max_digits)
        if self.decimal_places is not None and whole > self.max_digits - self.decimal_places:
            raise self.error("whole_digits", limit=self.max_digits - self.decimal_places)

    def prepare(self, value: Any) -> Any:
        """Return the number without an exponent."""
        return format(value, "f") if isinstance(value, Decimal) else value
