"""Conditional requests and ranges (RFC 9110, 13 and 14): whether a client has what it asks for, and what part it wants.

Everything here takes what a client sent in time that grows with its length, and reads what it can't read as absent.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b
from typing import Any

LONGEST_HEADER = 8192

_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_RANGE = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")


class RangeNotSatisfiable(ValueError):
    """No byte of what is asked for exists; the answer is a 416."""


def strong_etag(*parts: object) -> str:
    """Return an entity tag that changes with any of `parts`."""
    content = b"\0".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
    return f'"{blake2b(content, digest_size=12).hexdigest()}"'


def http_date(timestamp: float) -> str:
    """Return a time, in seconds since the epoch, as headers have it."""
    return format_datetime(datetime.fromtimestamp(int(timestamp), UTC), usegmt=True)


def parse_http_date(text: str) -> int | None:
    """Return the seconds since the epoch for the date of a header, or None where it can't be read."""
    if len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def client_has_it(environ: Mapping[str, Any], etag: str | None, modified: int | None) -> bool:
    """Tell whether the client has this very content, so that a 304 is the answer.

    Args:
        environ: The WSGI environment of a GET or HEAD.
        etag: The entity tag of the content.
        modified: When it was changed, in seconds since the epoch.
    """
    sent: str | None = environ.get("HTTP_IF_NONE_MATCH")
    # RFC 9110, 13.1.3: with If-None-Match there, the date does not count.
    if sent is not None:
        return etag is not None and len(sent) <= LONGEST_HEADER and _lists(sent, etag)
    since = parse_http_date(environ.get("HTTP_IF_MODIFIED_SINCE", ""))
    return modified is not None and since is not None and modified <= since


def _lists(header: str, etag: str) -> bool:
    if header.strip() == "*":
        return True
    # Weak comparison, as RFC 9110, 13.1.2 has it: what is behind "W/" counts.
    value = etag.removeprefix("W/").strip('"')
    return any(match[2] == value for match in _ETAG.finditer(header))


def requested_range(environ: Mapping[str, Any], size: int, etag: str, modified: int) -> tuple[int, int] | None:
    """Return the part that is asked for as (first byte, byte after the last), or None for the whole.

    Several ranges in one request give the whole, which RFC 9110 allows: joining many is what has cost others dearly.

    Args:
        environ: The WSGI environment of a GET.
        size: The bytes of the whole.
        etag: The entity tag of the whole.
        modified: When it was changed, in seconds since the epoch.

    Raises:
        RangeNotSatisfiable: The range lies behind the end.
    """
    header: str = environ.get("HTTP_RANGE", "")
    unit, _, ranges = header[:64].partition("=")
    match = _RANGE.fullmatch(ranges.strip())
    if unit.strip().lower() != "bytes" or match is None or len(header) > 64 or ranges.strip() == "-":
        return None
    if not _unchanged(environ.get("HTTP_IF_RANGE"), etag, modified):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiable(header)
    return start, stop


def _unchanged(condition: str | None, etag: str, modified: int) -> bool:
    """Tell whether ``If-Range`` names the content as it is: by its strong tag, or by the very date."""
    if condition is None:
        return True
    if condition.startswith(('"', "W/")):
        return condition == etag and not etag.startswith("W/")
    return parse_http_date(condition) == modified
