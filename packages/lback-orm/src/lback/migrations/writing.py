"""Revision files: what they are called and what stands in them."""

import json
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_python_into_templatevars
from alembic.operations import ops

from lback.migrations.revisions import Revision

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

# alembic_version has room for 32 characters.
LABEL_LENGTH = 18

TEMPLATE = '''\
"""{message}"""

import sqlalchemy as sa
from alembic import op
{imports}
revision = {revision}
down_revision = {down}
branch_labels = {labels}

# Revisions of other apps that are applied before this one.
requires: list[str] = {requires}
# The tables that this revision touches.
tables: list[str] = {tables}


def upgrade() -> None:
{upgrades}


def downgrade() -> None:
{downgrades}
'''


def new_id(label: str, number: int) -> str:
    """Return the id of the revision `number` of an app; random at its end, as two people may write one at a time."""
    return f"{label[:LABEL_LENGTH]}_{number:04d}_{secrets.token_hex(3)}"


def next_number(existing: Iterable[Revision]) -> int:
    """Return the number of an app's next revision file."""
    numbers = [int(found[1]) for revision in existing if (found := re.match(r"(\d+)_", revision.path.name))]
    return max(numbers, default=0) + 1


def describe(operations: Sequence[ops.MigrateOperation], first: bool) -> str:
    """Return a few words for what a revision does."""
    if first:
        return "initial"
    operation = operations[0]
    table = getattr(operation, "table_name", "")
    if isinstance(operation, ops.ModifyTableOps):
        for inner in operation.ops:
            if isinstance(inner, ops.AddColumnOp):
                return f"add {inner.column.name} to {table}"
            if isinstance(inner, ops.DropColumnOp):
                return f"drop {inner.column_name} from {table}"
        return f"change {table}"
    return f"{'drop' if isinstance(operation, ops.DropTableOp) else 'create'} {table}"


def write_revision(
    folder: Path,
    context: "MigrationContext",
    operations: list[ops.MigrateOperation],
    *,
    label: str,
    revision_id: str,
    number: int,
    down: str | None,
    requires: Sequence[str],
    tables: Sequence[str],
    message: str,
) -> Path:
    """Write the file of a revision and return its path.

    Args:
        folder: The app's ``migrations`` folder; made if it is not there.
        context: For the dialect that types are written for.
        operations: What it does.
        label: The label of the app.
        revision_id: Its id.
        number: Its number in the app.
        down: The id it follows, or None for the first.
        requires: Ids of other apps' revisions it needs.
        tables: The tables it touches.
        message: A few words; part of the file's name.
    """
    rendered = _rendered(context, operations)
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40].strip("_") or "auto"
    content = TEMPLATE.format(
        message=message[:1].upper() + message[1:].replace("\\", "").replace('"', "'") + ".",
        imports=rendered["imports"],
        revision=json.dumps(revision_id),
        down="None" if down is None else json.dumps(down),
        labels=f"({json.dumps(label)},)" if down is None else "None",
        requires=json.dumps(list(requires)),
        tables=json.dumps(list(tables)),
        upgrades=_body(rendered["upgrades"]),
        downgrades=_body(rendered["downgrades"]),
    )
    folder.mkdir(exist_ok=True)
    package = folder / "__init__.py"
    if not package.exists():
        package.write_text('"""The migrations of this app."""\n')
    path = folder / f"{number:04d}_{slug}.py"
    with path.open("x", encoding="utf-8") as file:
        file.write(content)
    return path


def _body(rendered: str) -> str:
    """Return the statements without Alembic's remarks around them."""
    lines = [line for line in rendered.splitlines() if not line.lstrip().startswith("# ###")]
    return "\n".join(lines).strip("\n") or "    pass"


def _rendered(context: "MigrationContext", operations: list[ops.MigrateOperation]) -> dict[str, str]:
    up = ops.UpgradeOps(operations)
    script = ops.MigrationScript(rev_id=None, upgrade_ops=up, downgrade_ops=up.reverse())
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


def _rendered_item(kind: str, item: Any, autogen: AutogenContext) -> str | bool:
    """Import the module of a column type that is neither SQLAlchemy's nor a dialect's."""
    module = type(item).__module__
    if kind == "type" and not module.startswith("sqlalchemy."):
        autogen.imports.add(f"import {module}")
        return f"{module}.{item!r}"
    return False
