"""Revision files: what they are called and what stands in them."""

import json
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.operations import ops

from lback.migrations.renames import RenameColumn, RenameTable
from lback.migrations.rendering import rendered
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
    for operation in operations:
        table = getattr(operation, "table_name", "")
        if isinstance(operation, RenameTable):
            return f"rename {operation.old} to {table}"
        if isinstance(operation, RenameColumn):
            return f"rename {operation.old} to {operation.new} in {table}"
        if isinstance(operation, ops.CreateTableOp):
            return f"create {table}"
        if isinstance(operation, ops.DropTableOp):
            return f"drop {table}"
        if isinstance(operation, ops.ModifyTableOps):
            return _describe_steps(operation.ops, table)
    return f"change {getattr(operations[0], 'table_name', '')}"


def _describe_steps(steps: Sequence[ops.MigrateOperation], table: str) -> str:
    for step in steps:
        if isinstance(step, ops.AddColumnOp):
            return f"add {step.column.name} to {table}"
        if isinstance(step, ops.DropColumnOp):
            return f"drop {step.column_name} from {table}"
    return f"change {table}"


def write_revision(
    folder: Path,
    context: "MigrationContext | None",
    operations: list[ops.MigrateOperation],
    *,
    label: str,
    revision_id: str,
    number: int,
    down: Sequence[str],
    requires: Sequence[str],
    tables: Sequence[str],
    message: str,
) -> Path:
    """Write the file of a revision and return its path.

    Args:
        folder: The app's ``migrations`` folder; made if it is not there.
        context: For the dialect that types are written for; not needed without operations.
        operations: What it does.
        label: The label of the app.
        revision_id: Its id.
        number: Its number in the app.
        down: The ids it follows; none for the first, several for one that joins them.
        requires: Ids of other apps' revisions it needs.
        tables: The tables it touches.
        message: A few words; part of the file's name.
    """
    code = (
        rendered(context, operations)
        if context is not None
        else dict.fromkeys(("imports", "upgrades", "downgrades"), "")
    )
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40].strip("_") or "auto"
    content = TEMPLATE.format(
        message=message[:1].upper() + message[1:].replace("\\", "").replace('"', "'") + ".",
        imports=code["imports"],
        revision=json.dumps(revision_id),
        down=_down(down),
        labels="None" if down else f"({json.dumps(label)},)",
        requires=json.dumps(list(requires)),
        tables=json.dumps(list(tables)),
        upgrades=_body(code["upgrades"]),
        downgrades=_body(code["downgrades"]),
    )
    folder.mkdir(exist_ok=True)
    package = folder / "__init__.py"
    if not package.exists():
        package.write_text('"""The migrations of this app."""\n')
    path = folder / f"{number:04d}_{slug}.py"
    with path.open("x", encoding="utf-8") as file:
        file.write(content)
    return path


def _down(ids: Sequence[str]) -> str:
    if len(ids) < 2:
        return json.dumps(ids[0]) if ids else "None"
    return f"({', '.join(json.dumps(found) for found in ids)})"


def _body(code: str) -> str:
    """Return the statements without Alembic's remarks around them."""
    lines = [line for line in code.splitlines() if not line.lstrip().startswith("# ###")]
    return "\n".join(lines).strip("\n") or "    pass"
