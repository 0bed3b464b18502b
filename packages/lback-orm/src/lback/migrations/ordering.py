"""Which operations come into which revision, and in which order.

A foreign key wants both of its tables: it is made after the table it refers to, and gone before that table goes. Where
tables refer to each other in a circle, the key is made, or taken away, by an operation of its own.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.operations import ops
from sqlalchemy import ForeignKeyConstraint

from lback.migrations.enums import CreateEnum, DropEnum
from lback.migrations.naming import full_name, table_name
from lback.migrations.renames import RenameColumn, RenameTable
from lback.migrations.retyping import LateKeys, retyped_columns


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
        named = [operation for operation in self.operations if getattr(operation, "table_name", None)]
        return list(dict.fromkeys(table_name(operation) for operation in named))

    @property
    def changes_names(self) -> bool:
        """Whether something goes, or gets another name, that other apps may have referred to."""
        return any(isinstance(found, (ops.DropTableOp, RenameTable, RenameColumn)) for found in self.operations)


def arranged(operations: Iterable[ops.MigrateOperation], owners: Mapping[str, str]) -> list[Change]:
    """Return the revisions to write, each after those of this run that it needs.

    An app gets one, and a second one where what it makes or drops is in a circle with another app's.

    Args:
        operations: What changed, each about one table.
        owners: The app of each table.
    """
    by_app: dict[str, list[ops.MigrateOperation]] = defaultdict(list)
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            operation.ops = sorted(operation.ops, key=_rank)
        by_app[owners[table_name(operation)]].append(operation)
    keys = {label: _taken(by_app[label], LateKeys) for label in by_app}
    order = _order(by_app, owners)
    main = [Change(label, by_app[label]) for label in order]
    late = [
        extra for change in main for extra in (_late_keys(change, order, owners), _late_drops(change, main)) if extra
    ]
    for change in main:
        made_again = keys[change.app]
        if _referred(made_again) & {
            name for other in main if other is not change for name in _retyped(other.operations)
        }:
            late.append(Change(change.app, made_again))
        else:
            change.operations += made_again
    for change in (*main, *late):
        _arrange_drops(change)
    for change in (*main, *late):
        needed = {owners[name] for name in _referred(change.operations) if name in owners}
        needed |= _releasing(main, _going(change.operations)) | _type_makers(main, change.operations)
        change.requires = needed - {change.app}
    return [*main, *late]


def _rank(operation: ops.MigrateOperation) -> int:
    """Return the place of a step among those on one table; the way back has them the other way round."""
    if isinstance(operation, ops.DropConstraintOp) and operation.constraint_type == "foreignkey":
        return 0
    if isinstance(operation, (ops.DropConstraintOp, ops.DropIndexOp)):
        return 1
    if isinstance(operation, ops.CreateForeignKeyOp):
        return 4
    if isinstance(operation, (ops.AddConstraintOp, ops.CreateIndexOp)):
        return 3
    return 2


def _made(operations: Iterable[ops.MigrateOperation]) -> list[str]:
    """Return the tables that are not there, or not under that name, before the operations."""
    return [table_name(found) for found in operations if isinstance(found, (ops.CreateTableOp, RenameTable))]


def _dropped(operations: Iterable[ops.MigrateOperation]) -> set[str]:
    return {table_name(found) for found in operations if isinstance(found, ops.DropTableOp)}


def _retyped(operations: Iterable[Any]) -> set[str]:
    return {table_name(found) for found in operations if retyped_columns(found)}


def _going(operations: list[Any]) -> set[str]:
    """Return the tables to which no foreign key may be left, as they go or a column of theirs gets another type."""
    return _dropped(operations) | _retyped(operations)


def _taken(operations: list[Any], kind: type) -> list[Any]:
    """Take the operations of a kind out of a list and return them."""
    taken = [found for found in operations if isinstance(found, kind)]
    operations[:] = [found for found in operations if not isinstance(found, kind)]
    return taken


def _referred(operations: Collection[Any]) -> set[str]:
    """Return the tables that the operations make foreign keys to."""
    found: set[str] = set()
    for operation in operations:
        if isinstance(operation, ops.CreateTableOp):
            found |= {_target(key) for key in _foreign_keys(operation.columns)}
        elif isinstance(operation, ops.ModifyTableOps):
            found |= {_referent(inner) for inner in operation.ops if isinstance(inner, ops.CreateForeignKeyOp)}
    return found


def _released(operation: Any) -> set[str]:
    """Return the other tables that an operation takes a foreign key to away."""
    if isinstance(operation, ops.DropTableOp):
        return {_target(key) for key in _old_keys(operation)} - {table_name(operation)}
    if isinstance(operation, ops.ModifyTableOps):
        back = [
            inner.reverse() for inner in operation.ops if isinstance(inner, ops.DropConstraintOp) and inner._reverse
        ]
        return {_referent(inner) for inner in back if isinstance(inner, ops.CreateForeignKeyOp)}
    return set()


def _releasing(changes: Iterable[Change], tables: set[str]) -> set[str]:
    """Return the apps that take foreign keys to some tables away."""
    return {change.app for change in changes for found in change.operations if _released(found) & tables}


def _type_makers(changes: Iterable[Change], operations: Iterable[ops.MigrateOperation]) -> set[str]:
    """Return the apps that make enum types which tables among the operations have."""
    tables = {table_name(found) for found in operations}
    return {
        change.app
        for change in changes
        for found in change.operations
        if isinstance(found, CreateEnum) and found.users & tables
    }


def _foreign_keys(columns: Iterable[Any]) -> list[ForeignKeyConstraint]:
    return [item for item in columns if isinstance(item, ForeignKeyConstraint)]


def _old_keys(operation: ops.DropTableOp) -> list[ForeignKeyConstraint]:
    return _foreign_keys(operation._reverse.columns) if operation._reverse else []


def _target(key: ForeignKeyConstraint) -> str:
    # The text, not the table: with a table of no app that may not be in the metadata.
    return key.elements[0].target_fullname.rpartition(".")[0]


def _referent(operation: ops.CreateForeignKeyOp) -> str:
    return full_name(operation.referent_table, operation.kw.get("referent_schema"))


def _order(by_app: Mapping[str, list[ops.MigrateOperation]], owners: Mapping[str, str]) -> list[str]:
    """Return the apps, each after those it waits for as far as no circle is in the way."""
    made = {name for found in by_app.values() for name in _made(found)}
    changes = [Change(label, found) for label, found in by_app.items()]
    needs = {
        change.app: {owners[name] for name in _referred(change.operations) & made if name in owners}
        | _releasing(changes, _going(change.operations))
        | _type_makers(changes, change.operations)
        for change in changes
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


def _late_keys(change: Change, order: Sequence[str], owners: Mapping[str, str]) -> Change | None:
    """Take foreign keys to tables that are made later out of those of a change; return what adds them."""
    made = _made(change.operations)
    later = set(order[order.index(change.app) + 1 :])
    other_app: list[ops.MigrateOperation] = []
    same_app: list[ops.MigrateOperation] = []
    for operation in change.operations:
        if not isinstance(operation, ops.CreateTableOp):
            continue
        for key in _foreign_keys(operation.columns):
            target = _target(key)
            if owners.get(target) in later:
                other_app.append(_taken_out(operation, key))
            elif target in made and made.index(target) > made.index(table_name(operation)):
                same_app.append(_taken_out(operation, key))
    change.operations += same_app
    return Change(change.app, other_app) if other_app else None


def _taken_out(operation: ops.CreateTableOp, key: ForeignKeyConstraint) -> ops.ModifyTableOps:
    """Take a foreign key out of a new table and return the operation that adds it."""
    operation.columns = [item for item in operation.columns if item is not key]
    added = ops.CreateForeignKeyOp.from_constraint(key)
    return ops.ModifyTableOps(operation.table_name, [added], schema=operation.schema)


def _late_drops(change: Change, main: Sequence[Change]) -> Change | None:
    """Move the drops out of a change that only later ones make possible; return the change that does them."""
    later = main[main.index(change) + 1 :]
    late = {name for name in _dropped(change.operations) if _releasing(later, {name})}
    if not late:
        return None
    moved = [found for found in change.operations if table_name(found) in late]
    change.operations = [found for found in change.operations if found not in moved]
    going = {name for other in main for name in _dropped(other.operations)}
    for operation in moved:
        if isinstance(operation, ops.DropTableOp):
            change.operations += [_freed(operation, key) for key in _old_keys(operation) if _target(key) in going]
    return Change(change.app, moved)


def _freed(operation: ops.DropTableOp, key: ForeignKeyConstraint) -> ops.ModifyTableOps:
    """Take a foreign key out of a table that is dropped and return the operation that drops it before."""
    table: Any = operation._reverse
    table.columns = [item for item in table.columns if item is not key]
    dropped = ops.DropConstraintOp.from_constraint(key)
    return ops.ModifyTableOps(operation.table_name, [dropped], schema=operation.schema)


def _arrange_drops(change: Change) -> None:
    """Put the drops last, each after those of the tables that refer to it, circles taken apart before."""
    drops = {table_name(found): found for found in change.operations if isinstance(found, ops.DropTableOp)}
    order: list[ops.MigrateOperation] = []
    freed: list[ops.MigrateOperation] = []

    def visit(name: str, waiting: tuple[str, ...]) -> None:
        for other, operation in drops.items():
            if other == name or operation in order or name not in _released(operation):
                continue
            if other in waiting:
                freed.extend(_freed(operation, key) for key in _old_keys(operation) if _target(key) == name)
            else:
                visit(other, (*waiting, name))
        if drops[name] not in order:
            order.append(drops[name])

    for name in drops:
        visit(name, ())
    # Types are there before the columns that have them, and until after.
    types = [found for found in change.operations if isinstance(found, DropEnum)]
    others = [found for found in change.operations if not isinstance(found, (ops.DropTableOp, DropEnum))]
    change.operations = [*others, *freed, *order, *types]
