"""Columns that get another type.

PostgreSQL wants to be told how the values become others. MariaDB refuses to change a column of a foreign key, so the
key is dropped before, and made again after both of its columns have the new type.
"""

from collections.abc import Iterable
from typing import Any

from alembic.operations import ops
from sqlalchemy import Enum, ForeignKeyConstraint, MetaData
from sqlalchemy.dialects.postgresql import dialect

from lback.migrations.naming import full_name, table_name


class CastColumn(ops.AlterColumnOp):
    """A change of a column's type that says how the values become others, as PostgreSQL wants it."""

    def reverse(self) -> ops.AlterColumnOp:
        """Return the change back, with the cast back."""
        return _with_cast(super().reverse())


def with_casts(operation: Any) -> Any:
    """Return an operation whose changes of types say how the values become others."""
    if isinstance(operation, ops.ModifyTableOps):
        operation.ops = [
            _with_cast(inner) if isinstance(inner, ops.AlterColumnOp) else inner for inner in operation.ops
        ]
    return operation


def _with_cast(operation: ops.AlterColumnOp) -> ops.AlterColumnOp:
    if operation.modify_type is not None:
        operation.__class__ = CastColumn
        postgresql: Any = dialect()  # type: ignore[no-untyped-call]
        quoted = postgresql.identifier_preparer.quote(operation.column_name)
        # Between enums there is a way by their names only.
        by_name = "::text" if isinstance(operation.existing_type, Enum) else ""
        operation.kw["postgresql_using"] = f"{quoted}{by_name}::{operation.modify_type.compile(postgresql)}"
    return operation


class LateKeys(ops.ModifyTableOps):
    """Foreign keys of a table that are made again when all types have changed."""


def with_keys_apart(found: list[Any], metadata: MetaData, inspector: Any) -> list[Any]:
    """Return the operations with those around them that take the foreign keys away meanwhile.

    Args:
        found: What changed.
        metadata: The tables of the models.
        inspector: The database.
    """
    retyped = {(table_name(found_), column) for found_ in found for column in retyped_columns(found_)}
    if not retyped:
        return found
    before, after = [], []
    for table in metadata.tables.values():
        for key in table.foreign_key_constraints:
            name = _name_there(key, inspector) if _columns(key) & retyped else None
            if name is not None:
                made = ops.CreateForeignKeyOp.from_constraint(key)
                dropped = ops.DropConstraintOp(name, table.name, type_="foreignkey", schema=table.schema, _reverse=made)
                before.append(ops.ModifyTableOps(table.name, [dropped], schema=table.schema))
                after.append(LateKeys(table.name, [made], schema=table.schema))
    return [*before, *found, *after]


def retyped_columns(operation: Any) -> Iterable[str]:
    """Return the names of the columns that an operation gives another type."""
    steps = operation.ops if isinstance(operation, ops.ModifyTableOps) else ()
    return [step.column_name for step in steps if isinstance(step, ops.AlterColumnOp) and step.modify_type is not None]


def _columns(key: ForeignKeyConstraint) -> set[tuple[str, str]]:
    own = {(key.table.fullname, column.name) for column in key.columns}
    return own | {(target, column) for target, _, column in (e.target_fullname.rpartition(".") for e in key.elements)}


def _name_there(key: ForeignKeyConstraint, inspector: Any) -> str | None:
    """Return the name of a key in the database, or None where it is not there, or is one of another kind."""
    table = key.table
    if not inspector.has_table(table.name, table.schema):
        return None
    target, _, _ = key.elements[0].target_fullname.rpartition(".")
    wanted = (
        [column.name for column in key.columns],
        target,
        [element.target_fullname.rpartition(".")[2] for element in key.elements],
    )
    for there in inspector.get_foreign_keys(table.name, table.schema):
        referred = full_name(there["referred_table"], there["referred_schema"])
        if (there["constrained_columns"], referred, there["referred_columns"]) == wanted:
            return str(there["name"])
    return None
