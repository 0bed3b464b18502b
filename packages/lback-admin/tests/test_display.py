import enum
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from lback.admin.display import cell, shortened


class Level(enum.Enum):
    FAR_AHEAD = 3


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "empty", ""),
        ("", "empty", ""),
        (True, "yes", ""),
        (False, "no", ""),
        (0, "text", "0"),
        (Decimal("1E+2"), "text", "100"),
        (Level.FAR_AHEAD, "text", "Far ahead"),
        (b"\x00\x01", "text", "2 bytes"),
        (["a", "b"], "text", "a, b"),
        ({"a": 1}, "text", "{'a': 1}"),
        (datetime(2026, 1, 31, 14, 30, tzinfo=UTC), "time", "31 Jan 2026, 14:30"),
        (date(2026, 1, 31), "time", "31 Jan 2026"),
        (time(14, 30), "time", "14:30"),
    ],
)  # fmt: skip
def test_values_as_the_pages_show_them(value, kind, text):
    shown = cell(value)
    assert (shown.kind, shown.text) == (kind, text)


def test_long_text_is_cut_off():
    assert len(cell("x" * 10_000).text) == 120
    assert shortened("word " * 50).endswith("…")
