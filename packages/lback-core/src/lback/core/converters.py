"""Converters of path variables: which text a variable takes, and what the view gets for it."""

import re
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID

from lback.core.exceptions import ConfigurationError
from lback.core.numbers import LARGEST_INTEGER


class Converter(Protocol):
    """What a converter does; see `register_converter`.

    A converter whose `regex` may match a slash takes the rest of the path with it.
    """

    regex: str

    def to_python(self, text: str) -> Any:
        """Return the value for the text of a path; ValueError means that the route doesn't match."""

    def to_url(self, value: Any) -> str:
        """Return the quoted text for a value; ValueError means that there is none."""


class StringConverter:
    """Any text without a slash."""

    regex = "[^/]+"

    def to_python(self, text: str) -> str:
        """Return the text itself."""
        return text

    def to_url(self, value: Any) -> str:
        """Return the text, quoted."""
        text = str(value)
        if not text or "/" in text:
            raise ValueError("text without slashes, of at least one character")
        return quote(text, safe="")


class PathConverter(StringConverter):
    """Any text, slashes included."""

    regex = ".+"

    def to_url(self, value: Any) -> str:
        """Return the text, quoted but for its slashes."""
        text = str(value)
        if not text:
            raise ValueError("text of at least one character")
        return quote(text)


class SlugConverter(StringConverter):
    """Letters, digits, hyphens and underscores of ASCII."""

    regex = "[-a-zA-Z0-9_]+"

    def to_url(self, value: Any) -> str:
        """Return the slug."""
        text = str(value)
        if re.fullmatch(self.regex, text) is None:
            raise ValueError("a slug of letters, digits, hyphens and underscores")
        return text


class IntConverter:
    """A whole number from 0 up, as far as databases count (63 bits)."""

    regex = "[0-9]{1,19}"
    maximum = LARGEST_INTEGER

    def to_python(self, text: str) -> int:
        """Return the number."""
        value = int(text)
        if value > self.maximum:
            raise ValueError(text)
        return value

    def to_url(self, value: Any) -> str:
        """Return the digits."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= self.maximum:
            raise ValueError("a whole number from 0 up")
        return str(value)


class FloatConverter:
    """A decimal number with or without a fraction."""

    regex = r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?"

    def to_python(self, text: str) -> float:
        """Return the number."""
        return float(text)

    def to_url(self, value: Any) -> str:
        """Return the digits."""
        text = f"{float(value):.17g}"
        if re.fullmatch(self.regex, text) is None:
            raise ValueError("a finite number that needs no exponent")
        return text


class UUIDConverter:
    """A UUID in its usual form with hyphens, lower case."""

    regex = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

    def to_python(self, text: str) -> UUID:
        """Return the UUID."""
        return UUID(text)

    def to_url(self, value: Any) -> str:
        """Return the text of the UUID."""
        return str(value if isinstance(value, UUID) else UUID(str(value)))


_converters: dict[str, Converter] = {
    "str": StringConverter(),
    "path": PathConverter(),
    "slug": SlugConverter(),
    "int": IntConverter(),
    "float": FloatConverter(),
    "uuid": UUIDConverter(),
}


def register_converter(name: str, converter: Converter) -> None:
    """Make ``{variable:name}`` possible in patterns; call it before the routes are built.

    Raises:
        ConfigurationError: The name is taken by another converter.
    """
    known = _converters.get(name)
    if known is not None and type(known) is not type(converter):
        raise ConfigurationError(f"There is a converter {name!r} already: {type(known).__name__}.")
    _converters[name] = converter


def get_converter(name: str) -> Converter:
    """Return the converter of that name.

    Raises:
        ConfigurationError: There is none.
    """
    try:
        return _converters[name]
    except KeyError:
        raise ConfigurationError(
            f"There is no path converter {name!r}; known are {', '.join(sorted(_converters))}."
        ) from None
