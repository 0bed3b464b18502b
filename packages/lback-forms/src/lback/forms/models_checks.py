"""Whether a row would break a check constraint of its table, asked before the database refuses it.

The database itself evaluates the constraint, over a row made of the values: ``SELECT ... FROM (SELECT 3 AS price) AS
products``. So whatever SQL it is written in means the same here.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Table,
    TextClause,
    bindparam,
    case,
    cast,
    inspect,
    literal_column,
    not_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapper
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from lback.forms.models_columns import columns_of, has_default, scalar_default

_LITERAL = re.compile(r"'(?:[^']|'')*'")
# Names, but not those of functions.
_NAME = re.compile(r"[^\W\d]\w*+(?!\s*\()")


def broken(
    session: Any, mapper: Mapper[Any], instance: Any, values: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Iterate over the check constraints that the row would break: the attributes they mention, and their message.

    The message is ``info={"message": ...}`` of the constraint, or None. A constraint that can't be evaluated beforehand
    is left to the database.

    Args:
        session: The database session.
        mapper: The mapper of the model.
        instance: The row that is being edited, or None for a new one.
        values: The values that the form would save, by attribute.
    """
    names = {column: name for name, column in columns_of(mapper).items()}
    for table in mapper.tables:
        if not isinstance(table, Table):
            continue
        rules = {}
        for rule in table.constraints:
            if isinstance(rule, CheckConstraint):
                columns = _mentioned(table, rule)
                if any(names.get(column) in values for column in columns) and all(
                    column in names for column in columns
                ):
                    rules[rule] = columns
        if rules:
            mentioned = {column for columns in rules.values() for column in columns}
            row = {column: _value(column, names[column], instance, values) for column in mentioned}
            for rule in _violated(session, mapper, table, list(rules), row):
                yield tuple(names[column] for column in rules[rule]), rule.info.get("message")


def _mentioned(table: Table, rule: CheckConstraint) -> list[Column[Any]]:
    """Return the columns of a table that a constraint names, also where it is written as text."""
    found: list[Any] = [part for part in iterate(rule.sqltext) if isinstance(part, Column) and part.table is table]
    if isinstance(rule.sqltext, TextClause):
        words = {word.lower() for word in _NAME.findall(_LITERAL.sub("", rule.sqltext.text))}
        found += [column for column in table.columns if column.name.lower() in words]
    return [column for column in table.columns if column in found]


def _value(column: Column[Any], name: str, instance: Any, values: Mapping[str, Any]) -> Any:
    if name in values:
        return values[name]
    if instance is not None and inspect(instance).has_identity:
        return getattr(instance, name)
    value = None if instance is None else getattr(instance, name)
    # What the database will fill in is not known yet; with null, SQL takes a constraint to be kept.
    return scalar_default(column) if value is None and has_default(column) else value


def _not(rule: Any) -> ColumnElement[Any]:
    # As it stands: `text` would take a colon for a parameter.
    return literal_column(f"NOT ({rule.text})") if isinstance(rule, TextClause) else not_(rule)


def _violated(
    session: Any, mapper: Mapper[Any], table: Table, rules: list[CheckConstraint], row: Mapping[Column[Any], Any]
) -> list[CheckConstraint]:
    with session.no_autoflush:
        connection = session.connection(bind_arguments={"mapper": mapper})
    # PostgreSQL wants to know the type of every value; the others know it from the value, and CAST is not theirs alike.
    typed = connection.dialect.name == "postgresql"
    cells = []
    for column, value in row.items():
        cell: Any = bindparam(None, value, type_=column.type, unique=True)
        cells.append((cast(cell, column.type) if typed else cell).label(column.name))
    source = select(*cells).subquery(table.name)

    def in_row(element: Any, **_: Any) -> Any:
        return source.c.get(element.name) if isinstance(element, Column) and element.table is table else None

    marks = [case((_not(replacement_traverse(rule.sqltext, {}, in_row)), 1), else_=0) for rule in rules]
    try:
        # What fails on PostgreSQL would end the transaction around it.
        with connection.begin_nested() if typed else nullcontext():
            found = connection.execute(select(*marks).select_from(source)).one()
    except SQLAlchemyError:
        return []
    return [rule for rule, mark in zip(rules, found, strict=True) if mark]
