"""Which form field an SQL type gets."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    REAL,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    PickleType,
    SmallInteger,
    String,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.types import Interval, TypeDecorator, TypeEngine

from lback.core.exceptions import ValidationError
from lback.forms.addresses import IPAddressField
from lback.forms.bound import in_words
from lback.forms.choices import BooleanField, ChoiceField
from lback.forms.dates import DateField, DateTimeField, DurationField, TimeField
from lback.forms.field import Field
from lback.forms.files import FileField
from lback.forms.inputs import Textarea
from lback.forms.lists import ListField
from lback.forms.messages import N_
from lback.forms.numeric import DecimalField, FloatField, IntegerField
from lback.forms.text import CharField, JSONField, RegexField, UUIDField

#: Text that may be longer than this gets several lines.
LONG_TEXT = 255
#: The largest number of four bytes with a floating point.
LARGEST_REAL = 3.4e38

FieldOptions = tuple[type[Field], dict[str, Any]]


def field_for_type(kind: TypeEngine[Any]) -> FieldOptions | None:
    """Return the class of fields for an SQL type, with its options; None when there is none."""
    if isinstance(kind, PickleType):
        return None  # what is in there runs when it is read
    if isinstance(kind, Interval):
        return DurationField, {}
    if isinstance(kind, TypeDecorator):
        return field_for_type(kind.impl_instance)
    name = kind.__visit_name__
    if name in _NAMED:
        return _NAMED[name]
    for types, describe in _FIELDS:
        if isinstance(kind, types):
            return describe(kind)
    # Types of one database, and those of other packages, say what Python makes of their values.
    try:
        return _PYTHON.get(kind.python_type)
    except NotImplementedError:
        return None


# By the names of the types, so that no module of a database has to be imported. Numbers are bits.
_BITS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INTEGER": 32, "BIGINT": 64}


def _integer(kind: Any) -> FieldOptions:
    usual = 16 if isinstance(kind, SmallInteger) else 64 if isinstance(kind, BigInteger) else 32
    bits = _BITS.get(kind.__visit_name__, usual)
    if getattr(kind, "unsigned", False):
        return IntegerField, {"validators": (_within(0, 2**bits - 1),), "min_value": 0}
    return IntegerField, {"validators": (_within(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1),)}


def _within(low: float, high: float) -> Callable[[float], None]:
    # Not min_value and max_value: the limits of the column are nothing to show to a visitor beforehand.
    def check(value: float) -> None:
        if not low <= value <= high:
            raise ValidationError(N_("Enter %(low)s to %(high)s."), "out_of_range", {"low": low, "high": high})

    return check


def _float(kind: Any) -> FieldOptions:
    options = {"validators": (_within(-LARGEST_REAL, LARGEST_REAL),)} if isinstance(kind, REAL) else {}
    return (DecimalField if kind.asdecimal else FloatField), options


def _number(kind: Any) -> FieldOptions:
    if not kind.asdecimal:
        return FloatField, {}
    return DecimalField, {"max_digits": kind.precision, "decimal_places": kind.scale}


def _text(kind: Any) -> FieldOptions:
    long = isinstance(kind, Text) or (kind.length or 0) > LONG_TEXT
    return CharField, {"max_length": kind.length} | ({"widget": Textarea} if long else {})


def _enum(kind: Any) -> FieldOptions:
    if kind.enum_class is not None:
        return ChoiceField, {"choices": [(member, in_words(member.name.lower())) for member in kind.enum_class]}
    return ChoiceField, {"choices": [(value, in_words(value)) for value in kind.enums]}


def _array(kind: Any) -> FieldOptions | None:
    item = field_for_type(kind.item_type)
    if item is None or issubclass(item[0], FileField) or (kind.dimensions or 1) > 1:
        return None
    return ListField, {"item": item[0](**item[1])}


_NAMED: dict[str, FieldOptions] = {
    "INET": (IPAddressField, {}),
    "CIDR": (RegexField, {"regex": r"[0-9A-Fa-f.:]{2,45}/[0-9]{1,3}", "max_length": 49}),
    "MACADDR": (RegexField, {"regex": r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}", "max_length": 17}),
    "MACADDR8": (RegexField, {"regex": r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){7}", "max_length": 23}),
    "CITEXT": (CharField, {}),
    "YEAR": (IntegerField, {"min_value": 1901, "max_value": 2155}),
}
# The first that fits: Enum is a String for SQLAlchemy, and BigInteger an Integer.
_FIELDS: tuple[tuple[type, Callable[[Any], FieldOptions | None]], ...] = (
    (Enum, _enum),
    (Boolean, lambda kind: (BooleanField, {})),
    (Integer, _integer),
    (Float, _float),
    (Numeric, _number),
    (LargeBinary, lambda kind: (FileField, {"max_size": kind.length} if kind.length else {})),
    (DateTime, lambda kind: (DateTimeField, {"timezone": UTC if kind.timezone else None})),
    (Date, lambda kind: (DateField, {})),
    (Time, lambda kind: (TimeField, {})),
    (Uuid, lambda kind: (UUIDField, {})),
    (JSON, lambda kind: (JSONField, {})),
    (ARRAY, _array),
    (String, _text),
)
_PYTHON: dict[Any, FieldOptions] = {
    str: (CharField, {}),
    bool: (BooleanField, {}),
    int: (IntegerField, {}),
    float: (FloatField, {}),
    Decimal: (DecimalField, {}),
    bytes: (FileField, {}),
    datetime: (DateTimeField, {}),
    date: (DateField, {}),
    time: (TimeField, {}),
    timedelta: (DurationField, {}),
    UUID: (UUIDField, {}),
}
