"""Fields for days and times. They read what the browser's own inputs send (ISO 8601), and formats of your choice."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, ClassVar

from lback.forms.field import Field
from lback.forms.inputs import DateInput, DateTimeInput, Input, TextInput, TimeInput
from lback.forms.messages import N_

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_MAX_TEXT = 64
_DURATION = re.compile(
    r"(?P<sign>[+-])?(?:(?P<days>[0-9]{1,9}) )?"
    r"(?:(?:(?P<hours>[0-9]{1,9}):)?(?P<minutes>[0-9]{1,9}):)?(?P<seconds>[0-9]{1,15})(?P<part>\.[0-9]{1,6})?"
)
# ISO 8601, without the years and months that have no fixed length.
_ISO_DURATION = re.compile(
    r"(?P<sign>[+-])?P(?=.)(?:(?P<weeks>[0-9]{1,9})W)?(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,15})(?P<part>\.[0-9]{1,6})?S)?)?"
)


class _MomentField(Field):
    pattern: ClassVar[re.Pattern[str]]

    def __init__(self, *, input_formats: Iterable[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self.input_formats = tuple(input_formats)

    def parse(self, value: Any) -> datetime:
        """Return the moment that was sent; a time alone is on the first day of 1900.

        Raises:
            ValidationError: It has none of the formats, or there is no such moment.
        """
        text = value.strip() if isinstance(value, str) and len(value) <= _MAX_TEXT else ""
        if self.pattern.fullmatch(text) is not None:
            try:
                return self.from_iso(text)
            except ValueError as error:
                raise self.error("invalid") from error
        for layout in self.input_formats:
            try:
                return datetime.strptime(text, layout)  # noqa: DTZ007 - a form has no offset
            except ValueError:
                continue
        raise self.error("invalid")

    def has_changed(self, initial: Any, sent: Any) -> bool:
        """Tell whether another moment was sent; the browser has no more than three digits of a second."""
        shown = self.prepare(initial)
        return super().has_changed(self.widget.format_value(shown) if isinstance(self.widget, Input) else shown, sent)

    def from_iso(self, text: str) -> datetime:
        """Return the moment of text that matches `pattern`."""
        return datetime.fromisoformat(text)


class DateField(_MomentField):
    """A day.

    Args:
        input_formats: Further formats that are read, as for `datetime.strptime`, such as ``["%d.%m.%Y"]``.
        options: Those of `Field`.
    """

    default_widget = DateInput
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": N_("Enter a day, such as 2026-01-31.")}
    pattern = re.compile(_DATE)

    def to_python(self, value: Any) -> date:
        """Return the day."""
        if isinstance(value, date):
            return value.date() if isinstance(value, datetime) else value
        return self.parse(value).date()


class TimeField(_MomentField):
    """A time of day. Options as for `DateField`."""

    default_widget = TimeInput
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": N_("Enter a time, such as 14:30.")}
    pattern = re.compile(_TIME)

    def to_python(self, value: Any) -> time:
        """Return the time."""
        return value if isinstance(value, time) else self.parse(value).time()

    def from_iso(self, text: str) -> datetime:
        """Return the time of text that matches `pattern`, on the first day of 1900."""
        return datetime.combine(date(1900, 1, 1), time.fromisoformat(text))


class DateTimeField(_MomentField):
    """A day and a time.

    Args:
        timezone: The time zone that entered times are in; values then carry it, and are shown in it. Without one,
            values have none.
        options: Those of `DateField`.
    """

    default_widget = DateTimeInput
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": N_("Enter a day and a time, such as 2026-01-31 14:30."),
    }
    pattern = re.compile(f"{_DATE}[T ]{_TIME}")

    def __init__(self, *, timezone: tzinfo | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.timezone = timezone

    def to_python(self, value: Any) -> datetime:
        """Return the moment."""
        moment = value if isinstance(value, datetime) else self.parse(value)
        if self.timezone is None or moment.tzinfo is not None:
            return moment
        moment = moment.replace(tzinfo=self.timezone)
        try:
            # Databases keep the moment in UTC, where it may be before the year 1 or after 9999.
            moment.astimezone(UTC)
        except OverflowError as error:
            raise self.error("invalid") from error
        return moment

    def prepare(self, value: Any) -> Any:
        """Return the moment in the time zone of the field."""
        if isinstance(value, datetime) and value.tzinfo is not None and self.timezone is not None:
            return value.astimezone(self.timezone)
        return value


def with_all_digits(value: Any, old: Any) -> Any:
    """Return the old moment where the new one is the same but for digits of a second that no browser shows."""
    if type(old) is type(value) and isinstance(old, datetime | time):
        return old if old.replace(microsecond=old.microsecond // 1000 * 1000) == value else value
    return value


class DurationField(Field):
    """A length of time, as `datetime.timedelta`.

    It is written ``[days ][[hours:]minutes:]seconds``, such as ``1:30:00`` or ``2 12:00:00``, or as in ISO 8601
    (``PT1H30M``).

    Args:
        min_value: The shortest.
        max_value: The longest.
        options: Those of `Field`.
    """

    default_widget = TextInput
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": N_("Enter a length of time, such as 1:30:00 for an hour and a half."),
        "min_value": N_("Enter %(limit)s or more."),
        "max_value": N_("Enter %(limit)s or less."),
    }

    def __init__(
        self, *, min_value: timedelta | None = None, max_value: timedelta | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.min_value = min_value
        self.max_value = max_value

    def to_python(self, value: Any) -> timedelta:
        """Return the length of time."""
        if isinstance(value, timedelta):
            return value
        # A JSON client may send seconds.
        text = str(value) if type(value) is int and abs(value) < 10**15 else value
        text = text.strip() if isinstance(text, str) and len(text) <= _MAX_TEXT else ""
        match = _DURATION.fullmatch(text) or _ISO_DURATION.fullmatch(text)
        if match is None:
            raise self.error("invalid")
        parts = match.groupdict()
        micro = int((parts.pop("part") or ".0")[1:].ljust(6, "0"))
        minus = parts.pop("sign") == "-"
        try:
            length = timedelta(microseconds=micro, **{name: int(count or 0) for name, count in parts.items()})
        except OverflowError as error:
            raise self.error("invalid") from error
        return -length if minus else length

    def validate(self, value: Any) -> None:
        """Check the length against the limits."""
        if self.min_value is not None and value < self.min_value:
            raise self.error("min_value", limit=self.prepare(self.min_value))
        if self.max_value is not None and value > self.max_value:
            raise self.error("max_value", limit=self.prepare(self.max_value))

    def prepare(self, value: Any) -> Any:
        """Return the length as text that `to_python` reads."""
        if not isinstance(value, timedelta):
            return value
        length = abs(value)
        text = f"{length.seconds // 3600:02}:{length.seconds // 60 % 60:02}:{length.seconds % 60:02}"
        if length.days:
            text = f"{length.days} {text}"
        if length.microseconds:
            text += f".{length.microseconds:06}"
        return f"-{text}" if value < timedelta(0) else text
