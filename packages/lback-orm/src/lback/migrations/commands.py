"""The commands that apply migrations and undo them. `making_commands` has the one that writes them.

SQLAlchemy and Alembic are imported when a command runs, so that help stays quick.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lback.migrations.connecting import CommandError, connected, known_app

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lback.core.project import Project
    from lback.migrations.revisions import History, Revision


@click.command()
@click.argument("app", required=False)
@click.argument("revision", required=False)
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--sql", is_flag=True, help="Print the SQL of what would be done, and do nothing.")
@click.option("--fake", is_flag=True, help="Record the migrations as done without running them.")
@click.option(
    "--retry", is_flag=True, help="After a run that broke off on MariaDB: what stood has been undone by hand."
)
@click.pass_obj
def migrate(
    project: "Project", app: str | None, revision: str | None, only_plan: bool, sql: bool, fake: bool, retry: bool
) -> None:
    """Apply what has been written down to the database.

    With APP only its migrations, and what they need. With REVISION, its number or name, the app is moved there, forth
    or back; "zero" undoes all of it.
    """
    with connected(project) as engine:
        from lback.migrations.planning import plan
        from lback.migrations.runner import current_heads

        history = _history(project)
        label = None if app is None else known_app(project, app).label
        if only_plan or sql:
            heads = current_heads(engine)
            steps = plan(history, history.applied(heads), label, revision)
            if sql:
                from lback.migrations.sql import sql_of

                click.echo(sql_of(engine, history, steps, heads) if steps else "-- Nothing to apply.")
                return
            for step in steps:
                click.echo(f"Would {'apply' if step.upgrading else 'undo'} {step.revision}")
            if not steps:
                click.echo("Nothing to apply.")
            return
        _migrate(engine, history, label, revision, fake=fake, retry=retry)


def _migrate(
    engine: "Engine",
    history: "History",
    label: str | None = None,
    revision: str | None = None,
    *,
    fake: bool = False,
    retry: bool = False,
) -> None:
    from lback.migrations.planning import Step, plan
    from lback.migrations.runner import execute

    steps: list[Step] = []

    def planned(applied: set[str]) -> Sequence[Step]:
        steps.extend(plan(history, applied, label, revision))
        return steps

    execute(engine, history, planned, click.echo, fake=fake, retry=retry)
    applied = sum(step.upgrading for step in steps)
    counts = [(len(steps) - applied, "Undone"), (applied, "Recorded" if fake else "Applied")]
    for number, word in counts:
        if number:
            click.echo(f"{word} {number} migration{'' if number == 1 else 's'}.")
    if not steps:
        click.echo("Nothing to apply.")


@click.command("init_db")
@click.pass_obj
def init_db(project: "Project") -> None:
    """Make the tables, and the rows that every installation begins with, such as the default groups."""
    with connected(project) as engine:
        _migrate(engine, _history(project))
        from lback.models.database import DatabaseManager

        database = DatabaseManager(engine)
        for app in project.apps:
            with database.transaction() as session:
                for line in app.make_initial_data(session, project.config):
                    click.echo(line)
    click.echo("The database is ready.")


@click.command()
@click.argument("table")
@click.option("--yes", is_flag=True, help="Don't ask; for scripts.")
@click.pass_obj
def rollback(project: "Project", table: str, yes: bool) -> None:
    """Undo the last applied migration that touched TABLE."""
    with connected(project) as engine:
        from lback.migrations.runner import current_heads, downgrade

        history = _history(project)
        applied = history.applied(current_heads(engine))
        revision = _last_on(history, applied, table)
        falling = history.dependents(revision, applied)
        touched = sorted({name for fallen in falling for name in fallen.tables})
        if len(falling) > 1 or touched != [table]:
            _confirm(falling, touched, yes)
        downgrade(engine, history, falling, click.echo)
        click.echo(f"Undone: {', '.join(str(fallen) for fallen in reversed(falling))}.")


@click.command()
@click.argument("apps", nargs=-1)
@click.pass_obj
def showmigrations(project: "Project", apps: Sequence[str]) -> None:
    """List the migrations of every app, or of APPS; those with an x are applied."""
    with connected(project) as engine:
        from lback.migrations.runner import current_heads

        chosen = [known_app(project, name) for name in apps] or project.apps
        history = _history(project)
        applied = history.applied(current_heads(engine))
        for app in chosen:
            click.echo(app.label)
            for revision in history.of(app.label):
                click.echo(f"  [{'x' if revision.id in applied else ' '}] {revision.path.stem}")
            if not history.heads(app.label):
                click.echo("  (none)")


@click.command()
@click.argument("app")
@click.argument("revision")
@click.option("--backwards", is_flag=True, help="The SQL that undoes it.")
@click.pass_obj
def sqlmigrate(project: "Project", app: str, revision: str, backwards: bool) -> None:
    """Print the SQL of one migration of APP; REVISION is its number or name."""
    with connected(project) as engine:
        from lback.migrations.planning import Step, find
        from lback.migrations.sql import sql_of

        history = _history(project)
        found = find(history, known_app(project, app).label, revision)
        click.echo(sql_of(engine, history, [Step(found, not backwards)]))


def _history(project: "Project") -> "History":
    from lback.migrations.revisions import History

    return History(project.apps)


def _last_on(history: "History", applied: set[str], table: str) -> "Revision":
    """Return the last applied revision of the table's app that touched it."""
    touching = [revision for revision in history.ordered() if table in revision.tables and revision.id in applied]
    if touching:
        owner = touching[0].app
        return [revision for revision in touching if revision.app == owner][-1]
    import difflib

    known = sorted({name for revision in history.ordered() if revision.id in applied for name in revision.tables})
    near = difflib.get_close_matches(table, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" Known are: {', '.join(known) or 'none'}."
    raise CommandError(f"No applied migration touches a table {table!r}.{hint}")


def _confirm(falling: "Sequence[Revision]", touched: Sequence[str], yes: bool) -> None:
    click.echo("This undoes:")
    for revision in reversed(falling):
        click.echo(f"  {revision} (tables: {', '.join(revision.tables)})")
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(f"That touches {', '.join(touched)}. Use --yes if that is what you want.")
    click.confirm("Go on?", abort=True)
