"""Which form field a column or relationship of a model gets."""

import dataclasses
import inspect as signatures
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, DateTime, inspect
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty

from lback.core.exceptions import ConfigurationError
from lback.forms.bound import in_words
from lback.forms.choices import BooleanField, ChoiceField
from lback.forms.field import Field
from lback.forms.files import FileField
from lback.forms.inputs import ClearableFileInput
from lback.forms.models_relations import ModelChoiceField, ModelMultipleChoiceField
from lback.forms.models_types import field_for_type
from lback.forms.text import CharField
from lback.forms.widget import Widget
from lback.security.redaction import is_secret_name


def columns_of(mapper: Mapper[Any]) -> dict[str, "Column[Any]"]:
    """Return the columns of the model by the attributes they are mapped to; expressions are none."""
    return {
        attribute.key: column for attribute in mapper.column_attrs if isinstance(column := attribute.columns[0], Column)
    }


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
    attributes = columns_of(mapper)
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
    for name in attributes:
        if name in many_to_one:
            columns.append(many_to_one[name])
        elif all(
            _is_entered(mapper, name, column)
            for column in mapper.column_attrs[name].columns
            if isinstance(column, Column)
        ):
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
    attributes = columns_of(mapper)
    if name in attributes:
        return _column_field(mapper, name, attributes[name], options, field_class)
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
    elif issubclass(usual, FileField) and column.nullable:
        options.setdefault("widget", ClearableFileInput)
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


def new_row(model: Any) -> Any:
    """Return a new object of a mapped class, to be given its values.

    A dataclass is made with None, or an empty collection, for what its constructor asks for.
    """
    if not dataclasses.is_dataclass(model):
        return model()
    mapper = mapper_of(model)
    missing = dataclasses.MISSING
    asked = [
        each.name
        for each in dataclasses.fields(model)
        if each.init and each.default is missing and each.default_factory is missing
    ]
    made: Any = model
    return made(**{name: _nothing(mapper, name) for name in asked})


def _nothing(mapper: Mapper[Any], name: str) -> Any:
    relationship = mapper.relationships.get(name)
    if relationship is None or not relationship.uselist:
        return None
    make: Any = relationship.collection_class or list
    return make()
