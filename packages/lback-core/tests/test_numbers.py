"""Numbers as people and programs write them, and nothing else."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.numbers import read_decimal, read_float, read_integer

READERS = [read_integer, read_float, read_decimal]


@pytest.mark.parametrize(
    ("read", "text", "number"),
    [
        (read_integer, "-007", -7),
        (read_integer, "+7", 7),
        (read_float, "1.50", 1.5),
        (read_float, ".5e1", 5.0),
        (read_decimal, "1.50", Decimal("1.50")),
        (read_decimal, "2.", Decimal(2)),
    ],
)
def test_a_number_is_read(read: Callable[[str], Any], text: str, number: Any) -> None:
    assert repr(read(text)) == repr(number)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "text", ["", " 1", "1\n", "1_0", "\u0661", "nan", "inf", "-inf", "0x10", "1e", "e5", "--1", "1" * 101, "1,5", "½"]
)
def test_what_is_no_number_is_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        read(text)


@pytest.mark.parametrize(("read", "text"), [(read_float, "1e999"), (read_decimal, "1e999"), (read_decimal, "1e-65")])
def test_what_is_too_large_or_too_fine_is_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match="1e"):
        read(text)


@pytest.mark.parametrize("read", READERS)
@given(text=st.text(max_size=120))
def test_no_text_gives_anything_but_a_finite_number(read: Callable[[str], Any], text: str) -> None:
    try:
        number = read(text)
    except ValueError:
        return
    assert math.isfinite(number)
