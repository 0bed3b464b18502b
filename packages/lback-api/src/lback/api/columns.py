"""Which serializer field a column of a model gets."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
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
    Time,
    Uuid,
)
from sqlalchemy.orm import ColumnProperty, Mapper
from sqlalchemy.types import Interval, TypeDecorator, TypeEngine

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
from lback.core.exceptions import ConfigurationError
from lback.security.redaction import is_secret_name

Described = tuple[type[Field], dict[str, Any]]


def column_attributes(mapper: Mapper[Any]) -> dict[str, ColumnProperty[Any]]:
    """Return the attributes that are columns of a table, by name; expressions are none."""
    return {attribute.key: attribute for attribute in mapper.column_attrs if isinstance(attribute.columns[0], Column)}


def public_names(mapper: Mapper[Any]) -> list[str]:
    """Return the columns that ``'__all__'`` stands for: all but those of binary types, and those that hold a secret.

    Whether one holds a secret (a password, a token, a key) is judged by its name.
    """
    return [
        name
        for name, attribute in column_attributes(mapper).items()
        if not any(is_secret_name(part) for part in (name, *(str(column.key) for column in attribute.columns)))
        and not name.lower().endswith("_hash")
        and field_for_type(attribute.columns[0].type) is not None
    ]


def make_field(mapper: Mapper[Any], name: str, read_only: bool, extra: Mapping[str, Any]) -> Field:
    """Return the field of a column.

    Args:
        mapper: The mapper of the model.
        name: The attribute.
        read_only: Whether the field is only read, whatever the column is.
        extra: Options over those that come from the column.

    Raises:
        ConfigurationError: There is no such column, or no field for its type.
    """
    attribute = column_attributes(mapper).get(name)
    model = mapper.class_.__name__
    if attribute is None:
        reason = "is a relationship; declare a RelatedField for it" if name in mapper.relationships else "is no column"
        raise ConfigurationError(f"{model}.{name} {reason}, or leave it out of fields.")
    columns = [column for column in attribute.columns if isinstance(column, Column)]
    column = columns[0]
    described = field_for_type(column.type)
    if described is None:
        raise ConfigurationError(
            f"There is no serializer field for {model}.{name}, of type {column.type!r}; declare one, or leave it out."
        )
    kind, options = described
    options = {
        "required": not column.nullable and not has_default(column),
        "allow_null": bool(column.nullable),
        "read_only": read_only or any(_comes_by_itself(mapper, each) for each in columns),
        **options,
        **extra,
    }
    return kind(**options)


def has_default(column: "Column[Any]") -> bool:
    """Tell whether the column gets a value when none is given."""
    return column.default is not None or column.server_default is not None or _is_generated(column)


def _is_generated(column: "Column[Any]") -> bool:
    serial = column.table.autoincrement_column is column
    return serial or column.computed is not None or column.identity is not None


def _comes_by_itself(mapper: Mapper[Any], column: "Column[Any]") -> bool:
    """Tell whether a client has no say in the column: numbers of rows, timestamps, the kind and version of a row."""
    if _is_generated(column) or (column.primary_key and has_default(column)):
        return True
    if column is mapper.polymorphic_on or column is mapper.version_id_col:
        return True
    if column.onupdate is not None or column.server_onupdate is not None:
        return True
    scalar = column.default is not None and column.default.is_scalar
    # A type of one's own around it stands for the same.
    kind = getattr(column.type, "impl_instance", column.type)
    return isinstance(kind, DateTime) and has_default(column) and not scalar


def field_for_type(kind: TypeEngine[Any]) -> Described | None:
    """Return the class of fields for an SQL type, with its options; None when there is none."""
    if isinstance(kind, PickleType | Interval | LargeBinary):
        return None
    if isinstance(kind, TypeDecorator):
        return field_for_type(kind.impl_instance)
    for types, describe in _FIELDS:
        if isinstance(kind, types):
            return describe(kind)
    return None


def _integer(kind: Any) -> Described:
    bits = 16 if isinstance(kind, SmallInteger) else 64 if isinstance(kind, BigInteger) else 32
    return IntegerField, {"min_value": -(2 ** (bits - 1)), "max_value": 2 ** (bits - 1) - 1}


def _number(kind: Any) -> Described:
    if not kind.asdecimal:
        return FloatField, {}
    if isinstance(kind, Float):
        return DecimalField, {}
    return DecimalField, {"max_digits": kind.precision, "decimal_places": kind.scale}


# The first that fits: Enum is a String for SQLAlchemy, and BigInteger an Integer.
_FIELDS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Described]], ...] = (
    (Enum, lambda kind: (ChoiceField, {"choices": list(kind.enum_class or kind.enums)})),
    (Boolean, lambda kind: (BooleanField, {})),
    (Integer, _integer),
    ((Float, Numeric), _number),
    (DateTime, lambda kind: (DateTimeField, {"aware": bool(kind.timezone)})),
    (Date, lambda kind: (DateField, {})),
    (Time, lambda kind: (TimeField, {})),
    (Uuid, lambda kind: (UUIDField, {})),
    (JSON, lambda kind: (Field, {})),
    (String, lambda kind: (StringField, {"max_length": kind.length})),
)
