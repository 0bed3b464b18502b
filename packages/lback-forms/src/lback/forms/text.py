"""Fields for text, and for what is written as text: UUIDs, JSON, patterns."""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Never
from uuid import UUID

from lback.forms.field import Field
from lback.forms.inputs import Textarea, TextInput
from lback.forms.messages import N_
from lback.forms.widget import Widget, shown_text

#: The most characters that a regular expression is tried on unless another limit is given.
REGEX_LENGTH = 1000
_SLUG = re.compile(r"[A-Za-z0-9_-]+")


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
        "invalid": N_("Enter text."),
        "control": N_("Text can't hold this character."),
        "min_length": N_("Enter at least %(limit)s characters; this has %(length)s."),
        "max_length": N_("Enter at most %(limit)s characters; this has %(length)s."),
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
        text = value if type(value) is str else text_of(value)
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

    def prepare(self, value: Any) -> Any:
        """Return the text of a value; some databases give objects for what is entered as text."""
        return value if value is None or type(value) is str else shown_text(value)

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Return ``maxlength`` and ``minlength`` as well, where the widget takes text."""
        attrs = super().widget_attrs(widget)
        if isinstance(widget, TextInput | Textarea):
            if self.max_length is not None:
                attrs["maxlength"] = self.max_length
            if self.min_length is not None:
                attrs["minlength"] = self.min_length
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


class RegexField(CharField):
    """Text that as a whole has a form of your choice.

    Args:
        regex: The regular expression. What visitors send is held against it, so it must not backtrack without end.
        max_length: The most characters; they are counted before the expression is tried.
        options: Those of `CharField`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {"pattern": N_("Enter a value of the right form.")}

    def __init__(
        self, regex: str | re.Pattern[str] = ".*", *, max_length: int | None = REGEX_LENGTH, **options: Any
    ) -> None:
        super().__init__(max_length=max_length, **options)
        self.regex = re.compile(regex)

    def validate(self, value: Any) -> None:
        """Check the length, and then the form."""
        super().validate(value)
        if self.regex.fullmatch(value) is None:
            raise self.error("pattern")


class SlugField(RegexField):
    """The last part of an address, such as ``my-first-page``: letters, digits, hyphens and underscores.

    Args:
        allow_unicode: Whether letters and digits of all scripts are taken, rather than those of ASCII alone.
        options: Those of `CharField`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "pattern": N_("Enter letters, digits, hyphens and underscores only."),
    }

    def __init__(self, *, allow_unicode: bool = False, **options: Any) -> None:
        super().__init__(re.compile(r"[\w-]+") if allow_unicode else _SLUG, **options)


class UUIDField(Field):
    """A UUID, as ``6f1c7a52-...`` or without the hyphens. Options as for `Field`."""

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": N_("Enter a UUID: 32 hexadecimal digits.")}

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
    """A JSON document; of a name that comes twice in an object, the last value counts. Options as for `Field`."""

    default_widget = Textarea
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": N_('Enter JSON, such as {"key": [1, 2]}.')}

    def to_python(self, value: Any) -> Any:
        """Return the document as Python values."""
        try:
            text = value if isinstance(value, str) else json.dumps(value)
            document = json.loads(text, parse_constant=_refuse)
            written = json.dumps(document, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise self.error("invalid") from error
        # PostgreSQL can't hold these. A backslash is written as two, which do not begin an escape.
        if "\\u0000" in written.replace("\\\\", "") or has_surrogate(written):
            raise self.error("invalid")
        return document

    def prepare(self, value: Any) -> Any:
        """Return the document as text."""
        return value if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON")
