"""Fields of serializers: what JSON they take, and what JSON they give."""

import enum
import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.api.fields import (
    BooleanField,
    ChoiceField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    FloatField,
    IntegerField,
    StringField,
    TimeField,
    UUIDField,
)
from lback.core.exceptions import ValidationError


class Color(enum.Enum):
    RED = "r"


def code_of(field: Field, value: object) -> str | None:
    with pytest.raises(ValidationError) as caught:
        field.clean(value)
    assert "%(" not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize(
    ("field", "sent", "value"),
    [
        (Field(), {"a": [1]}, {"a": [1]}),
        (StringField(), " a ", " a "),
        (IntegerField(), 5, 5),
        (IntegerField(), "5", 5),
        (IntegerField(), 5.0, 5),
        (FloatField(), 1, 1.0),
        (FloatField(), "1.5", 1.5),
        (DecimalField(), "1.10", Decimal("1.10")),
        (DecimalField(), 1.1, Decimal("1.1")),
        (BooleanField(), False, False),
        (BooleanField(), "true", True),
        (ChoiceField(choices=["a", 1]), 1, 1),
        (ChoiceField(choices=Color), "RED", Color.RED),
        (UUIDField(), "6f1c7a52-0000-4000-8000-000000000001", UUID("6f1c7a52-0000-4000-8000-000000000001")),
        (DateField(), "2026-01-31", date(2026, 1, 31)),
        (TimeField(), "14:30:05", time(14, 30, 5)),
        (DateTimeField(aware=True), "2026-01-31T14:30:00+02:00", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        (DateTimeField(aware=True), "2026-01-31T14:30", datetime(2026, 1, 31, 14, 30, tzinfo=UTC)),
        (DateTimeField(), "2026-01-31T14:30:00Z", datetime(2026, 1, 31, 14, 30)),  # noqa: DTZ001
    ],
)
def test_json_becomes_a_python_value(field: Field, sent: object, value: object) -> None:
    cleaned = field.clean(sent)
    assert cleaned == value
    assert type(cleaned) is type(value)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        (StringField(), "a", "a"),
        (FloatField(), float("nan"), None),
        (DecimalField(), Decimal("1E+2"), "100"),
        (BooleanField(), 1, True),
        (ChoiceField(choices=Color), Color.RED, "RED"),
        (UUIDField(), UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (DateField(), date(2026, 1, 31), "2026-01-31"),
        (TimeField(), time(14, 30), "14:30:00"),
        (DateTimeField(), datetime(2026, 1, 31, 14, 30), "2026-01-31T14:30:00"),  # noqa: DTZ001
        (DateTimeField(aware=True), datetime(2026, 1, 31, 14, 30), "2026-01-31T14:30:00+00:00"),  # noqa: DTZ001
        (
            DateTimeField(),
            datetime(2026, 1, 31, 14, 30, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-31T14:30:00+02:00",
        ),
        (DateTimeField(format="%d.%m.%Y"), datetime(2026, 1, 31), "31.01.2026"),  # noqa: DTZ001
    ],
)
def test_a_python_value_becomes_json(field: Field, value: object, shown: object) -> None:
    assert field.to_representation(value) == shown


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        (Field(), float("inf")),
        (Field(), "\ud800"),
        (Field(), {"a": "\0"}),
        (StringField(), 5),
        (StringField(), True),
        (StringField(), ["a"]),
        (IntegerField(), True),
        (IntegerField(), 1.5),
        (IntegerField(), "1_000"),
        (IntegerField(), "5\n"),
        (IntegerField(), 10**400),
        (FloatField(), float("nan")),
        (FloatField(), "inf"),
        (FloatField(), "1e999"),
        (DecimalField(), "NaN"),
        (DecimalField(), "1e9999"),
        (BooleanField(), 1),
        (BooleanField(), "yes"),
        (UUIDField(), "6f1c"),
        (DateField(), "2026-02-30"),
        (DateField(), "2026-01-31\n"),
        (DateField(), 20260131),
        (TimeField(), "25:00"),
        (DateTimeField(), "2026-01-31"),
        (DateTimeField(), "0001-01-01T00:00:00+02:00"),
    ],
)
def test_what_is_no_such_value_is_refused(field: Field, sent: object) -> None:
    assert code_of(field, sent) == "invalid"


def test_null_is_a_value_only_where_it_is_allowed() -> None:
    assert code_of(StringField(), None) == "null"
    assert StringField(allow_null=True).clean(None) is None


def test_text_has_limits() -> None:
    field = StringField(min_length=2, max_length=3)
    assert code_of(field, "a") == "min_length"
    assert code_of(field, "abcd") == "max_length"
    assert code_of(field, "a\0b") == "control"
    assert code_of(field, "a\ud800") == "control"


def test_numbers_have_limits() -> None:
    field = IntegerField(min_value=0, max_value=9)
    assert field.clean(0) == 0
    assert code_of(field, -1) == "min_value"
    assert code_of(field, 10) == "max_value"
    assert code_of(IntegerField(), 2**63) == "max_value"
    assert code_of(IntegerField(), -(2**63) - 1) == "min_value"


def test_the_digits_of_a_decimal_are_counted() -> None:
    field = DecimalField(max_digits=4, decimal_places=2)
    assert field.clean("12.34") == Decimal("12.34")
    for sent in ("1.234", "123.4", "1e3"):
        assert code_of(field, sent) == "digits"


@pytest.mark.parametrize("sent", ["BLUE", "r", True, ["RED"], {"a": 1}])
def test_a_choice_is_one_of_those_offered(sent: object) -> None:
    assert code_of(ChoiceField(choices=Color), sent) == "choice"


def test_true_is_not_the_choice_one() -> None:
    assert code_of(ChoiceField(choices=[1]), True) == "choice"


def test_validators_see_the_python_value() -> None:
    def even(value: int) -> None:
        if value % 2:
            raise ValidationError("Odd.", "odd")

    assert code_of(IntegerField(validators=[even]), "3") == "odd"


def test_a_default_makes_a_field_optional() -> None:
    assert not StringField(default="a").required
    assert StringField(default=lambda: "b").get_default() == "b"


def test_a_field_is_not_both_read_only_and_write_only() -> None:
    with pytest.raises(ValueError, match="not both"):
        Field(read_only=True, write_only=True)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?\Z"),
        st.from_regex(r"\A[+-]?[0-9]{0,40}\.?[0-9]{0,40}([eE][+-]?[0-9]{1,5})?\Z"),
        st.just(10**4299),
    ),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=5,
)
FIELDS = [
    Field(),
    StringField(max_length=10),
    IntegerField(),
    FloatField(),
    DecimalField(max_digits=6, decimal_places=2),
    BooleanField(),
    ChoiceField(choices=["a", 1]),
    UUIDField(),
    DateField(),
    TimeField(),
    DateTimeField(),
    DateTimeField(aware=True),
]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
@given(sent=JSON)
def test_a_field_answers_any_json_with_a_value_or_a_validation_error(field: Field, sent: Any) -> None:
    try:
        value = field.clean(sent)
    except ValidationError:
        pass
    else:
        json.dumps(field.to_representation(value), allow_nan=False)
