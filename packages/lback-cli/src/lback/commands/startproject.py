"""``lback startproject``: a new project, ready to run, for the packages that are installed."""

import secrets
from collections.abc import Iterable
from pathlib import Path

import click

from lback.commands import installed
from lback.commands.names import check_name
from lback.commands.skeleton import write_skeleton

DATABASE = """
# The database is the file db.sqlite in this folder, unless this names another one.
# DATABASE_URL=postgresql://user:password@localhost/{name}
"""


@click.command()
@click.argument("name")
def startproject(name: str) -> None:
    """Create a project in a new folder."""
    create_project(name, Path.cwd())
    click.echo(f"Created the project {click.style(name, bold=True)}. Start it with:\n")
    click.echo(f"  cd {name}")
    if installed.has("lback.migrations"):
        click.echo("  python manage.py migrate")
    click.echo("  python manage.py runserver")


def create_project(name: str, parent: Path) -> Path:
    """Write a project into the new folder `parent`/`name`.

    Args:
        name: What the project and its package are called.
        parent: The folder to make it in.

    Returns:
        The folder of the project, which holds its ``manage.py``.

    Raises:
        LbackError: The name can't be used, or the folder can't be written.
    """
    check_name(name, "project", parent)
    folder = parent / name
    write_skeleton(
        "project",
        folder,
        {
            "name": name,
            "secret_key": secrets.token_urlsafe(48),
            "database": DATABASE.format(name=name) if installed.has("lback.models.database") else "",
            "apps": _lines(f'"{app}"' for app in installed.apps()),
            "middlewares": _lines(f'"{middleware}"' for middleware in installed.middlewares()),
            "imports": _imports(),
            "includes": "".join(
                f'\n    include("{module}", prefix="{prefix}"),' for module, prefix in installed.url_modules().items()
            ),
        },
    )
    return folder


def _lines(entries: Iterable[str]) -> str:
    lines = "".join(f"    {entry},\n" for entry in entries)
    return f"\n{lines}" if lines else ""


def _imports() -> str:
    lines = ["from lback.utils.shortcuts import render", "from lback.utils.urls import path"]
    if installed.url_modules():
        lines.insert(0, "from lback.core.urls_utils import include")
    return "\n".join(lines)
