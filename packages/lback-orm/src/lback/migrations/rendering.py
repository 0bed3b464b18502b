"""Operations and types as the code that stands in a revision."""

import sys
from collections.abc import Iterable
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_python_into_templatevars, _repr_type
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import types
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.types import TypeDecorator

from lback.migrations import checks, enums
from lback.migrations.autogenerate import CreateSchema
from lback.migrations.fills import Nothing
from lback.migrations.naming import table_name
from lback.migrations.retyping import CastColumn

DIALECTS = {"postgresql": postgresql.dialect, "mysql": mysql.dialect, "sqlite": sqlite.dialect}


def rendered(context: MigrationContext, operations: list[ops.MigrateOperation]) -> dict[str, str]:
    """Return the code of operations: ``upgrades``, ``downgrades`` and the ``imports`` they need."""
    up = ops.UpgradeOps(operations)
    down = up.reverse()
    dialect: Any = context.dialect
    for way in (up, down):
        way.ops = list(_needed(way.ops))
        if getattr(dialect, "is_mariadb", False):
            _drop_indexes_of_keys(way.ops)
    script = ops.MigrationScript(rev_id=None, upgrade_ops=up, downgrade_ops=down)
    # Batches: elsewhere plain ALTER statements, on SQLite the table made anew.
    options = {
        "sqlalchemy_module_prefix": "sa.",
        "alembic_module_prefix": "op.",
        "user_module_prefix": None,
        "render_as_batch": True,
        "render_item": _rendered_item,
    }
    autogen = AutogenContext(context, opts=options)
    variables: dict[str, Any] = {}
    _render_python_into_templatevars(autogen, script, variables)
    imports = "\n".join(sorted(autogen.imports))
    return {**variables, "imports": f"{imports}\n" if imports else ""}


def _needed(operations: Iterable[Any]) -> Iterable[Any]:
    """Leave out what does nothing, and dropping the indexes of a table that is dropped.

    With the table they go by themselves, and before it MariaDB refuses to drop those that a foreign key uses.
    """
    operations = list(operations)
    dropped = {table_name(operation) for operation in operations if isinstance(operation, ops.DropTableOp)}
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            going = table_name(operation) in dropped
            operation.ops = [
                inner
                for inner in operation.ops
                if not isinstance(inner, Nothing) and not (going and isinstance(inner, ops.DropIndexOp))
            ]
            if not operation.ops:
                continue
        if not isinstance(operation, Nothing):
            yield operation


def _drop_indexes_of_keys(operations: Iterable[Any]) -> None:
    """Drop with each foreign key the index that MariaDB has made for it, and would keep."""
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            steps: list[Any] = []
            for step in operation.ops:
                steps.append(step)
                if isinstance(step, ops.DropConstraintOp) and step.constraint_type == "foreignkey":
                    name: Any = step.constraint_name
                    index = ops.DropIndexOp(name, operation.table_name, schema=operation.schema, if_exists=True)
                    steps.append(index)
            operation.ops = steps


@renderers.dispatch_for(CastColumn)
def _render_cast(autogen: AutogenContext, operation: CastColumn) -> str:
    plain = ops.AlterColumnOp.__new__(ops.AlterColumnOp)
    plain.__dict__.update(operation.__dict__)
    code = str(renderers.dispatch(plain)(autogen, plain))
    return f"{code.removesuffix(')')},\n           postgresql_using={operation.kw['postgresql_using']!r})"


@renderers.dispatch_for(CreateSchema)
def _render_schema(autogen: AutogenContext, operation: CreateSchema) -> str:
    return f"op.execute(sa.schema.CreateSchema({operation.schema!r}, if_not_exists=True))"


def _rendered_item(kind: str, item: Any, autogen: AutogenContext) -> str | bool:
    """Write the types that Alembic has no code for: those of the project, and enums."""
    if kind != "type":
        return False
    if enums.is_named(item):
        return enums.rendered(item, autogen)
    if isinstance(item, TypeDecorator):
        return _decorated(item, autogen)
    if (plain := checks.without_check(item)) is not item:
        return _repr_type(plain, autogen)
    module = type(item).__module__
    if not module.startswith("sqlalchemy."):
        autogen.imports.add(f"import {module}")
        outer = type(item).__qualname__.removesuffix(type(item).__name__)
        return f"{module}.{outer}{item!r}"
    return False


def _public(kind: Any) -> Any:
    """Return a type as one that can be imported from SQLAlchemy: dialects have some of their own behind those."""
    for found in type(kind).__mro__:
        place = sys.modules.get(".".join(found.__module__.split(".")[:3]))
        if getattr(place if "dialects" in found.__module__ else types, found.__name__, None) is found:
            return kind if found is type(kind) else kind.adapt(found)
    return kind


def _decorated(item: TypeDecorator[Any], autogen: AutogenContext) -> str:
    """Write what a type of the project is in the database: for that alone a revision needs it.

    So it also works once the project's class takes other arguments, or is gone.
    """
    code = _repr_type(item.impl_instance, autogen)
    for name, dialect in DIALECTS.items():
        there = _public(item.load_dialect_impl(dialect()))
        if there is not item.impl_instance and repr(there) != repr(item.impl_instance):
            code += f".with_variant({_repr_type(there, autogen)}, {name!r})"
    return code
