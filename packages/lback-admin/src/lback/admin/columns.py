"""What the mapper of a model says about its columns, for the list, the search and the forms."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast
from urllib.parse import quote, unquote
from uuid import UUID

from sqlalchemy import Boolean, Enum, LargeBinary, String, Text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipDirection, RelationshipProperty, class_mapper
from sqlalchemy.orm.exc import UnmappedClassError
from sqlalchemy.types import JSON, TypeEngine

# What lies in a column of such a name is shown to nobody, not even to the superuser.
_SECRET = re.compile(r"pass(word|wd|phrase|code)|token|secret|(^|_)hash(es)?($|_)|api_?key|private_?key|credential")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")
# An empty key can't be a segment of a path; a lone percent sign stands for it, which quoting never leaves.
EMPTY = "%"
_INTEGER = re.compile(r"-?[0-9]{1,19}")


def mapper_of(model: type) -> Mapper[Any]:
    """Return the mapper of a model, its relationships set up."""
    mapper: Mapper[Any] = class_mapper(model)
    return mapper


def check_mapped(model: object) -> None:
    """Raise ValueError unless `model` is a mapped class.

    Its relationships are not looked at: the models they lead to may not be imported yet.
    """
    try:
        class_mapper(cast("type[Any]", model), configure=False)
    except (ArgumentError, UnmappedClassError):
        raise ValueError(
            f"The admin manages mapped classes, such as subclasses of BaseModel; {model!r} is none."
        ) from None


def is_secret(name: str) -> bool:
    """Tell whether a column of that name holds a secret: a password, a token, a hash or a key."""
    return _SECRET.search(name.lower()) is not None


def column_attributes(model: type) -> dict[str, ColumnProperty[Any]]:
    """Return the columns of a model by attribute name, those with secrets left out."""
    attributes = mapper_of(model).column_attrs
    return {
        attribute.key: attribute
        for attribute in attributes
        if not is_secret(attribute.key) and not any(is_secret(str(column.key)) for column in attribute.columns)
    }


def relationships(model: type) -> dict[str, RelationshipProperty[Any]]:
    """Return the relationships of a model by attribute name."""
    return {relationship.key: relationship for relationship in mapper_of(model).relationships}


def type_of(attribute: ColumnProperty[Any]) -> TypeEngine[Any]:
    """Return the SQL type of a column attribute."""
    return attribute.columns[0].type


def is_boolean(attribute: ColumnProperty[Any]) -> bool:
    """Tell whether the column holds truth values."""
    return isinstance(type_of(attribute), Boolean)


def is_searchable(attribute: ColumnProperty[Any]) -> bool:
    """Tell whether the column holds text that can be searched."""
    kind = type_of(attribute)
    return isinstance(kind, String) and not isinstance(kind, Enum)


def is_brief(attribute: ColumnProperty[Any]) -> bool:
    """Tell whether a value of the column fits into the cell of a table."""
    kind = type_of(attribute)
    if isinstance(kind, Text | LargeBinary | JSON):
        return False
    return not isinstance(kind, String) or isinstance(kind, Enum) or (kind.length or 0) > 0


def primary_keys(model: type) -> list[str]:
    """Return the attribute names of the primary key, in the order that `Session.get` takes them."""
    mapper = mapper_of(model)
    return [mapper.get_property_by_column(column).key for column in mapper.primary_key]


def key_text(instance: object) -> str:
    """Return the primary key of a row as one segment of a path; see `parse_key`."""
    parts = (getattr(instance, name) for name in primary_keys(type(instance)))
    # Points are quoted as well: browsers take a segment ".." out of a path.
    return ",".join(quote(str(part), safe="").replace(".", "%2E") or EMPTY for part in parts)


def parse_key(model: type, text: str) -> tuple[Any, ...] | None:
    """Return the primary key that a segment of a path names, or None when no row can have that key."""
    columns = mapper_of(model).primary_key
    parts = text.split(",")
    if len(parts) != len(columns):
        return None
    try:
        return tuple(
            _parsed(column.type, "" if part == EMPTY else unquote(part))
            for column, part in zip(columns, parts, strict=True)
        )
    except (ValueError, ArithmeticError):
        return None


def _parsed(kind: TypeEngine[Any], text: str) -> Any:
    try:
        wanted = kind.python_type
    except NotImplementedError:
        wanted = str
    if wanted is int:
        if _INTEGER.fullmatch(text) is None or abs(int(text)) >= 2**63:
            raise ValueError(text)
        return int(text)
    if wanted in (datetime, date, time):
        return wanted.fromisoformat(text)
    if wanted in (UUID, Decimal, float):
        return wanted(text)
    if "\x00" in text:
        raise ValueError(text)
    return text


def words(name: str) -> str:
    """Return a name of code as words: ``UserPermission`` and ``user_permission`` are "User permission"."""
    text = " ".join(_words(name))
    return text[:1].upper() + text[1:]


def _words(name: str) -> Iterator[str]:
    for word in _WORD.findall(name.replace("_", " ")):
        yield word if len(word) > 1 and word.isupper() else word.lower()


def plural(text: str) -> str:
    """Return the English plural of a label, by the ordinary rules."""
    if re.search(r"[^aeiou]y$", text):
        return f"{text[:-1]}ies"
    return f"{text}es" if re.search(r"(s|x|z|ch|sh)$", text) else f"{text}s"


def choices_of(attribute: ColumnProperty[Any]) -> dict[str, tuple[str, Any]]:
    """Return the values of a column that has few of them, by the text for an address, each with its label."""
    kind = type_of(attribute)
    if isinstance(kind, Boolean):
        return {"1": ("Yes", True), "0": ("No", False)}
    if isinstance(kind, Enum):
        values = kind.enum_class or {name: name for name in kind.enums}
        members = values.__members__ if isinstance(values, type) else values
        return {name: (words(name.lower()), value) for name, value in members.items()}
    return {}


def relationships_by_column(model: type) -> dict[str, str]:
    """Return the many-to-one relationships by the attribute name of their foreign key, where that is one column."""
    mapper = mapper_of(model)
    found: dict[str, str] = {}
    for relationship in mapper.relationships:
        if relationship.direction is RelationshipDirection.MANYTOONE and len(relationship.local_columns) == 1:
            (column,) = relationship.local_columns
            found[mapper.get_property_by_column(column).key] = relationship.key
    return found


def has_text(model: type, names: list[str]) -> bool:
    """Tell whether one of the columns holds text, for a reader to know a row by."""
    attributes = column_attributes(model)
    return any(name in attributes and is_searchable(attributes[name]) for name in names)


def has_str(model: type) -> bool:
    """Tell whether a class says what its objects are called."""
    return any("__str__" in vars(base) for base in model.__mro__[:-1])


def heading(name: str) -> str:
    """Return what a column is called: ``created_at`` is "Created at", ``is_active`` is "Active"."""
    return "ID" if name == "id" else words(name.removeprefix("is_") or name)
