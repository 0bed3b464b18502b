"""Enum types of PostgreSQL, which are things of their own there: made before a column has them, dropped after.

They are made and dropped by operations of ours, written so that the revision runs on every database. A change of their
values is the subject of `enum_values`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import ARRAY, Column, Enum, MetaData
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.types import TypeDecorator

from lback.migrations.naming import table_name


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


@renderers.dispatch_for(CreateEnum)
def _render_create(autogen: AutogenContext, operation: CreateEnum) -> str:
    return f"{plain(operation.kind)}.create(op.get_bind(), checkfirst=True)"


@renderers.dispatch_for(DropEnum)
def _render_drop(autogen: AutogenContext, operation: DropEnum) -> str:
    return f"{plain(operation.kind)}.drop(op.get_bind(), checkfirst=True)"


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
    if dialect == "postgresql":
        from lback.migrations.enum_values import translated

        return [*translated(found, metadata, is_compared)]
    return [*_made(found, metadata), *found]


def _made(tables: list[Any], metadata: MetaData) -> Iterator[CreateEnum]:
    """Yield what makes the types of new columns that no other column has had before."""
    for name, users in columns_of(tables, coming=True).items():
        new = {table_name(user) for user, _ in users}
        if all(table.fullname in new for table in users_of(metadata, name)):
            yield CreateEnum(*parts_of(users[0][0]), users[0][1], new)


def users_of(metadata: MetaData, name: str) -> list[Any]:
    """Return the tables with a column of an enum type."""
    return [
        table
        for table in metadata.tables.values()
        if any((kind := enum_of(column)) is not None and kind.name == name for column in table.columns)
    ]


def columns_of(tables: Iterable[Any], *, coming: bool) -> Mapping[str, list[tuple[Any, Enum]]]:
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


def parts_of(operation: Any) -> tuple[str, str | None]:
    """Return the bare name and the schema of the table that an operation is about."""
    return operation.table_name, operation.schema
