"""The codes of authenticator apps, against the values in the standards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.auth.totp import address, base32, code_at, step_of

SECRET = b"12345678901234567890"


# RFC 4226, appendix D, for the counters from 0 on.
CODES = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]


def test_the_codes_of_rfc_4226():
    assert [code_at(SECRET, counter) for counter in range(10)] == CODES


# RFC 6238, appendix B, whose codes have eight digits.
@pytest.mark.parametrize(
    ("now", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_times_of_rfc_6238(now, code):
    assert step_of(SECRET, code[2:], now) == now // 30


def test_a_clock_may_be_off_by_one_step_and_no_more():
    code = code_at(SECRET, 1000)
    assert [step_of(SECRET, code, step * 30) for step in (998, 999, 1000, 1001, 1002)] == [None, 1000, 1000, 1000, None]


@given(st.text())
def test_other_text_is_no_code(text):
    right = {code_at(SECRET, step) for step in (999, 1000, 1001)}
    assert (step_of(SECRET, text, 30_000) is not None) == (text in right)


def test_the_address_is_what_apps_read():
    found = address(SECRET, "amira & co", "Lback: shop")
    assert found == (
        "otpauth://totp/Lback%3A%20shop%3Aamira%20%26%20co?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=Lback%3A%20shop"
    )
    assert base32(SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
