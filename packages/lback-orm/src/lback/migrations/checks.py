"""Check constraints, each by its name on the table, wherever the models have them.

Those of a single column, and those that a type brings along (``create_constraint=True``), have no name of their own in
what Alembic writes, so that they could be neither compared nor dropped.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from alembic.operations import ops
from alembic.util.sqla_compat import _get_constraint_final_name, _is_type_bound
from sqlalchemy import Boolean, CheckConstraint, Column, Dialect, Enum
from sqlalchemy.sql.elements import conv


def is_made(constraint: Any, dialect: Dialect) -> bool:
    """Tell whether a database gets a constraint: what a type brings along is for those without that type."""
    rule = getattr(constraint, "_create_rule", None)
    compiler: Any = dialect.ddl_compiler
    return rule is None or bool(rule(compiler(dialect, None)))


def spell_out(found: Iterable[Any], dialect: Dialect) -> None:
    """Put all checks of new tables among the constraints of the table."""
    for operation in found:
        if isinstance(operation, ops.CreateTableOp):
            operation.columns = list(_spelled_out(operation.columns, dialect))


def _spelled_out(items: Iterable[Any], dialect: Dialect) -> Iterator[Any]:
    for item in items:
        if isinstance(item, CheckConstraint) and _is_type_bound(item):
            if is_made(item, dialect):
                yield _plain(item, dialect)
            continue
        yield item
        if isinstance(item, Column):
            yield from (_plain(held, dialect) for held in item.constraints if isinstance(held, CheckConstraint))


def _plain(constraint: CheckConstraint, dialect: Dialect) -> CheckConstraint:
    name = _get_constraint_final_name(constraint, dialect)
    return CheckConstraint(constraint.sqltext, name=None if name is None else conv(name))


def without_check(kind: Any) -> Any:
    """Return a type as it is without the check that it would bring along."""
    if isinstance(kind, (Enum, Boolean)) and kind.create_constraint:
        kind = kind.copy()  # type: ignore[no-untyped-call]
        kind.create_constraint = False
    return kind
