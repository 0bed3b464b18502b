"""Fields for numbers: finite ones, of a size that a database can hold."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from lback.api.field import Field
from lback.core.numbers import LARGEST_INTEGER, read_decimal, read_float, read_integer

T = TypeVar("T")


class _NumberField(Field):
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "Expected a number.",
        "min_value": "Expected %(limit)s or more.",
        "max_value": "Expected %(limit)s or less.",
    }

    def __init__(self, *, min_value: Any = None, max_value: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.min_value = min_value
        self.max_value = max_value

    def number(self, value: Any, read: Callable[[str], T]) -> T:
        """Return a number, or text that is one, as `read` gives it."""
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise self.error("invalid")
        if isinstance(value, int) and value.bit_length() > 1024:
            raise self.error("invalid")  # Python does not write thousands of digits out
        try:
            return read(str(value))
        except ValueError:
            raise self.error("invalid") from None

    def validate(self, value: Any) -> None:
        """Check the value against the limits."""
        if self.min_value is not None and value < self.min_value:
            raise self.error("min_value", limit=self.min_value)
        if self.max_value is not None and value > self.max_value:
            raise self.error("max_value", limit=self.max_value)


class IntegerField(_NumberField):
    """A whole number of at most 64 bits.

    Args:
        min_value: The least value.
        max_value: The greatest value.
        options: Those of `Field`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "Expected a whole number."}

    def __init__(
        self, *, min_value: int = -LARGEST_INTEGER - 1, max_value: int = LARGEST_INTEGER, **options: Any
    ) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **options)

    def to_internal_value(self, value: Any) -> int:
        """Return the number."""
        if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
            value = int(value)  # some clients write 3 as 3.0
        return self.number(value, read_integer)


class FloatField(_NumberField):
    """A number, kept as a float. Options as for `IntegerField`, without limits of its own."""

    def to_representation(self, value: Any) -> Any:
        """Return the number; null for one that JSON has no form for."""
        number = float(value)
        return number if math.isfinite(number) else None

    def to_internal_value(self, value: Any) -> float:
        """Return the number."""
        return self.number(value, read_float)


class DecimalField(_NumberField):
    """A number kept with its digits, as for money; JSON has it as text, so that no client rounds it.

    Args:
        max_digits: The most digits altogether.
        decimal_places: The most digits after the point.
        options: Those of `FloatField`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "digits": "Expected at most %(whole)s digits before and %(places)s after the point.",
    }

    def __init__(self, *, max_digits: int | None = None, decimal_places: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.max_digits = max_digits
        self.decimal_places = decimal_places

    def to_representation(self, value: Any) -> Any:
        """Return the digits as text."""
        return format(value if isinstance(value, Decimal) else Decimal(str(value)), "f")

    def to_internal_value(self, value: Any) -> Decimal:
        """Return the number."""
        return self.number(value, read_decimal)

    def validate(self, value: Any) -> None:
        """Check the value against the limits and count its digits, as the column of a database does."""
        super().validate(value)
        if self.max_digits is None:
            return
        _, digits, exponent = value.as_tuple()
        allowed = self.decimal_places if self.decimal_places is not None else self.max_digits
        whole = self.max_digits - (self.decimal_places or 0)
        if max(0, -exponent) > allowed or max(0, len(digits) + exponent) > whole:
            raise self.error("digits", whole=whole, places=allowed)
