"""The SQL of migrations, for those who read it before or run it themselves."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.pool import StaticPool

from lback.migrations.planning import Step
from lback.migrations.revisions import History
from lback.migrations.runner import migration_context, run_step, upgrade

# A head that is never stepped on: with one, Alembic takes the table of versions for made.
SOME_HEAD = "-"
LEFT_OUT = ("SELECT", "PRAGMA", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def sql_of(engine: Engine, history: History, steps: Sequence[Step], heads: Iterable[str] | None = None) -> str:
    """Return the SQL of one or several steps, each a transaction as far as the database knows such for schemas.

    Nothing is changed. SQLite's depends on what the tables look like, so it comes from a run on an empty database in
    memory; what a revision makes of rows that it reads is not in it.

    Args:
        engine: The database the SQL is for.
        history: All revisions.
        steps: What is to be done.
        heads: The rows of ``alembic_version`` before; unless given, those that the first step needs.
    """
    if engine.dialect.name == "sqlite":
        return _sqlite(history, steps, with_versions=heads is not None and not _has_versions(engine))
    start = list(heads if heads is not None else _heads_before(steps[0]))
    if not start and (heads is None or _has_versions(engine)):
        start = [SOME_HEAD]
    buffer = io.StringIO()

    def configure(connection: Any, **options: Any) -> Any:
        from alembic.runtime.migration import MigrationContext

        known = {
            "as_sql": True,
            "output_buffer": buffer,
            "starting_rev": start,
            "transaction_per_migration": True,
            "literal_binds": True,
        }
        return MigrationContext.configure(dialect=engine.dialect, opts={**known, **options})

    run_step(configure, None, history, *steps)
    return buffer.getvalue().strip()


def _heads_before(step: Step) -> Iterable[str]:
    return step.revision.down if step.upgrading else (step.revision.id,)


def _has_versions(engine: Engine) -> bool:
    return inspect(engine).has_table("alembic_version")


def _sqlite(history: History, steps: Sequence[Step], *, with_versions: bool) -> str:
    scratch = create_engine("sqlite://", poolclass=StaticPool)
    try:
        before = _before(history, steps)
        upgrade(scratch, history, before, report=lambda line: None) if before else None
        parts = []
        with scratch.connect() as connection:
            if not with_versions:
                migration_context(connection)._ensure_version_table()
            driver: Any = connection.connection.dbapi_connection
            for step in steps:
                said: list[str] = []
                driver.set_trace_callback(said.append)
                run_step(migration_context, connection, history, step)
                driver.set_trace_callback(None)
                parts.append(f"-- {'Apply' if step.upgrading else 'Undo'} {step.revision}")
                kept = [line.strip() for line in said if not line.lstrip().upper().startswith(LEFT_OUT)]
                parts += ["PRAGMA foreign_keys = OFF;", "BEGIN;", *(f"{line};" for line in kept)]
                parts += ["COMMIT;", "PRAGMA foreign_keys = ON;", ""]
            connection.rollback()
        return "\n".join(parts).strip()
    finally:
        scratch.dispose()


def _before(history: History, steps: Sequence[Step]) -> list[Any]:
    """Return the revisions that are applied before the steps."""
    coming = {step.revision.id for step in steps if step.upgrading}
    going = {step.revision.id for step in steps if not step.upgrading}
    needed = {found.id for found in history.ordered([step.revision for step in steps])}
    return [found for found in history.ordered() if found.id in needed | going and found.id not in coming]
