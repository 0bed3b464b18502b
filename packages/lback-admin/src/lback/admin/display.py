"""Values as the pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from lback.admin.columns import words

LONGEST = 120


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a table or beside a label. `kind` is ``text``, ``time``, ``yes``, ``no`` or ``empty``."""

    kind: str
    text: str = ""
    machine: str = ""


def cell(value: Any, longest: int = LONGEST) -> Cell:
    """Return a value as the pages show it; text beyond `longest` characters is cut off."""
    if value is None or value == "":
        return Cell("empty")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, datetime):
        return Cell("time", f"{value:%d %b %Y, %H:%M}", value.isoformat())
    if isinstance(value, date):
        return Cell("time", f"{value:%d %b %Y}", value.isoformat())
    if isinstance(value, time):
        return Cell("time", f"{value:%H:%M}", value.isoformat())
    return Cell("text", shortened(_text(value), longest))


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return text cut off after `longest` characters."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        return words(value.name.lower())
    if isinstance(value, bytes | memoryview):
        return f"{len(value):,} bytes"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Iterable) and not isinstance(value, str | dict):
        return ", ".join(str(item) for item in value)
    return str(value)
