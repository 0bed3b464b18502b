"""Values for the rows that are there already, when a column comes that must have one.

As in Django, such a value is used once, in the revision: the column is added without the rule, filled, and given the
rule then. It comes from the model, where its default is a plain value; otherwise the developer is asked.
"""

import datetime
import decimal
import enum
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.operations import ops
from sqlalchemy import JSON, Column, Connection, Enum, UniqueConstraint, column, func, select, table
from sqlalchemy.types import TypeDecorator

from lback.migrations.naming import split_name, table_name
from lback.migrations.renames import Renames

TRUE_AND_FALSE = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
NOW = {
    datetime.datetime: "datetime.datetime.now(datetime.timezone.utc)",
    datetime.date: "datetime.date.today()",
}


class Nothing(ops.MigrateOperation):
    """The way back from something that needs none."""

    def reverse(self) -> "Nothing":
        """Return nothing again."""
        return self


class FillColumn(ops.MigrateOperation):
    """Gives a column a value where it has none.

    Args:
        table: The bare name of the table.
        schema: Its schema.
        filled: The column.
        value: The value, as code.
    """

    def __init__(self, table: str, schema: str | None, filled: Column[Any], value: str) -> None:
        self.table_name = table
        self.schema = schema
        self.column = filled
        self.value = value

    def reverse(self) -> Nothing:
        """Return nothing: the column goes, or may be empty again."""
        return Nothing()


class _NotNull(ops.AlterColumnOp):
    def reverse(self) -> Any:
        # The column itself goes.
        return Nothing()


@renderers.dispatch_for(FillColumn)
def _render_fill(autogen: AutogenContext, operation: FillColumn) -> list[str]:
    for module in ("datetime", "decimal", "uuid"):
        if operation.value.startswith(f"{module}."):
            autogen.imports.add(f"import {module}")
    name = operation.column.name
    schema = f", schema={operation.schema!r}" if operation.schema else ""
    kind = _repr_type(operation.column.type, autogen)
    return [
        f"filled = sa.table({operation.table_name!r}, sa.column({name!r}, {kind}){schema})",
        f"op.execute(filled.update().where(filled.c[{name!r}].is_(None)).values({{{name!r}: {operation.value}}}))",
    ]


@dataclass(slots=True)
class Gap:
    """A column that must have a value, and rows that have none.

    Args:
        table: The full name of the table.
        column: The column.
        rows: How many rows have none.
        unique: Whether no two rows may have the same.
        added: Whether the column is new.
    """

    table: str
    column: Column[Any]
    rows: int
    unique: bool
    added: bool

    @property
    def name(self) -> str:
        """The table and the column, as ``--default`` takes it."""
        return f"{self.table}.{self.column.name}"


def gaps(
    connection: Connection, found: Iterable[ops.MigrateOperation], renames: Renames, tables: Mapping[str, Any]
) -> list[Gap]:
    """Return the gaps that the operations would leave.

    Args:
        connection: The database.
        found: What changed.
        renames: The renames among that.
        tables: The tables of the models, by full name.
    """
    left = []
    for operation in found:
        if isinstance(operation, ops.ModifyTableOps):
            for inner in operation.ops:
                gap = _gap(connection, operation, inner, renames, tables)
                if gap is not None:
                    left.append(gap)
    return left


def _gap(
    connection: Connection, operation: ops.ModifyTableOps, inner: Any, renames: Renames, tables: Mapping[str, Any]
) -> Gap | None:
    full = table_name(operation)
    source: Any = table(split_name(renames.old_table(full), operation.schema)[1], schema=operation.schema)
    count = select(func.count()).select_from(source)
    if isinstance(inner, ops.AddColumnOp) and _must_be_given(inner.column):
        wanted = inner.column
        rows = connection.scalar(count) or 0
        # A default of the model is used whether or not there are rows here, as there may be some elsewhere.
        if not rows and default_of(wanted) is None:
            return None
    elif isinstance(inner, ops.AlterColumnOp) and inner.modify_nullable is False:
        wanted = tables[full].columns[inner.column_name]
        empty: Any = column(renames.old_column(full, inner.column_name))
        rows = connection.scalar(count.where(empty.is_(None))) or 0
        if not rows:
            return None
    else:
        return None
    return Gap(full, wanted, rows, _is_unique(tables[full], wanted), isinstance(inner, ops.AddColumnOp))


def _must_be_given(wanted: Column[Any]) -> bool:
    return not wanted.nullable and wanted.server_default is None and wanted.computed is None and wanted.identity is None


def _is_unique(owner: Any, wanted: Column[Any]) -> bool:
    unique = [item for item in owner.constraints if isinstance(item, UniqueConstraint)]
    unique += [index for index in owner.indexes if index.unique]
    return any([item.name for item in constraint.columns] == [wanted.name] for constraint in unique)


def filled(found: Iterable[Any], values: Mapping[str, tuple[Gap, str]]) -> list[Any]:
    """Return the operations with those among them that fill gaps.

    Args:
        found: What changed.
        values: The gap and the code of the value, by the name of the gap.
    """
    done: list[Any] = []
    for operation in found:
        steps: list[Any] = operation.ops if isinstance(operation, ops.ModifyTableOps) else []
        names = [f"{table_name(operation)}.{_column_name(inner)}" for inner in steps]
        if not values.keys() & set(names):
            done.append(operation)
            continue
        before: list[Any] = []
        after: list[Any] = []
        fills: list[Any] = []
        for name, inner in zip(names, steps, strict=True):
            if name not in values:
                after.append(inner)
                continue
            gap, value = values[name]
            fills.append(FillColumn(operation.table_name, operation.schema, gap.column, value))
            if gap.added:
                before.append(_optional(inner))
                after.insert(0, _required(inner))
            else:
                after.append(inner)
        for part in (before, fills, after):
            if part is fills:
                done += fills
            elif part:
                done.append(ops.ModifyTableOps(operation.table_name, part, schema=operation.schema))
    return done


def _column_name(inner: Any) -> str:
    return str(inner.column.name if isinstance(inner, ops.AddColumnOp) else getattr(inner, "column_name", ""))


def _optional(added: ops.AddColumnOp) -> ops.AddColumnOp:
    copied = added.column._copy()
    copied.nullable = True
    return ops.AddColumnOp(added.table_name, copied, schema=added.schema)


def _required(added: ops.AddColumnOp) -> ops.AlterColumnOp:
    return _NotNull(
        added.table_name,
        added.column.name,
        schema=added.schema,
        existing_type=added.column.type,
        existing_nullable=True,
        modify_nullable=False,
    )


def _bare_type(kind: Any) -> Any:
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return kind


def _python_type(kind: Any) -> type:
    if isinstance(kind, Enum):
        return str
    try:
        return kind.python_type  # type: ignore[no-any-return]
    except NotImplementedError:
        return str


def default_of(wanted: Column[Any]) -> str | None:
    """Return the code of the plain value that is the model's default, or None.

    What a type of the project makes of a value is known when it is bound only, so those have none here.
    """
    default: Any = wanted.default
    if default is None or isinstance(wanted.type, TypeDecorator):
        return None
    if default.is_scalar:
        return _code(wanted.type, default.arg)
    if default.is_callable and isinstance(wanted.type, JSON):
        return _code(wanted.type, default.arg(None))
    return None


def _code(kind: Any, value: Any) -> str | None:
    """Return a value as code, or None where there is no plain way to write it."""
    if isinstance(value, enum.Enum) and isinstance(kind, Enum):
        value = next((name for name in (value.name, value.value) if name in kind.enums), None)
    if isinstance(value, (bool, int, float, str, bytes)) and not isinstance(value, enum.Enum):
        return repr(value)
    if isinstance(value, decimal.Decimal):
        return f"decimal.{value!r}"
    if isinstance(value, uuid.UUID):
        return f"uuid.{value!r}"
    if isinstance(value, (datetime.date, datetime.time)):
        return f"datetime.{type(value).__name__}.fromisoformat({value.isoformat()!r})"
    if isinstance(value, (dict, list)):
        return repr(json.loads(json.dumps(value)))
    return None


def value_code(wanted: Column[Any], entered: str) -> str:
    """Return the code of the value that was entered for a column.

    Args:
        wanted: The column.
        entered: The value; ``now`` is the time of the migration in UTC, where the column holds a time.

    Raises:
        ValueError: It is not one that the column can hold; the message says what is expected.
    """
    kind = _bare_type(wanted.type)
    python = _python_type(kind)
    if entered.lower() == "now" and python in NOW:
        return NOW[python]
    if isinstance(kind, Enum) and entered not in kind.enums:
        raise ValueError(f"expected one of {', '.join(kind.enums)}")
    length = getattr(kind, "length", None)
    if python is str and length is not None and len(entered) > length:
        raise ValueError(f"expected at most {length} characters")
    try:
        code = _code(kind, json.loads(entered) if isinstance(kind, JSON) else _read(python, entered))
    except (ValueError, KeyError, decimal.InvalidOperation):
        code = None
    if code is None:
        name = "JSON" if isinstance(kind, JSON) else python.__name__
        raise ValueError(f"expected a value of the kind {name}")
    return code


def _read(python: type, entered: str) -> Any:
    if python is bool:
        return TRUE_AND_FALSE[entered.lower()]
    if python in (datetime.datetime, datetime.date, datetime.time):
        return python.fromisoformat(entered)
    if python is bytes:
        return entered.encode()
    return python(entered)
