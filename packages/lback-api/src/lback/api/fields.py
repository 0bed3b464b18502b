"""The fields of serializers, all of them under this name. Options that all of them have are in `Field`."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from lback.api.field import Field
from lback.api.numeric import DecimalField, FloatField, IntegerField

if TYPE_CHECKING:
    from lback.api.serializer import Serializer

__all__ = [
    "BooleanField",
    "ChoiceField",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "Field",
    "FloatField",
    "IntegerField",
    "RelatedField",
    "StringField",
    "TimeField",
    "UUIDField",
]

_MAX_TEXT = 100
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")
_DATETIME = re.compile(_DATE.pattern + "[Tt ]" + _TIME.pattern + r"([Zz]|[+-][0-9]{2}:[0-9]{2})?")


class StringField(Field):
    """Text.

    Args:
        max_length: The most characters.
        min_length: The fewest characters.
        options: Those of `Field`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "Expected text.",
        "control": "Text can't hold this character.",
        "max_length": "Expected at most %(limit)s characters; this has %(length)s.",
        "min_length": "Expected at least %(limit)s characters; this has %(length)s.",
    }

    def __init__(self, *, max_length: int | None = None, min_length: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.max_length = max_length
        self.min_length = min_length

    def to_representation(self, value: Any) -> Any:
        """Return the text."""
        return str(value)

    def to_internal_value(self, value: Any) -> str:
        """Return the text as it is; numbers and truth values are none."""
        if not isinstance(value, str):
            raise self.error("invalid")
        return value

    def validate(self, value: Any) -> None:
        """Check the length, and that a database can hold the text."""
        length = len(value)
        if self.max_length is not None and length > self.max_length:
            raise self.error("max_length", limit=self.max_length, length=length)
        if self.min_length is not None and length < self.min_length:
            raise self.error("min_length", limit=self.min_length, length=length)
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise self.error("control")


class BooleanField(Field):
    """True or false."""

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "Expected true or false."}

    def to_representation(self, value: Any) -> Any:
        """Return true or false."""
        return bool(value)

    def to_internal_value(self, value: Any) -> bool:
        """Return the truth value; text is read for the sake of forms."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise self.error("invalid")


class ChoiceField(Field):
    """One of several values.

    Args:
        choices: The values; a member of an enum is sent and shown by its name.
        options: Those of `Field`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {"choice": "Expected one of: %(choices)s."}

    def __init__(self, *, choices: Iterable[Any], **options: Any) -> None:
        super().__init__(**options)
        self.choices = {self.to_representation(choice): choice for choice in choices}

    def to_representation(self, value: Any) -> Any:
        """Return the value, or the name of a member of an enum."""
        return value.name if isinstance(value, Enum) else value

    def to_internal_value(self, value: Any) -> Any:
        """Return the choice that was sent."""
        # Only these can be keys; and true is no 1 here.
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value in self.choices:
            return self.choices[value]
        raise self.error("choice", choices=", ".join(str(choice) for choice in self.choices))


class UUIDField(Field):
    """A UUID, as text."""

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "Expected a UUID."}

    def to_representation(self, value: Any) -> Any:
        """Return the UUID with its hyphens."""
        return str(value)

    def to_internal_value(self, value: Any) -> UUID:
        """Return the UUID."""
        if isinstance(value, str) and len(value) <= _MAX_TEXT:
            try:
                return UUID(value)
            except ValueError:
                pass
        raise self.error("invalid")


class _MomentField(Field):
    pattern: ClassVar[re.Pattern[str]]
    kind: ClassVar[type[date] | type[time]]

    def to_representation(self, value: Any) -> Any:
        """Return the value in ISO 8601."""
        return value.isoformat()

    def to_internal_value(self, value: Any) -> Any:
        """Return the value of text in ISO 8601."""
        if isinstance(value, str) and self.pattern.fullmatch(value) is not None:
            try:
                return self.kind.fromisoformat(value.upper())
            except ValueError:
                pass
        raise self.error("invalid")


class DateField(_MomentField):
    """A day, as ``2026-01-31``."""

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "Expected a day, such as 2026-01-31."}
    pattern = _DATE
    kind = date


class TimeField(_MomentField):
    """A time of day, as ``14:30:00``."""

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "Expected a time, such as 14:30."}
    pattern = _TIME
    kind = time


class DateTimeField(_MomentField):
    """A day and a time in ISO 8601, as ``2026-01-31T14:30:00+00:00``.

    Args:
        aware: Whether values have a time zone. Then one that comes without is taken for UTC; otherwise one that comes
            with a time zone is turned into UTC, and kept without.
        format: A format for `datetime.strftime` to show it in, in place of ISO 8601.
        options: Those of `Field`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "Expected a day and a time, such as 2026-01-31T14:30:00Z.",
    }
    pattern = _DATETIME
    kind = datetime

    def __init__(self, *, aware: bool = False, format: str | None = None, **options: Any) -> None:  # noqa: A002
        super().__init__(**options)
        self.aware = aware
        self.format = format

    def to_representation(self, value: Any) -> Any:
        """Return the moment as text."""
        if self.aware and value.tzinfo is None:
            value = value.replace(tzinfo=UTC)  # SQLite and MariaDB give it back without
        return value.isoformat() if self.format is None else value.strftime(self.format)

    def to_internal_value(self, value: Any) -> Any:
        """Return the moment, with or without a time zone as the column has it."""
        moment: datetime = super().to_internal_value(value)
        try:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError as error:
            raise self.error("invalid") from error
        return moment if self.aware else moment.replace(tzinfo=None)


class RelatedField(Field):
    """The object, or the objects, of a relationship, each as a serializer shows it. It is only read.

    Load what it needs along with the query (`selectinload`), or every row brings a query of its own.

    Args:
        serializer_class: The serializer of the related model.
        many: Whether the relationship leads to several objects.
        help_text: A sentence on what it is for.
    """

    def __init__(self, serializer_class: "type[Serializer]", many: bool = False, *, help_text: str = "") -> None:
        super().__init__(read_only=True, help_text=help_text)
        self.serializer_class = serializer_class
        self.many = many

    def to_representation(self, value: Any) -> Any:
        """Return what the serializer makes of the object or objects."""
        return self.serializer_class(instance=value, many=self.many).data
