"""Which form field a column or relationship of a model gets."""

import inspect as signatures
from collections.abc import Callable, Mapping
from datetime import UTC
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
    Text,
    Time,
    Uuid,
    inspect,
)
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipDirection, RelationshipProperty
from sqlalchemy.types import Interval, TypeDecorator, TypeEngine

from lback.core.exceptions import ConfigurationError, ValidationError
from lback.forms.bound import in_words
from lback.forms.choices import BooleanField, ChoiceField
from lback.forms.dates import DateField, DateTimeField, TimeField
from lback.forms.field import Field
from lback.forms.files import FileField
from lback.forms.models_relations import ModelChoiceField, ModelMultipleChoiceField
from lback.forms.numeric import DecimalField, FloatField, IntegerField
from lback.forms.text import CharField, JSONField, UUIDField
from lback.forms.widgets import Textarea, Widget
from lback.security.redaction import is_secret_name

#: Text that may be longer than this gets several lines.
LONG_TEXT = 255


def column_attributes(mapper: Mapper[Any]) -> dict[str, ColumnProperty[Any]]:
    """Return the attributes that are columns of a table, by name; expressions are none."""
    return {attribute.key: attribute for attribute in mapper.column_attrs if isinstance(attribute.columns[0], Column)}


def column_of(attribute: ColumnProperty[Any]) -> "Column[Any]":
    """Return the column of an attribute."""
    column = attribute.columns[0]
    assert isinstance(column, Column)  # noqa: S101 - `column_attributes` gives no others
    return column


def has_default(column: "Column[Any]") -> bool:
    """Tell whether the column gets a value when none is given."""
    return column.default is not None or column.server_default is not None or is_generated(column)


def is_generated(column: "Column[Any]") -> bool:
    """Tell whether the database makes up the value: a serial number, an identity or a computed column."""
    serial = column.table.autoincrement_column is column
    return serial or column.computed is not None or column.identity is not None


def scalar_default(column: "Column[Any]") -> Any:
    """Return the default of the column if it is a plain value, or None."""
    default: Any = column.default
    return default.arg if default is not None and default.is_scalar else None


def is_required(column: "Column[Any]") -> bool:
    """Tell whether a row can't be without a value for the column."""
    return not column.nullable and not has_default(column)


def form_names(mapper: Mapper[Any]) -> list[str]:
    """Return what a form has that names no fields: what a person would enter.

    Left out are keys and timestamps that come by themselves, columns whose names say that they hold a secret, columns
    of types without a field, the many side of one-to-many, and foreign keys where a relationship stands for them.
    """
    attributes = column_attributes(mapper)
    many_to_one: dict[str, str] = {}
    names = []
    for relationship in mapper.relationships:
        if relationship.viewonly or relationship.lazy == "write_only":
            continue
        if relationship.direction is RelationshipDirection.MANYTOONE:
            keys = [mapper.get_property_by_column(column).key for column in relationship.local_columns]
            many_to_one |= dict.fromkeys(keys, relationship.key)
        elif relationship.direction is RelationshipDirection.MANYTOMANY:
            names.append(relationship.key)
    columns = []
    for name, attribute in attributes.items():
        if name in many_to_one:
            columns.append(many_to_one[name])
        elif all(_is_entered(mapper, name, column) for column in attribute.columns if isinstance(column, Column)):
            columns.append(name)
    return list(dict.fromkeys([*columns, *names]))


def _is_entered(mapper: Mapper[Any], name: str, column: "Column[Any]") -> bool:
    if is_generated(column) or (column.primary_key and has_default(column)):
        return False
    if column is mapper.polymorphic_on or column is mapper.version_id_col:
        return False
    if column.onupdate is not None or column.server_onupdate is not None:
        return False
    if is_secret_name(name) or is_secret_name(str(column.name)):
        return False
    kind = getattr(column.type, "impl_instance", column.type)  # of a type of one's own, what it stands for
    if isinstance(kind, DateTime) and has_default(column) and scalar_default(column) is None:
        return False  # a creation timestamp
    return field_for_type(column.type) is not None


def make_field(
    mapper: Mapper[Any], name: str, widget: Widget | type[Widget] | None, field_class: type[Field] | None
) -> Field:
    """Return the form field of an attribute of a model.

    Args:
        mapper: The mapper of the model.
        name: The attribute.
        widget: A widget in place of the usual one.
        field_class: A class of fields in place of the usual one.

    Raises:
        ConfigurationError: There is no field for it.
    """
    options: dict[str, Any] = {"label": in_words(name)}
    if widget is not None:
        options["widget"] = widget
    attributes = column_attributes(mapper)
    if name in attributes:
        return _column_field(mapper, name, column_of(attributes[name]), options, field_class)
    if name in mapper.relationships:
        return _relationship_field(mapper, mapper.relationships[name], options, field_class)
    known = ", ".join([*attributes, *mapper.relationships.keys()])
    raise ConfigurationError(
        f"{mapper.class_.__name__} has no column or relationship {name!r} for a form; it has {known}."
    )


def _column_field(
    mapper: Mapper[Any], name: str, column: "Column[Any]", options: dict[str, Any], field_class: type[Field] | None
) -> Field:
    found = field_for_type(column.type)
    if found is None and field_class is None:
        raise ConfigurationError(
            f"There is no form field for {mapper.class_.__name__}.{name}, of type {column.type!r}."
            f" Give one: field_classes = {{{name!r}: CharField}}, or leave it out with exclude."
        )
    usual, extra = found or (CharField, {})
    options |= {"required": is_required(column), "initial": scalar_default(column)} | extra | options
    if issubclass(usual, BooleanField):
        options["required"] = False  # not ticked is a value
    elif issubclass(usual, ChoiceField):
        options["choices"] = _with_blank(options["choices"], options)
        options["empty_value"] = None
    elif issubclass(usual, CharField) and column.nullable:
        options["empty_value"] = None
    return (field_class or usual)(**_accepted(field_class or usual, options))


def _with_blank(choices: list[tuple[Any, str]], options: Mapping[str, Any]) -> list[tuple[Any, str]]:
    # A list without an empty option has its first value chosen before anybody looked at it.
    return choices if options["required"] and options["initial"] is not None else [("", "---------"), *choices]


def _relationship_field(
    mapper: Mapper[Any],
    relationship: RelationshipProperty[Any],
    options: dict[str, Any],
    field_class: type[Field] | None,
) -> Field:
    usual: type[ModelChoiceField]
    if relationship.direction is RelationshipDirection.MANYTOONE:
        usual = ModelChoiceField
        columns = [column for column in relationship.local_columns if isinstance(column, Column)]
        required = any(is_required(column) for column in columns)
    elif relationship.direction is RelationshipDirection.MANYTOMANY:
        usual, required = ModelMultipleChoiceField, False
    else:
        raise ConfigurationError(
            f"{mapper.class_.__name__}.{relationship.key} is the many side of a one-to-many relationship; a form"
            " chooses the one, on the other model. Leave it out of fields."
        )
    chosen = field_class or usual
    options = {"required": required, "model": relationship.mapper.class_} | options
    return chosen(**_accepted(chosen, options))


def field_for_type(kind: TypeEngine[Any]) -> tuple[type[Field], dict[str, Any]] | None:
    """Return the class of fields for an SQL type, with its options; None when there is none."""
    if isinstance(kind, PickleType | Interval):
        return None
    if isinstance(kind, TypeDecorator):
        return field_for_type(kind.impl_instance)
    for types, describe in _FIELDS:
        if isinstance(kind, types):
            return describe(kind)
    return None


def _integer(kind: Any) -> tuple[type[Field], dict[str, Any]]:
    bits = 16 if isinstance(kind, SmallInteger) else 64 if isinstance(kind, BigInteger) else 32
    return IntegerField, {"validators": (_within(bits),)}


def _within(bits: int) -> Callable[[int], None]:
    # Not min_value and max_value: the limits of the column are nothing to show to a visitor beforehand.
    limit = 2 ** (bits - 1)

    def check(value: int) -> None:
        if not -limit <= value < limit:
            raise ValidationError("Enter %(low)s to %(high)s.", "out_of_range", {"low": -limit, "high": limit - 1})

    return check


def _number(kind: Any) -> tuple[type[Field], dict[str, Any]]:
    if not kind.asdecimal:
        return FloatField, {}
    return DecimalField, {"max_digits": kind.precision, "decimal_places": kind.scale}


def _text(kind: Any) -> tuple[type[Field], dict[str, Any]]:
    long = isinstance(kind, Text) or (kind.length or 0) > LONG_TEXT
    return CharField, {"max_length": kind.length} | ({"widget": Textarea} if long else {})


def _enum(kind: Any) -> tuple[type[Field], dict[str, Any]]:
    if kind.enum_class is not None:
        return ChoiceField, {"choices": [(member, in_words(member.name.lower())) for member in kind.enum_class]}
    return ChoiceField, {"choices": [(value, in_words(value)) for value in kind.enums]}


# The first that fits: Enum is a String for SQLAlchemy, and BigInteger an Integer.
_FIELDS: tuple[tuple[type | tuple[type, ...], Callable[[Any], tuple[type[Field], dict[str, Any]]]], ...] = (
    (Enum, _enum),
    (Boolean, lambda kind: (BooleanField, {})),
    (Integer, _integer),
    (Float, lambda kind: (DecimalField if kind.asdecimal else FloatField, {})),
    (Numeric, _number),
    (LargeBinary, lambda kind: (FileField, {})),
    (DateTime, lambda kind: (DateTimeField, {"timezone": UTC if kind.timezone else None})),
    (Date, lambda kind: (DateField, {})),
    (Time, lambda kind: (TimeField, {})),
    (Uuid, lambda kind: (UUIDField, {})),
    (JSON, lambda kind: (JSONField, {})),
    (String, _text),
)


def _accepted(field_class: type[Field], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the options that the constructor of a class, or of one of its bases, names."""
    names: set[str] = set()
    for base in field_class.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = signatures.signature(vars(base)["__init__"]).parameters.values()
        names |= {each.name for each in parameters}
        if not any(each.kind is each.VAR_KEYWORD for each in parameters):
            break
    return {name: value for name, value in options.items() if name in names}


def mapper_of(model: Any) -> Mapper[Any]:
    """Return the mapper of a model, its relationships set up.

    Raises:
        ConfigurationError: It is no mapped class.
    """
    mapper = inspect(model, raiseerr=False)
    if not isinstance(mapper, Mapper):
        raise ConfigurationError(f"Meta.model of a ModelForm is a mapped class; got {model!r}.")
    return mapper
