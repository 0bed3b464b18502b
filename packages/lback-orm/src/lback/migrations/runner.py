"""Applying revisions and undoing them.

Each revision is a transaction of its own, together with its row in ``alembic_version``: where the database can undo
changes of its schema (SQLite and PostgreSQL), one that fails half-way leaves nothing behind. Where it can't, the
`journal` tells what stands.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from lback.core.exceptions import LbackError
from lback.migrations import journal
from lback.migrations.locking import Report, locked
from lback.migrations.planning import Step
from lback.migrations.revisions import History, Revision

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext


class MigrationError(LbackError):
    """A migration could not be applied or undone; the message says what stands now."""


def upgrade(engine: Engine, history: History, targets: Sequence[Revision] | None = None, report: Report = print) -> int:
    """Apply what has not been applied yet, and return how many revisions that were.

    Args:
        engine: The database.
        history: The revisions.
        targets: Where to arrive; everything unless given.
        report: Is given a line for each step.

    Raises:
        MigrationError: A revision failed. Those before it stay applied.
    """
    return execute(engine, history, lambda applied: [Step(r, True) for r in history.ordered(targets)], report)


def downgrade(engine: Engine, history: History, revisions: Sequence[Revision], report: Report = print) -> int:
    """Undo revisions, the last one first, and return how many that were.

    Args:
        engine: The database.
        history: All revisions.
        revisions: Those to undo, in the order they were applied.
        report: Is given a line for each step.

    Raises:
        MigrationError: One could not be undone. Those undone before stay undone.
    """

    def planned(applied: set[str]) -> list[Step]:
        going = {revision.id for revision in revisions}
        for revision in revisions:
            others = [str(other) for other in history.dependents(revision, applied) if other.id not in going]
            if others:
                raise MigrationError(
                    f"{others[0]} was applied in the meantime and needs {revision}. Nothing was undone."
                )
        return [Step(revision, False) for revision in reversed(revisions)]

    return execute(engine, history, planned, report)


def execute(
    engine: Engine,
    history: History,
    planned: Callable[[set[str]], Sequence[Step]],
    report: Report,
    *,
    fake: bool = False,
    retry: bool = False,
) -> int:
    """Carry a plan out while no other process migrates the database; return how many of its steps were done.

    Args:
        engine: The database.
        history: All revisions.
        planned: Makes the plan from the ids of the revisions that are applied.
        report: Is given a line for each step.
        fake: Whether the steps are only recorded as done.
        retry: Whether to go on after a run that left something standing on a database that can't roll back.

    Raises:
        MigrationError: A step failed, or an earlier run left something standing. The steps before stay done.
    """
    with locked(engine, report) as connection:
        remains = journal.left(connection)
        # Refuses a database with revisions that are not at hand, also when there is nothing to apply.
        applied = history.applied(migration_context(connection).get_current_heads())
        connection.rollback()
        if remains and not (fake or retry):
            raise MigrationError(_cut_off(history, remains))
        steps = planned(applied)
        if remains:
            journal.forget(connection)
        done = [step for step in steps if _step(connection, history, step, report, fake=fake)]
        if done:
            journal.forget(connection)
        return len(done)


def current_heads(engine: Engine) -> tuple[str, ...]:
    """Return the rows of ``alembic_version``; none where that table is not there yet."""
    with engine.connect() as connection:
        return migration_context(connection).get_current_heads()


def _step(connection: Connection, history: History, step: Step, report: Report, *, fake: bool) -> bool:
    """Do one step, unless that has been done by now; return whether it was done here."""
    with _foreign_keys_off(connection), _reported(connection, step), connection.begin():
        applied = step.revision.id in history.applied(migration_context(connection).get_current_heads())
        if applied is step.upgrading:
            return False
        report(f"{'Recording' if fake else 'Applying' if step.upgrading else 'Undoing'} {step.revision}")
        with journal.noted(connection, step.revision, upgrading=step.upgrading):
            run_step(migration_context, connection, history, step, fake=fake)
        _check_foreign_keys(connection)
    return True


def run_step(
    configure: Callable[..., "MigrationContext"], connection: Any, history: History, *steps: Step, fake: bool = False
) -> None:
    """Have Alembic do steps, and record them.

    Left to find its way to a target itself, it would also take neighbours along.
    """
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationStep

    def chosen(heads: Any, context: Any) -> Iterator[Any]:
        for step in steps:
            make = MigrationStep.upgrade_from_script if step.upgrading else MigrationStep.downgrade_from_script
            found: Any = make(history.revision_map, step.revision.script)  # type: ignore[arg-type]
            if fake:
                found.migration_fn = lambda **options: None
            yield found

    context = configure(connection, fn=chosen)
    with Operations.context(context):
        context.run_migrations()


def migration_context(connection: Connection, **options: Any) -> "MigrationContext":
    """Return Alembic's view of a connection."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection, opts=options)


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Switch SQLite's foreign keys off around a revision.

    Changing a table there means making it anew and dropping the old one, and with foreign keys on the drop would delete
    the rows that refer to it. The switch does nothing inside a transaction, so it is turned before one begins.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise LookupError(f"A row of the table {broken[0]} would refer to a row of {broken[2]} that does not exist")


@contextmanager
def _reported(connection: Connection, step: Step) -> Iterator[None]:
    """Have what goes wrong in a step, its commit included, be told with what stands now."""
    try:
        yield
    except Exception as error:
        raise MigrationError(_failure(connection, step, error)) from error


def _failure(connection: Connection, step: Step, error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    reason = next((line for line in str(original).splitlines() if line.strip()), type(original).__name__)
    what = f"{step.revision} could not be {'applied' if step.upgrading else 'undone'}: {reason.rstrip('.')}."
    stands = _standing(connection, step, error)
    if stands:
        return f"{what} {connection.dialect.name} can't roll changes of a schema back. {stands}"
    return f"{what} Nothing of it stands. Mend {step.revision.path} and run the command again."


def _standing(connection: Connection, step: Step, error: Exception) -> str:
    """Return what stands of a step that failed and what to do, or nothing if nothing does."""
    if not journal.is_kept(connection):
        return ""
    try:
        entries = [entry for entry in journal.left(connection) if entry.done]
        # The statement that failed does not stand, and what stands is told by the next run too.
        journal.drop_open(connection)
    except DBAPIError:
        return "What stands of it is told by the next run, once the database answers again."
    if not entries:
        journal.forget(connection)
        return ""
    failed = getattr(error, "statement", None)
    at = f" It failed at `{' '.join(str(failed).split())}`." if failed else ""
    return f"{journal.described(entries)}{at} {_advice(step.revision, step.upgrading)}"


def _cut_off(history: History, entries: list[journal.Entry]) -> str:
    first = entries[0]
    revision = history.revisions.get(first.revision)
    word = "applied" if first.upgrading else "undone"
    return (
        f"An earlier run ended while {revision or first.revision} was being {word}, and this database can't roll "
        f"changes of a schema back. {journal.described(entries)} {_advice(revision, first.upgrading)}"
    )


def _advice(revision: Revision | None, upgrading: bool) -> str:
    if revision is None:
        return "Undo them by hand and run migrate --retry."
    back = "" if upgrading else " --backwards"
    command = f"sqlmigrate {revision.app} {revision.path.stem}{back}"
    if upgrading:
        record = f"migrate {revision.app} {revision.path.stem} --fake"
    else:
        before = revision.down[0] if revision.down else "zero"
        record = f"migrate {revision.app} {before} --fake"
    return (
        f"Either undo them by hand and run migrate --retry, or carry out by hand what is missing ({command} shows all) "
        f"and run {record}."
    )
