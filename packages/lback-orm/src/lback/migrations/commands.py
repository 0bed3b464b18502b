"""The commands of migrations. SQLAlchemy and Alembic are imported when one runs, so that help stays quick."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from lback.core.exceptions import LbackError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lback.core.apps import App
    from lback.core.project import Project
    from lback.migrations.revisions import History, Revision


class CommandError(LbackError):
    """A command can't do what it was asked for; the message says why and what to do."""


@click.command()
@click.argument("apps", nargs=-1)
@click.option("-m", "--message", default="", help="A few words for the new migrations.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when something changed.")
@click.option("--allow-data-loss", is_flag=True, help="Also drop tables and columns that hold something.")
@click.pass_obj
def makemigrations(project: "Project", apps: Sequence[str], message: str, check: bool, allow_data_loss: bool) -> None:
    """Write down what changed in your models."""
    with connected(project) as engine:
        from lback.migrations.making import Maker

        maker = Maker(engine, project.apps, _chosen(project, apps))
        if check:
            changed = maker.pending()
            if changed:
                raise CommandError(f"The models of {', '.join(changed)} changed; run makemigrations.")
            click.echo("No changes detected.")
            return
        paths = maker.make(message, allow_data_loss)
        for path in paths:
            click.echo(f"Wrote {_shown(project, path)}")
        if not paths:
            click.echo("No changes detected.")


@click.command()
@click.argument("app", required=False)
@click.option("--plan", is_flag=True, help="Show what would be applied, and apply nothing.")
@click.pass_obj
def migrate(project: "Project", app: str | None, plan: bool) -> None:
    """Apply what has been written down to the database, of all apps or of APP and what it needs."""
    with connected(project) as engine:
        from lback.migrations.runner import current_heads, upgrade

        history = _history(project)
        targets = None if app is None else history.of(_known(project, app).label)
        if plan:
            applied = history.applied(current_heads(engine))
            steps = [revision for revision in history.ordered(targets) if revision.id not in applied]
            for revision in steps:
                click.echo(f"Would apply {revision}")
            if not steps:
                click.echo("Nothing to apply.")
            return
        done = upgrade(engine, history, targets, click.echo)
        click.echo(f"Applied {done} migration{'' if done == 1 else 's'}." if done else "Nothing to apply.")


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
@click.pass_obj
def showmigrations(project: "Project") -> None:
    """List the migrations of every app; those with an x are applied."""
    with connected(project) as engine:
        from lback.migrations.runner import current_heads

        history = _history(project)
        applied = history.applied(current_heads(engine))
        for app in project.apps:
            click.echo(app.label)
            for revision in history.of(app.label):
                click.echo(f"  [{'x' if revision.id in applied else ' '}] {revision.path.stem}")
            if not history.heads(app.label):
                click.echo("  (none)")


@contextmanager
def connected(project: "Project") -> "Iterator[Engine]":
    """Give the engine of the project, its models imported; a database that can't be reached becomes one sentence."""
    from sqlalchemy.exc import DBAPIError

    from lback.models.database import DatabaseManager

    project.load_models()
    database = DatabaseManager.from_config(project.config)
    try:
        yield database.engine
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[-1]
        shown = database.engine.url.render_as_string(hide_password=True)
        raise CommandError(f"The database {shown} refused: {reason}") from error
    finally:
        database.dispose()


def _history(project: "Project") -> "History":
    from lback.migrations.revisions import History

    return History(project.apps)


def _chosen(project: "Project", names: Sequence[str]) -> list[str]:
    """Return the labels of the apps that revisions may be written for: the project's own."""
    own = [app.label for app in project.apps if _is_own(project, app)]
    for name in names:
        if _known(project, name).label not in own:
            raise CommandError(f"The app {name!r} belongs to an installed package, which brings its own migrations.")
    return list(names) or own


def _is_own(project: "Project", app: "App") -> bool:
    path = app.path.resolve()
    return path.is_relative_to(project.base_dir) and "site-packages" not in path.parts


def _known(project: "Project", label: str) -> "App":
    for app in project.apps:
        if app.label == label:
            return app
    labels = ", ".join(app.label for app in project.apps) or "none"
    raise CommandError(f"There is no app {label!r} in INSTALLED_APPS; it has {labels}.")


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


def _shown(project: "Project", path: object) -> str:
    return str(path).removeprefix(f"{project.base_dir}/")
