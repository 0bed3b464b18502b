"""Changed values of PostgreSQL's enum types: alembic-postgresql-enum finds them and carries them out.

It comes with the extra ``lback-orm[postgresql]``, and this module is imported on PostgreSQL alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic_postgresql_enum.operations import AddEnumValuesOp, CreateEnumOp, DropEnumOp, SyncEnumValuesOp
from sqlalchemy import Enum, MetaData

from lback.migrations.enums import CreateEnum, DropEnum, columns_of, parts_of, users_of
from lback.migrations.naming import table_name


class ChangeEnum(ops.MigrateOperation):
    """Changes the values of an enum type, as alembic-postgresql-enum does it.

    Args:
        table: The bare name of a table that has the type.
        table_schema: Its schema.
        forth: The operation of that library.
        back: The one that changes the values back.
    """

    def __init__(self, table: str, table_schema: str | None, forth: Any, back: Any) -> None:
        self.table_name = table
        self.schema = table_schema
        self.forth = forth
        self.back = back

    def reverse(self) -> "ChangeEnum":
        """Return what changes them back."""
        return ChangeEnum(self.table_name, self.schema, self.back, self.forth)


@renderers.dispatch_for(ChangeEnum)
def _render_change(autogen: AutogenContext, operation: ChangeEnum) -> Any:
    return renderers.dispatch(operation.forth)(autogen, operation.forth)


def translated(
    found: Iterable[Any], metadata: MetaData, is_compared: Callable[[str], bool]
) -> Iterator[ops.MigrateOperation]:
    """Yield the operations with those of alembic-postgresql-enum as ours, each with the table it is for.

    Args:
        found: What the comparison found.
        metadata: The tables of the models.
        is_compared: Whether the table of that full name belongs to an app that is compared.
    """
    found = list(found)
    tables = [operation for operation in found if not _is_foreign(operation)]
    coming, going = columns_of(tables, coming=True), columns_of(tables, coming=False)
    last: list[ops.MigrateOperation] = []
    for operation in found:
        if isinstance(operation, CreateEnumOp):
            if users := coming.get(operation.name):
                yield CreateEnum(*parts_of(users[0][0]), users[0][1], [table_name(user) for user, _ in users])
        elif isinstance(operation, DropEnumOp):
            if users := going.get(operation.name):
                last.append(DropEnum(*parts_of(users[-1][0]), users[-1][1]))
        elif isinstance(operation, (AddEnumValuesOp, SyncEnumValuesOp)):
            table = next((table for table in users_of(metadata, operation.name) if is_compared(table.fullname)), None)
            if table is not None:
                last.append(ChangeEnum(table.name, table.schema, *_forth_and_back(operation, tables)))
    yield from tables
    yield from last


def _forth_and_back(operation: Any, tables: list[Any]) -> tuple[Any, Any]:
    """Return what changes the values of a type, and back, with the server defaults of its columns.

    A default changes together with the type, as either may have a value that the other doesn't know: the steps that
    would do so are taken out of the operations on tables.
    """
    affected = {(reference.table_name, reference.column_name) for reference in operation.affected_columns}
    changed = _changed_defaults(tables, affected)
    forth, back = [], []
    for reference in operation.affected_columns:
        old, new = changed.get((reference.table_name, reference.column_name), [reference.existing_server_default] * 2)
        forth.append(replace(reference, existing_server_default=new))
        back.append(replace(reference, existing_server_default=old))
    exchange = operation.reverse()
    exchange.affected_columns = back
    touched = any(getattr(found, "table_name", None) in {item.table_name for item in forth} for found in tables)
    # A value that is added to a type may be used in a later transaction only, unlike one of a type made anew. And one
    # that is not the last is put into the wrong place by alembic-postgresql-enum 1.11.
    appended = operation.new_values[: len(operation.old_values)] == operation.old_values
    whole = operation if appended and not touched else exchange.reverse()
    whole.affected_columns = forth
    return whole, exchange


def _changed_defaults(tables: list[Any], columns: set[tuple[str, str]]) -> dict[tuple[str, str], list[str | None]]:
    """Take the changes of server defaults of some columns out of the operations; return the old and the new ones."""
    changed: dict[tuple[str, str], list[str | None]] = {}
    for operation in tables:
        steps: list[Any] = operation.ops if isinstance(operation, ops.ModifyTableOps) else []
        for inner in steps:
            altered = isinstance(inner, ops.AlterColumnOp) and inner.modify_server_default is not False
            if altered and (operation.table_name, inner.column_name) in columns:
                defaults = [inner.existing_server_default, inner.modify_server_default]
                kind: Any = inner.existing_type
                changed[operation.table_name, inner.column_name] = [_default_sql(found, kind) for found in defaults]
                inner.modify_server_default = False
        if isinstance(operation, ops.ModifyTableOps):
            operation.ops = [inner for inner in operation.ops if not _is_done(inner)]
    return changed


def _is_done(inner: Any) -> bool:
    return isinstance(inner, ops.AlterColumnOp) and not inner.has_changes()


def _default_sql(default: Any, kind: Enum) -> str | None:
    """Return a server default as PostgreSQL itself writes it, with its type."""
    value = getattr(default, "arg", default)
    if value is None:
        return None
    code = str(value) if not isinstance(value, str) else "'" + value.replace("'", "''") + "'"
    return code if "::" in code else f"{code}::{kind.name}"


def _is_foreign(operation: ops.MigrateOperation) -> bool:
    return type(operation).__module__.startswith("alembic_postgresql_enum.")
