"""What changed in the models since the last revision of each app, as operations of Alembic's."""

import warnings
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, ForeignKeyConstraint, MetaData, column, func, select, table
from sqlalchemy.exc import SAWarning

TableOperation = ops.CreateTableOp | ops.DropTableOp | ops.ModifyTableOps


@dataclass(slots=True)
class Change:
    """One revision that is to be written.

    Args:
        app: The label of the app.
        operations: What it does.
        requires: Labels of the apps whose last revision, those of this run included, it needs.
    """

    app: str
    operations: list[ops.MigrateOperation]
    requires: set[str] = field(default_factory=set)

    @property
    def tables(self) -> list[str]:
        """The tables it touches."""
        return list(dict.fromkeys(_table_name(operation) for operation in self.operations))


def comparison(connection: Connection, owners: Mapping[str, str], apps: Collection[str], empty: Collection[str]) -> Any:
    """Return the context that models and database are compared in.

    Args:
        connection: The database.
        owners: The app of each table.
        apps: The labels of the apps that are compared.
        empty: Those of them whose tables count as not there yet, as they have no revision.
    """

    def include_name(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
        if kind != "table":
            return True
        owner = owners.get(name or "")
        return owner in apps and owner not in empty

    def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        return kind != "table" or owners.get(item.fullname) in apps

    options = {"include_name": include_name, "include_object": include_object, "compare_type": True}
    return MigrationContext.configure(connection, opts={**options, "render_as_batch": True})


def changes(context: MigrationContext, metadata: MetaData, owners: Mapping[str, str]) -> list[Change]:
    """Return the revisions to write, each after those of this run that it needs.

    A foreign key to a table that only a later revision makes is taken out of its table and added afterwards; where two
    apps refer to each other, that is a second revision of one of them.
    """
    with warnings.catch_warnings():
        # What SQLAlchemy can't sort are the circles that are taken apart below.
        warnings.filterwarnings("ignore", message="Cannot correctly sort tables", category=SAWarning)
        produced = produce_migrations(context, metadata).upgrade_ops
    by_app: dict[str, list[ops.MigrateOperation]] = defaultdict(list)
    for operation in produced.ops if produced is not None else []:
        by_app[owners[_table_name(operation)]].append(operation)
    order = _order(by_app, owners)
    found = [Change(label, by_app[label]) for label in order]
    late = [extra for change in found for extra in _postponed(change, order, owners)]
    for change in (*found, *late):
        change.requires |= {owners[name] for name in _referred(change.operations) if name in owners} - {change.app}
    return [*found, *late]


def losses(connection: Connection, found: Collection[Change]) -> list[str]:
    """Return, in words, what the changes would delete that holds something."""
    lost = []
    for change in found:
        for operation in change.operations:
            if isinstance(operation, ops.DropTableOp):
                rows = connection.scalar(select(func.count()).select_from(table(operation.table_name)))
                if rows:
                    lost.append(f"the table {operation.table_name} with {_counted(rows)}")
            elif isinstance(operation, ops.ModifyTableOps):
                lost += _lost_columns(connection, operation)
    return lost


def _lost_columns(connection: Connection, operation: ops.ModifyTableOps) -> list[str]:
    lost = []
    for inner in operation.ops:
        if isinstance(inner, ops.DropColumnOp):
            dropped: Any = column(inner.column_name)
            source = table(operation.table_name, dropped)
            rows = connection.scalar(select(func.count()).select_from(source).where(dropped.is_not(None)))
            if rows:
                lost.append(f"the column {operation.table_name}.{inner.column_name} with {_counted(rows)}")
    return lost


def _counted(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows} rows"


def _table_name(operation: Any) -> str:
    name: str = getattr(operation, "table_name", None) or operation.source_table
    schema = getattr(operation, "schema", None)
    return f"{schema}.{name}" if schema else name


def _referred(operations: Collection[Any]) -> set[str]:
    """Return the tables that the operations make foreign keys to."""
    found: set[str] = set()
    for operation in operations:
        if isinstance(operation, ops.CreateTableOp):
            found |= {target for key in _foreign_keys(operation) if (target := _target(key))}
        elif isinstance(operation, ops.ModifyTableOps):
            found |= {inner.referent_table for inner in operation.ops if isinstance(inner, ops.CreateForeignKeyOp)}
    return found


def _foreign_keys(operation: ops.CreateTableOp) -> list[ForeignKeyConstraint]:
    return [item for item in operation.columns if isinstance(item, ForeignKeyConstraint)]


def _target(key: ForeignKeyConstraint) -> str:
    # The text, not the table: with a table of no app that may not be in the metadata.
    return key.elements[0].target_fullname.rpartition(".")[0]


def _order(by_app: Mapping[str, list[ops.MigrateOperation]], owners: Mapping[str, str]) -> list[str]:
    """Return the apps, each after those it refers to as far as no circle is in the way."""
    needs = {
        label: {owners[name] for name in _referred(found) if name in owners} & set(by_app) - {label}
        for label, found in by_app.items()
    }
    order: list[str] = []

    def visit(label: str, waiting: tuple[str, ...]) -> None:
        if label in order or label in waiting:
            return
        for needed in sorted(needs[label]):
            visit(needed, (*waiting, label))
        order.append(label)

    for label in by_app:
        visit(label, ())
    return order


def _postponed(change: Change, order: list[str], owners: Mapping[str, str]) -> list[Change]:
    """Take foreign keys to what is made later out of the tables of a change; return what adds them."""
    made = change.tables
    later = set(order[order.index(change.app) + 1 :])
    same_app: list[ops.MigrateOperation] = []
    other_app: list[ops.MigrateOperation] = []
    for operation in change.operations:
        if not isinstance(operation, ops.CreateTableOp):
            continue
        for key in _foreign_keys(operation):
            target = _target(key)
            own = _table_name(operation)
            if owners.get(target) in later:
                other_app.append(_added(operation, key))
            elif target in made and made.index(target) > made.index(own):
                same_app.append(_added(operation, key))
    change.operations += same_app
    return [Change(change.app, other_app)] if other_app else []


def _added(operation: ops.CreateTableOp, key: ForeignKeyConstraint) -> ops.ModifyTableOps:
    """Take a foreign key out of a new table and return the operation that adds it."""
    operation.columns = [item for item in operation.columns if item is not key]
    added = ops.CreateForeignKeyOp.from_constraint(key)
    return ops.ModifyTableOps(operation.table_name, [added], schema=operation.schema)
