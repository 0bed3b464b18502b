"""Applying revisions and undoing them.

Each revision is a transaction of its own, together with its row in ``alembic_version``: where the database can undo
changes of its schema (SQLite and PostgreSQL), one that fails half-way leaves nothing behind.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, text

from lback.core.exceptions import LbackError
from lback.migrations.revisions import History, Revision
from lback.models.engines import IMMEDIATE

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

Report = Callable[[str], object]

LOCK_NAME = "lback_migrate"
LOCK_NUMBER = int.from_bytes(hashlib.sha256(LOCK_NAME.encode()).digest()[:8], "big", signed=True)
# How long SQLite waits for another process that migrates, in milliseconds.
SQLITE_PATIENCE = 600_000


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
    done = 0
    with locked(engine):
        # Refuses a database with revisions that are not at hand, also when there is nothing to apply.
        history.applied(current_heads(engine))
        for revision in history.ordered(targets):
            if _step(engine, history, revision, upgrading=True, report=report):
                done += 1
    return done


def downgrade(engine: Engine, history: History, revisions: Sequence[Revision], report: Report = print) -> None:
    """Undo revisions, the last one first.

    Args:
        engine: The database.
        history: All revisions.
        revisions: Those to undo, in the order they were applied.
        report: Is given a line for each step.

    Raises:
        MigrationError: One could not be undone. Those undone before stay undone.
    """
    with locked(engine):
        for revision in reversed(revisions):
            _step(engine, history, revision, upgrading=False, report=report)


def current_heads(engine: Engine) -> tuple[str, ...]:
    """Return the rows of ``alembic_version``; none where that table is not there yet."""
    with engine.connect() as connection:
        return migration_context(connection).get_current_heads()


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Keep other processes from migrating the same database meanwhile; they wait.

    SQLite needs no lock beside that of its transactions: a revision begins by looking whether it is applied by now.
    """
    kind = engine.dialect.name
    if kind == "sqlite":
        yield
        return
    with engine.connect() as connection:
        if kind == "postgresql":
            take, give = "SELECT pg_advisory_lock(:number)", "SELECT pg_advisory_unlock(:number)"
        else:
            take, give = "SELECT GET_LOCK(:name, 86400)", "SELECT RELEASE_LOCK(:name)"
        values = {"number": LOCK_NUMBER} if kind == "postgresql" else {"name": LOCK_NAME}
        connection.execute(text(take), values)
        # The lock belongs to the connection, and an open transaction would hold other locks beside it.
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text(give), values)
            connection.commit()


def _step(engine: Engine, history: History, revision: Revision, *, upgrading: bool, report: Report) -> bool:
    """Apply or undo one revision, unless that has been done by now; return whether it was done here."""
    immediate = engine.execution_options(**{IMMEDIATE: True})
    with immediate.connect() as connection, _foreign_keys_off(connection), connection.begin():
        applied = revision.id in history.applied(migration_context(connection).get_current_heads())
        if applied is upgrading:
            return False
        report(f"{'Applying' if upgrading else 'Undoing'} {revision}")
        try:
            _run(connection, history, revision, upgrading=upgrading)
            _check_foreign_keys(connection)
        except Exception as error:
            raise MigrationError(_failure(engine, revision, upgrading, error)) from error
    return True


def _run(connection: Connection, history: History, revision: Revision, *, upgrading: bool) -> None:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationStep

    revision_map = history.revision_map
    make = MigrationStep.upgrade_from_script if upgrading else MigrationStep.downgrade_from_script
    # One explicit step: left to find its way to a target, Alembic would also take neighbours along.
    context = migration_context(connection, fn=lambda heads, context: [make(revision_map, revision.script)])  # type: ignore[arg-type]
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
    patience = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    driver.execute("PRAGMA foreign_keys = OFF")
    driver.execute(f"PRAGMA busy_timeout = {SQLITE_PATIENCE}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {patience}")
        driver.execute("PRAGMA foreign_keys = ON")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise LookupError(f"A row of the table {broken[0]} would refer to a row of {broken[2]} that does not exist")


def _failure(engine: Engine, revision: Revision, upgrading: bool, error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    what = f"{revision} could not be {'applied' if upgrading else 'undone'}: {str(original).splitlines()[0]}."
    if engine.dialect.name in ("sqlite", "postgresql"):
        return f"{what} Nothing of it stands. Mend {revision.path} and run the command again."
    return (
        f"{what} {engine.dialect.name} can't undo changes of a schema: the steps of {revision.path} before the failing "
        "one stand. Undo them by hand, or mend the file so that it begins with the failing one, and run it again."
    )
