"""Text from outside, for places that show it as it is: a log, a terminal."""

from typing import Any
from urllib.parse import unquote_plus

from lback.security.redaction import MASK, is_secret_name

# Beside the names of secrets: what OAuth and signed links carry in the address.
_IN_QUERIES = frozenset({"code", "state", "sig", "ticket", "hash", "otp"})


def printable(text: str) -> str:
    """Return text on one line and without effects.

    Line breaks, control characters, the escape sequences of terminals and marks that turn the direction of writing come
    out as ``\\n``, ``\\x1b``, ``\\u202e``.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def writable(text: str, stream: Any) -> str:
    """Return text that a text stream can write; what its encoding lacks is escaped."""
    encoding: str = getattr(stream, "encoding", None) or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def masked_query(query: str) -> str:
    """Return a query string with the values of secret names masked."""
    return "&".join(map(_masked, query.split("&"))) if query else ""


def _masked(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    plain = unquote_plus(name)
    return f"{name}={MASK}" if equals and (is_secret_name(plain) or plain.lower() in _IN_QUERIES) else pair
