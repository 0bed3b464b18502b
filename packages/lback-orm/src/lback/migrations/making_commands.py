"""The command that writes migrations. SQLAlchemy and Alembic are imported when it runs, so that help stays quick."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from lback.migrations.connecting import CommandError, connected, known_app, uncollected

if TYPE_CHECKING:
    from pathlib import Path

    from lback.core.apps import App
    from lback.core.project import Project
    from lback.migrations.making import Maker


@click.command()
@click.argument("apps", nargs=-1)
@click.option("-m", "--message", default="", help="A few words for the new migrations.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when something changed.")
@click.option("--empty", is_flag=True, help="Write a migration of each of APPS to be filled in by hand.")
@click.option("--merge", is_flag=True, help="Join the last migrations of an app that has several.")
@click.option("--rename", "renames", multiple=True, metavar="OLD:NEW", help="A table, or table.column, was renamed.")
@click.option("--no-rename", is_flag=True, help="Nothing else was renamed: what went and what came have no relation.")
@click.option("--default", "defaults", multiple=True, metavar="TABLE.COLUMN=VALUE", help="For rows without a value.")
@click.option("--allow-data-loss", is_flag=True, help="Also drop tables and columns that hold something.")
@click.pass_obj
def makemigrations(
    project: "Project",
    apps: Sequence[str],
    message: str,
    check: bool,
    empty: bool,
    merge: bool,
    renames: Sequence[str],
    no_rename: bool,
    defaults: Sequence[str],
    allow_data_loss: bool,
) -> None:
    """Write down what changed in your models, for all apps of the project or for APPS."""
    if check + empty + merge > 1:
        raise click.UsageError("--check, --empty and --merge exclude each other.")
    with uncollected(), connected(project) as engine:
        from lback.migrations.making import Answers, Maker

        maker = Maker(engine, project.apps, _chosen(project, apps))
        asking = sys.stdin.isatty()
        if empty:
            if not apps:
                raise click.UsageError("--empty needs the names of apps.")
            _show(project, maker.empty(message))
        elif merge:
            _show(project, maker.merge(message), "No app has several last migrations.")
        elif check:
            _check(maker)
        else:
            for stray in maker.strays:
                click.echo(f"Warning: {stray}", err=True)
            if asking:
                _offer_merge(project, maker)
            answers = Answers(renames, no_rename, _pairs(defaults), allow_data_loss)
            if asking:
                answers.ask, answers.enter = click.confirm, click.prompt
            _show(project, maker.make(message, answers), "No changes detected.")
            if maker.lost:
                click.echo(f"Applied here, that deletes {' and '.join(maker.lost)}.")


def _check(maker: "Maker") -> None:
    changed = maker.pending()
    if changed:
        raise CommandError(f"The models of {', '.join(changed)} changed; run makemigrations.")
    click.echo("No changes detected.")


def _offer_merge(project: "Project", maker: "Maker") -> None:
    for label, heads in maker.conflicts().items():
        click.echo(f"The app {label} has several last migrations:")
        for head in heads:
            click.echo(f"  {head.path.stem} (tables: {', '.join(head.tables) or 'none'})")
        click.confirm("Join them with a migration that follows them all?", abort=True)
    if maker.conflicts():
        _show(project, maker.merge())
        raise click.exceptions.Exit(0)


def _show(project: "Project", paths: "Iterable[Path]", nothing: str = "") -> None:
    paths = list(paths)
    for path in paths:
        click.echo(f"Wrote {str(path).removeprefix(f'{project.base_dir}/')}")
    if not paths:
        click.echo(nothing)


def _pairs(defaults: Sequence[str]) -> Mapping[str, str]:
    pairs = {}
    for given in defaults:
        name, equals, value = given.partition("=")
        if not equals or "." not in name:
            raise click.UsageError(f"--default expects table.column=value, not {given!r}.")
        pairs[name] = value
    return pairs


def _chosen(project: "Project", names: Sequence[str]) -> list[str]:
    """Return the labels of the apps that revisions may be written for: the project's own."""
    own = [app.label for app in project.apps if _is_own(project, app)]
    for name in names:
        if known_app(project, name).label not in own:
            raise CommandError(f"The app {name!r} belongs to an installed package, which brings its own migrations.")
    return list(names) or own


def _is_own(project: "Project", app: "App") -> bool:
    path = app.path.resolve()
    return path.is_relative_to(project.base_dir) and "site-packages" not in path.parts
