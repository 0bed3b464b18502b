"""Fields for text, and for what is written as text: addresses, UUIDs, JSON."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Never
from uuid import UUID

from lback.forms.field import Field
from lback.forms.widgets import Textarea, TextInput, Widget

#: The longest e-mail address: 64 characters, the @ and 255 more.
EMAIL_LENGTH = 320


class CharField(Field):
    """Text.

    Args:
        min_length: The fewest characters.
        max_length: The most characters.
        strip: Whether white space at both ends is taken off.
        empty_value: The value when nothing was entered.
        options: Those of `Field`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "Enter text.",
        "control": "Text can't hold this character.",
        "min_length": "Enter at least %(limit)s characters; this has %(length)s.",
        "max_length": "Enter at most %(limit)s characters; this has %(length)s.",
    }

    def __init__(
        self,
        *,
        min_length: int | None = None,
        max_length: int | None = None,
        strip: bool = True,
        empty_value: Any = "",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.min_length = min_length
        self.max_length = max_length
        self.strip = strip
        self.empty_value = empty_value

    def is_empty(self, value: Any) -> bool:
        """Tell whether nothing was entered; white space counts as nothing when it is taken off anyway."""
        return super().is_empty(value) if self.strip else value is None or value == ""

    def to_python(self, value: Any) -> Any:
        """Return the text, with line breaks as one character."""
        text = text_of(value)
        if text is None:
            raise self.error("invalid")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text.strip() if self.strip else text

    def validate(self, value: Any) -> None:
        """Check the length, and that a database can hold the text."""
        length = len(value)
        if self.max_length is not None and length > self.max_length:
            raise self.error("max_length", limit=self.max_length, length=length)
        if self.min_length is not None and length < self.min_length:
            raise self.error("min_length", limit=self.min_length, length=length)
        if "\0" in value or (not value.isascii() and has_surrogate(value)):
            raise self.error("control")

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Return ``maxlength`` and ``minlength`` as well, where the widget takes text."""
        attrs = super().widget_attrs(widget)
        if isinstance(widget, TextInput | Textarea):
            attrs |= {"maxlength": self.max_length, "minlength": self.min_length}
        return attrs


def text_of(value: Any) -> str | None:
    """Return what was sent as text, or None if it is neither text nor a number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return str(value)
    except ValueError:  # an int of more digits than Python writes out
        return None


def has_surrogate(text: str) -> bool:
    """Tell whether text holds half a character, which no encoding can write."""
    return any("\ud800" <= character <= "\udfff" for character in text)


class EmailField(CharField):
    """An e-mail address, judged by its form alone. Options as for `CharField`."""

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "Enter an e-mail address, such as name@example.com.",
    }

    def __init__(self, *, max_length: int | None = EMAIL_LENGTH, **options: Any) -> None:
        super().__init__(max_length=EMAIL_LENGTH if max_length is None else max_length, **options)

    def to_python(self, value: Any) -> Any:
        """Return the address with its domain in lower case."""
        from email_validator import EmailNotValidError, validate_email

        address = super().to_python(value)
        # The length comes first: the parser would read all of a megabyte.
        self.validate(address)
        try:
            return validate_email(address, check_deliverability=False).normalized
        except EmailNotValidError as error:
            raise self.error("invalid") from error

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Return ``inputmode`` as well, for the keyboard of a phone."""
        attrs = super().widget_attrs(widget)
        return {**attrs, "inputmode": "email"} if isinstance(widget, TextInput) else attrs


class UUIDField(Field):
    """A UUID, as ``6f1c7a52-...`` or without the hyphens. Options as for `Field`."""

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "Enter a UUID: 32 hexadecimal digits."}

    def to_python(self, value: Any) -> UUID:
        """Return the UUID."""
        if isinstance(value, UUID):
            return value
        if not isinstance(value, str) or len(value) > 100:
            raise self.error("invalid")
        try:
            return UUID(value.strip())
        except ValueError as error:
            raise self.error("invalid") from error


class JSONField(Field):
    """A JSON document. Options as for `Field`."""

    default_widget = Textarea
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": 'Enter JSON, such as {"key": [1, 2]}.'}

    def to_python(self, value: Any) -> Any:
        """Return the document as Python values."""
        try:
            text = value if isinstance(value, str) else json.dumps(value)
            document = json.loads(text, parse_constant=_refuse)
            written = json.dumps(document, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise self.error("invalid") from error
        # PostgreSQL can't hold these.
        if "\\u0000" in written or has_surrogate(written):
            raise self.error("invalid")
        return document

    def prepare(self, value: Any) -> Any:
        """Return the document as text."""
        return value if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON")
