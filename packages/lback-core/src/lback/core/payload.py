"""What becomes the body of a response: data as JSON, and bytes as they are."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID


def dump_json(data: Any) -> bytes:
    """Return `data` as a compact JSON document.

    Raises:
        ValueError: A number that JSON does not have (NaN, Infinity).
        TypeError: Something JSON has no form for.
    """
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_json_default).encode()


def _json_default(value: Any) -> Any:
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"JSON has no form for {type(value).__name__}; convert it first.")


def checked_body(body: Any) -> bytes:
    """Return a body as bytes; None is an empty one.

    Raises:
        TypeError: It is neither bytes nor None.
    """
    if isinstance(body, bytes):
        return body
    if body is None:
        return b""
    if isinstance(body, bytearray | memoryview):
        return bytes(body)
    raise TypeError(f"The body of a Response is text or bytes, not {type(body).__name__}; for data use JSONResponse.")
