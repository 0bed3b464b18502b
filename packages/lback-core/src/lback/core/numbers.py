"""Reading numbers that somebody typed or sent, for forms and serializers.

ASCII digits with a point and perhaps an exponent, nothing that is not finite, and nothing so long that reading it or
writing it out would take long.
"""

import math
import re
from decimal import Decimal

#: What databases keep in their widest column of whole numbers.
LARGEST_INTEGER = 2**63 - 1
# Python reads long digits in quadratic time, so the length is looked at first.
_MAX_TEXT = 100
# 1e9999999 is short as text and megabytes long once written out.
_MAX_EXPONENT = 64
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


def read_integer(text: str) -> int:
    """Return a whole number; hold it against `LARGEST_INTEGER` before it goes into a database.

    Raises:
        ValueError: The text is not one.
    """
    return int(_checked(text, _INTEGER))


def read_float(text: str) -> float:
    """Return a number as a float.

    Raises:
        ValueError: The text is not one, or too large for a float.
    """
    number = float(_checked(text, _NUMBER))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def read_decimal(text: str) -> Decimal:
    """Return a number with exactly the digits of the text.

    Raises:
        ValueError: The text is not one, or its exponent is beyond 64.
    """
    number = Decimal(_checked(text, _NUMBER))
    if abs(number.adjusted()) > _MAX_EXPONENT:
        raise ValueError(text)
    return number


def _checked(text: str, pattern: re.Pattern[str]) -> str:
    if len(text) > _MAX_TEXT or pattern.fullmatch(text) is None:
        raise ValueError("not a number")
    return text
