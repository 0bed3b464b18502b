"""Renames of tables and columns: which there may be, and the database as it is going to be after them.

A renamed table looks like one that went and one that came. Which it is, only the developer knows, so every pair that
may be a rename is asked about. The comparison then sees the database through a `RenamedInspector`, so that what it
finds is what there is left to do.
"""

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Table
from sqlalchemy.engine import Inspector

from lback.migrations.naming import full_name, split_name, table_name

# Half of the columns of the table that went must be in the one that came.
TABLE_LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class Rename:
    """A table that has another name, or a column of a table.

    Args:
        table: The full name of the table, the new one where that changes too.
        old: The full name the table had, or the name of the column.
        new: What it is called now.
        is_table: Whether it is the table that is renamed.
    """

    table: str
    old: str
    new: str
    is_table: bool

    @property
    def option(self) -> str:
        """How it is written after ``--rename``."""
        return f"{self.old}:{self.new}" if self.is_table else f"{self.table}.{self.old}:{self.new}"

    @property
    def question(self) -> str:
        """The question whether it is one."""
        kind = "table" if self.is_table else "column"
        old = self.old if self.is_table else f"{self.table}.{self.old}"
        return f"Was the {kind} {old} renamed to {self.new}?"


@dataclass(slots=True)
class Renames:
    """The renames that are known to be some."""

    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, rename: Rename) -> None:
        """Take a rename in."""
        if rename.is_table:
            self.tables[rename.old] = rename.new
        else:
            self.columns.setdefault(rename.table, {})[rename.old] = rename.new

    def __bool__(self) -> bool:
        return bool(self.tables or self.columns)

    def old_table(self, name: str) -> str:
        """Return what a table is called in the database."""
        return next((old for old, new in self.tables.items() if new == name), name)

    def old_column(self, table: str, name: str) -> str:
        """Return what a column is called in the database."""
        return next((old for old, new in self.columns.get(table, {}).items() if new == name), name)


def candidates(
    context: MigrationContext, found: Iterable[ops.MigrateOperation], owners: Mapping[str, str], *, likely: bool = True
) -> list[Rename]:
    """Return the pairs among the operations that may be a rename, the likeliest first.

    Args:
        context: What compares types.
        found: The operations.
        owners: The app of each table.
        likely: Whether only those that look like one: columns of one type, tables with half of their columns alike.
    """
    found = list(found)
    pairs = _table_pairs(context, found, owners, likely)
    for operation in found:
        if isinstance(operation, ops.ModifyTableOps):
            pairs += _column_pairs(context, operation, likely)
    return [rename for _, rename in sorted(pairs, key=lambda pair: -pair[0])]


def _table_pairs(
    context: MigrationContext, found: Collection[ops.MigrateOperation], owners: Mapping[str, str], likely: bool
) -> list[tuple[float, Rename]]:
    gone = [operation for operation in found if isinstance(operation, ops.DropTableOp)]
    come = [operation for operation in found if isinstance(operation, ops.CreateTableOp)]
    pairs = []
    for drop in gone:
        for create in come:
            old, new = table_name(drop), table_name(create)
            if drop.schema == create.schema and owners.get(old) == owners.get(new):
                likeness = _likeness(context, drop.to_table(), create.columns)
                if likeness >= TABLE_LIKENESS or not likely:
                    pairs.append((likeness + _nearness(old, new), Rename(new, old, new, is_table=True)))
    return pairs


def _likeness(context: MigrationContext, old: Table, new: Iterable[Any]) -> float:
    """Return how many of the columns of `old` are in `new`, from 0 to 1."""
    columns = {column.name: column for column in new if isinstance(column, Column)}
    shared = [column for column in old.columns if column.name in columns and _alike(context, column, columns)]
    return len(shared) / max(len(old.columns), 1)


def _alike(context: MigrationContext, old: Column[Any], columns: Mapping[str, Column[Any]]) -> bool:
    return not context.impl.compare_type(old, columns[old.name])


def _column_pairs(context: MigrationContext, operation: ops.ModifyTableOps, likely: bool) -> list[tuple[float, Rename]]:
    gone = [inner for inner in operation.ops if isinstance(inner, ops.DropColumnOp)]
    come = [inner for inner in operation.ops if isinstance(inner, ops.AddColumnOp)]
    table = table_name(operation)
    return [
        (_nearness(drop.column_name, add.column.name), Rename(table, drop.column_name, add.column.name, is_table=False))
        for drop in gone
        for add in come
        if not likely or not context.impl.compare_type(drop.to_column(), add.column)
    ]


def _nearness(old: str, new: str) -> float:
    return difflib.SequenceMatcher(None, old, new).ratio()


def chosen(option: str, possible: Iterable[Rename]) -> Rename | None:
    """Return which of the possible renames an option ``old:new`` means, or None.

    ``table.column:other`` and ``table.column:table.other`` both name a column.
    """
    old, _, new = option.partition(":")
    for rename in possible:
        if rename.is_table:
            if (old, new) == (rename.old, rename.new):
                return rename
        elif old == f"{rename.table}.{rename.old}" and new in (rename.new, f"{rename.table}.{rename.new}"):
            return rename
    return None


class RenameTable(ops.MigrateOperation):
    """Gives a table another name."""

    def __init__(self, old: str, new: str, schema: str | None) -> None:
        self.old = old
        self.table_name = new
        self.schema = schema

    def reverse(self) -> "RenameTable":
        """Return what gives the old name back."""
        return RenameTable(self.table_name, self.old, self.schema)


class RenameColumn(ops.MigrateOperation):
    """Gives a column another name, in place: made anew, a table would lose what refers to the column."""

    def __init__(self, table: str, old: str, column: Column[Any], schema: str | None) -> None:
        self.table_name = table
        self.old = old
        self.column = column
        self.new = column.name
        self.schema = schema

    def reverse(self) -> "RenameColumn":
        """Return what gives the old name back."""
        back = RenameColumn(self.table_name, self.new, self.column, self.schema)
        back.new = self.old
        return back


@renderers.dispatch_for(RenameTable)
def _render_table(autogen: AutogenContext, operation: RenameTable) -> str:
    schema = f", schema={operation.schema!r}" if operation.schema else ""
    return f"op.rename_table({operation.old!r}, {operation.table_name!r}{schema})"


@renderers.dispatch_for(RenameColumn)
def _render_column(autogen: AutogenContext, operation: RenameColumn) -> str:
    # What the column is otherwise, which MariaDB wants to be told along with the name.
    mysql = autogen.migration_context.dialect.name in ("mysql", "mariadb")
    more: dict[str, Any] = {"autoincrement": True} if mysql and operation.column.autoincrement is True else {}
    alter = ops.AlterColumnOp(
        operation.table_name,
        operation.old,
        schema=operation.schema,
        existing_type=operation.column.type,
        existing_nullable=operation.column.nullable,
        existing_server_default=operation.column.server_default,
        modify_name=operation.new,
        **more,
    )
    return str(renderers.dispatch(alter)(autogen, alter))


def rename_operations(inspector: Inspector, renames: Renames, metadata_tables: Mapping[str, Table]) -> list[Any]:
    """Return the operations that carry the renames out, to be done before all others.

    Args:
        inspector: The database as it is.
        renames: The renames.
        metadata_tables: The tables of the models, by their full names.
    """
    found: list[Any] = []
    for old, new in renames.tables.items():
        schema, bare = split_name(old, metadata_tables[new].schema)
        found.append(RenameTable(bare, metadata_tables[new].name, schema))
    for name, columns in renames.columns.items():
        table = metadata_tables[name]
        reflected = Table(
            split_name(renames.old_table(name), table.schema)[1], type(table.metadata)(), schema=table.schema
        )
        inspector.reflect_table(reflected, None, resolve_fks=False)
        for old, new in columns.items():
            column = reflected.columns[old]._copy()
            column.name = new
            found.append(RenameColumn(table.name, old, column, table.schema))
    return found


def renamed(inspector: Inspector, renames: Renames) -> Inspector:
    """Return an inspector that shows the database as it is going to be after the renames."""
    if not renames:
        return inspector
    kind: Any = type("RenamedInspector", (_Renaming, type(inspector)), {"renames": renames})
    shown = kind.__new__(kind)
    shown.__dict__.update(vars(inspector))
    return cast("Inspector", shown)


class _Renaming:
    """What an inspector answers, with the new names in it, and asked with the new names."""

    renames: Renames

    def get_table_names(self, schema: str | None = None, **options: Any) -> list[str]:
        names = super().get_table_names(schema, **options)  # type: ignore[misc]
        return [self._new_table(name, schema) for name in names]

    def has_table(self, name: str, schema: str | None = None, **options: Any) -> bool:
        return bool(super().has_table(self._old_table(name, schema), schema, **options))  # type: ignore[misc]

    def _new_table(self, name: str, schema: str | None) -> str:
        full = full_name(name, schema)
        return split_name(self.renames.tables.get(full, full), schema)[1]

    def _old_table(self, name: str, schema: str | None) -> str:
        return split_name(self.renames.old_table(full_name(name, schema)), schema)[1]

    def _shown(self, kind: str, name: str, schema: str | None, answer: Any) -> Any:
        """Return a part of an answer with the new names, for a table that has its new one already."""
        columns = self.renames.columns.get(full_name(name, schema), {})
        if isinstance(answer, list):
            return [self._shown(kind, name, schema, item) for item in answer]
        if not isinstance(answer, dict):
            return answer
        shown = dict(answer)
        if kind == "columns":
            shown["name"] = columns.get(shown["name"], shown["name"])
        for key in ("constrained_columns", "column_names", "expressions", "include_columns"):
            if shown.get(key):
                shown[key] = [columns.get(item, item) for item in shown[key]]
        if shown.get("column_sorting"):
            shown["column_sorting"] = {columns.get(item, item): how for item, how in shown["column_sorting"].items()}
        if kind == "foreign_keys":
            referred = self._new_table(shown["referred_table"], shown["referred_schema"])
            others = self.renames.columns.get(full_name(referred, shown["referred_schema"]), {})
            shown["referred_table"] = referred
            shown["referred_columns"] = [others.get(item, item) for item in shown["referred_columns"]]
        return shown


def _of_one(kind: str) -> Callable[..., Any]:
    def get(self: Any, table_name: str, schema: str | None = None, **options: Any) -> Any:
        original = getattr(super(_Renaming, self), f"get_{kind}")
        answer = original(self._old_table(table_name, schema), schema, **options)
        return self._shown(kind, table_name, schema, answer)

    return get


def _of_many(kind: str) -> Callable[..., Any]:
    def get_multi(
        self: Any, schema: str | None = None, filter_names: Collection[str] | None = None, *rest: Any, **options: Any
    ) -> Any:
        original = getattr(super(_Renaming, self), f"get_multi_{kind}")
        names = None if filter_names is None else [self._old_table(name, schema) for name in filter_names]
        found = {}
        for (owner, name), answer in original(schema, names, *rest, **options).items():
            new = self._new_table(name, owner)
            found[(owner, new)] = self._shown(kind, new, owner, answer)
        return found

    get_multi.__name__ = f"get_multi_{kind}"  # Alembic asks the dialect about a method of this name.
    return get_multi


for _kind in (
    "columns",
    "pk_constraint",
    "foreign_keys",
    "indexes",
    "unique_constraints",
    "check_constraints",
    "table_comment",
    "table_options",
):
    setattr(_Renaming, f"get_{_kind}", _of_one(_kind))
    setattr(_Renaming, f"get_multi_{_kind}", _of_many(_kind))
