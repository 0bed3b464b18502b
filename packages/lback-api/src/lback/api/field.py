"""The base of the fields: a Python value as JSON, and JSON that a client sent as a Python value.

Whatever JSON is sent, a field answers with a value or a `ValidationError`; it never raises anything else.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, ClassVar, Final

from lback.core.exceptions import ValidationError


class _Absent(Enum):
    ABSENT = "absent"


#: Stands for a value that was not given, as None is one that was.
ABSENT: Final = _Absent.ABSENT


class Field:
    """The base of the fields; by itself it takes and gives any JSON.

    Args:
        required: Whether a client must send it; a field with a default, and one that is only read, never is.
        allow_null: Whether null is a value.
        default: The value when nothing was sent, or a function that returns it.
        help_text: A sentence on what it is for.
        read_only: Whether it is shown and never taken from a client.
        write_only: Whether it is taken and never shown, as a password is.
        validators: Functions that take the value and raise `ValidationError` when it is not acceptable.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "required": "This field is required.",
        "null": "This field can't be null.",
        "invalid": "This is no valid value.",
    }

    def __init__(
        self,
        *,
        required: bool = True,
        allow_null: bool = False,
        default: Any = ABSENT,
        help_text: str = "",
        read_only: bool = False,
        write_only: bool = False,
        validators: Iterable[Callable[[Any], object]] = (),
    ) -> None:
        if read_only and write_only:
            raise ValueError("A field is read_only or write_only, not both; leave it out of the serializer instead.")
        self.required = required and default is ABSENT and not read_only
        self.allow_null = allow_null
        self.default = default
        self.help_text = help_text
        self.read_only = read_only
        self.write_only = write_only
        self.validators = tuple(validators)

    def error(self, code: str, **params: Any) -> ValidationError:
        """Return the error of a rule."""
        message = next(
            messages[code]
            for base in type(self).__mro__
            if code in (messages := vars(base).get("default_error_messages", {}))
        )
        return ValidationError(message, code, params)

    def to_representation(self, value: Any) -> Any:
        """Return a Python value, which is not None, as JSON has it."""
        return value

    def to_internal_value(self, value: Any) -> Any:
        """Return JSON, which is not null, as a Python value.

        Raises:
            ValidationError: It can't be read as such a value.
        """
        if not _is_storable(value):
            raise self.error("invalid")
        return value

    def validate(self, value: Any) -> None:
        """Check the Python value against the options of the field.

        Raises:
            ValidationError: A rule is broken.
        """

    def clean(self, value: Any) -> Any:
        """Return what a client sent as a Python value, checked.

        Raises:
            ValidationError: It is not acceptable.
        """
        if value is None:
            if not self.allow_null:
                raise self.error("null")
            return None
        value = self.to_internal_value(value)
        self.validate(value)
        for validator in self.validators:
            validator(value)
        return value

    def get_default(self) -> Any:
        """Return the value when nothing was sent, or `ABSENT`."""
        return self.default() if callable(self.default) else self.default


def _is_storable(value: Any) -> bool:
    """Tell whether a database can hold the JSON: finite numbers, whole characters and no null characters."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return "\\u0000" not in written
