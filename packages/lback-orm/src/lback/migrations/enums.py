"""Enum types of PostgreSQL, which are things of their own there: made before a column has them, dropped after.

What values changed is found, and carried out, by alembic-postgresql-enum (the extra ``lback-orm[postgresql]``). The
types are made and dropped by operations of ours, written so that the revision runs on every database.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import ARRAY, Column, Enum, MetaData
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.types import TypeDecorator

from lback.core.exceptions import ConfigurationError
from lback.migrations.naming import table_name


def load_support() -> None:
    """Have Alembic compare the enum types of PostgreSQL, and know the operations that change them.

    Raises:
        ConfigurationError: alembic-postgresql-enum is not installed.
    """
    try:
        import alembic_postgresql_enum  # noqa: F401 - it registers itself
    except ImportError as error:
        raise ConfigurationError(
            "Migrations on PostgreSQL need alembic-postgresql-enum: pip install 'lback-orm[postgresql]'."
        ) from error


@contextmanager
def kept(metadata: MetaData) -> Iterator[None]:
    """Give the columns of the models their enum types back after a comparison, which exchanges those of new columns."""
    types = [(column, column.type) for table in metadata.tables.values() for column in table.columns]
    try:
        yield
    finally:
        for column, kind in types:
            if column.type is not kind:
                column.type = kind


class EnumOp(ops.MigrateOperation):
    """An operation on an enum type, for the sake of a table.

    Args:
        table: The bare name of the table.
        table_schema: The table's schema.
        kind: The type.
        users: The full names of all tables that need the type.
    """

    def __init__(self, table: str, table_schema: str | None, kind: Enum, users: Collection[str] = ()) -> None:
        self.table_name = table
        self.schema = table_schema
        self.kind = kind
        self.users = frozenset(users)


class CreateEnum(EnumOp):
    """Makes an enum type, before everything else of a revision."""

    def reverse(self) -> "DropEnum":
        """Return what drops it."""
        return DropEnum(self.table_name, self.schema, self.kind)


class DropEnum(EnumOp):
    """Drops an enum type, after everything else of a revision."""

    def reverse(self) -> CreateEnum:
        """Return what makes it."""
        return CreateEnum(self.table_name, self.schema, self.kind)


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


@renderers.dispatch_for(CreateEnum)
def _render_create(autogen: AutogenContext, operation: CreateEnum) -> str:
    return f"{plain(operation.kind)}.create(op.get_bind(), checkfirst=True)"


@renderers.dispatch_for(DropEnum)
def _render_drop(autogen: AutogenContext, operation: DropEnum) -> str:
    return f"{plain(operation.kind)}.drop(op.get_bind(), checkfirst=True)"


@renderers.dispatch_for(ChangeEnum)
def _render_change(autogen: AutogenContext, operation: ChangeEnum) -> Any:
    return renderers.dispatch(operation.forth)(autogen, operation.forth)


def is_named(kind: Any) -> bool:
    """Tell whether a type is an enum that is a type of its own on PostgreSQL."""
    return bool(((type(kind) is Enum and kind.native_enum) or isinstance(kind, ENUM)) and kind.name)


def plain(kind: Enum) -> str:
    """Return the code of an enum type."""
    return f"sa.Enum({_arguments(kind)})"


def rendered(kind: Enum, autogen: AutogenContext) -> str:
    """Return the code of an enum type for a column, which does not make the type by itself on PostgreSQL."""
    autogen.imports.add("from sqlalchemy.dialects import postgresql")
    return f'{plain(kind)}.with_variant(postgresql.ENUM({_arguments(kind)}, create_type=False), "postgresql")'


def _arguments(kind: Enum) -> str:
    schema = f", schema={kind.schema!r}" if kind.schema else ""
    longest = max((len(value) for value in kind.enums), default=0)
    length = f", length={kind.length}" if type(kind) is Enum and kind.length and kind.length != longest else ""
    return f"{', '.join(map(repr, kind.enums))}, name={kind.name!r}{schema}{length}"


def placed(
    found: Iterable[ops.MigrateOperation], metadata: MetaData, is_compared: Callable[[str], bool], dialect: str
) -> list[ops.MigrateOperation]:
    """Return the operations with those on enum types among them, each with the table it is for.

    Args:
        found: What the comparison found.
        metadata: The tables of the models.
        is_compared: Whether the table of that full name belongs to an app that is compared.
        dialect: The name of the database's dialect.
    """
    found = list(found)
    tables = [operation for operation in found if not _is_foreign(operation)]
    if dialect != "postgresql":
        return [*_made(tables, metadata), *tables]
    return [*_translated(found, tables, metadata, is_compared)]


def _is_foreign(operation: ops.MigrateOperation) -> bool:
    return type(operation).__module__.startswith("alembic_postgresql_enum.")


def _translated(
    found: list[Any], tables: list[Any], metadata: MetaData, is_compared: Callable[[str], bool]
) -> Iterator[ops.MigrateOperation]:
    from alembic_postgresql_enum.operations import AddEnumValuesOp, CreateEnumOp, DropEnumOp, SyncEnumValuesOp

    coming, going = _columns(tables, coming=True), _columns(tables, coming=False)
    last: list[ops.MigrateOperation] = []
    for operation in found:
        if isinstance(operation, CreateEnumOp):
            if users := coming.get(operation.name):
                yield CreateEnum(*_parts(users[0][0]), users[0][1], [table_name(user) for user, _ in users])
        elif isinstance(operation, DropEnumOp):
            if users := going.get(operation.name):
                last.append(DropEnum(*_parts(users[-1][0]), users[-1][1]))
        elif isinstance(operation, (AddEnumValuesOp, SyncEnumValuesOp)):
            table = next((table for table in _users(metadata, operation.name) if is_compared(table.fullname)), None)
            if table is not None:
                last.append(ChangeEnum(table.name, table.schema, *_forth_and_back(operation, tables)))
    yield from tables
    yield from last


def _forth_and_back(operation: Any, tables: list[Any]) -> tuple[Any, Any]:
    """Return what changes the values of a type, and back, with the server defaults of its columns.

    A default changes together with the type, as either may have a value that the other doesn't know: the steps that
    would do so are taken out of the operations on tables.
    """
    changed = _changed_defaults(tables)
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


def _changed_defaults(tables: list[Any]) -> dict[tuple[str, str], list[str | None]]:
    """Take the changes of server defaults of enum columns out of the operations; return the old and the new ones."""
    changed: dict[tuple[str, str], list[str | None]] = {}
    for operation in tables:
        steps: list[Any] = operation.ops if isinstance(operation, ops.ModifyTableOps) else []
        for inner in steps:
            altered = isinstance(inner, ops.AlterColumnOp) and inner.modify_server_default is not False
            if altered and is_named(inner.existing_type):
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


def _made(tables: list[Any], metadata: MetaData) -> Iterator[CreateEnum]:
    """Yield what makes the types of new columns that no other column has had before."""
    for name, users in _columns(tables, coming=True).items():
        new = {table_name(user) for user, _ in users}
        if all(table.fullname in new for table in _users(metadata, name)):
            yield CreateEnum(*_parts(users[0][0]), users[0][1], new)


def _users(metadata: MetaData, name: str) -> list[Any]:
    """Return the tables with a column of an enum type."""
    return [
        table
        for table in metadata.tables.values()
        if any((kind := enum_of(column)) is not None and kind.name == name for column in table.columns)
    ]


def _columns(tables: Iterable[Any], *, coming: bool) -> Mapping[str, list[tuple[Any, Enum]]]:
    """Return the operations that make, or drop, columns of enum types, by the name of the type."""
    found: dict[str, list[tuple[Any, Enum]]] = {}
    for operation in tables:
        for kind in _kinds(operation, coming):
            found.setdefault(str(kind.name), []).append((operation, kind))
    return found


def _kinds(operation: Any, coming: bool) -> Iterator[Enum]:
    """Yield the enum types of the columns that an operation makes, or drops."""
    columns: list[Any] = []
    if coming and isinstance(operation, ops.CreateTableOp):
        columns = [item for item in operation.columns if isinstance(item, Column)]
    elif not coming and isinstance(operation, ops.DropTableOp):
        columns = list(operation.to_table().columns)
    elif isinstance(operation, ops.ModifyTableOps):
        for inner in operation.ops:
            if isinstance(inner, ops.AddColumnOp) and coming:
                columns.append(inner.column)
            elif isinstance(inner, ops.DropColumnOp) and not coming:
                columns.append(inner.to_column())
            elif isinstance(inner, ops.AlterColumnOp):
                columns.append(Column("any", inner.modify_type if coming else inner.existing_type))
    yield from (kind for column in columns if (kind := enum_of(column)) is not None)


def enum_of(column: Column[Any]) -> Enum | None:
    """Return the enum type of a column, or of the items of an array."""
    kind: Any = column.type
    while isinstance(kind, (TypeDecorator, ARRAY)):
        kind = kind.item_type if isinstance(kind, ARRAY) else kind.impl_instance
    return kind if is_named(kind) else None


def _parts(operation: Any) -> tuple[str, str | None]:
    return operation.table_name, operation.schema
