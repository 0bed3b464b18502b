"""What the commands of migrations have in common: the project's database and its apps, or one clear sentence."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lback.core.exceptions import LbackError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL

    from lback.core.apps import App
    from lback.core.project import Project

# How PostgreSQL and MariaDB say that there is no such database.
NO_DATABASE = {"3D000", 1049}


class CommandError(LbackError):
    """A command can't do what it was asked for; the message says why and what to do."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage in a block that mostly loads what stays, nor among that when the process ends.

    That would take a quarter of the time of a command with little to do.
    """
    atexit.register(gc.freeze)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def connected(project: "Project") -> "Iterator[Engine]":
    """Give the engine of the project, its models imported.

    Raises:
        CommandError: The database can't be reached or refuses; the message never has the password.
    """
    with uncollected():
        from sqlalchemy.exc import DBAPIError

        from lback.models.database import DatabaseManager

        project.load_models()
        database = DatabaseManager.from_config(project.config)
    try:
        yield database.engine
    except DBAPIError as error:
        raise CommandError(_refusal(database.engine.url, error.orig)) from error
    finally:
        database.dispose()


def _refusal(url: "URL", error: Any) -> str:
    codes = (getattr(error, "sqlstate", None), *getattr(error, "args", ())[:1])
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if set(codes) & NO_DATABASE or (lines and lines[-1].endswith(f'database "{url.database}" does not exist')):
        return (
            f"There is no database {url.database!r} on {url.host or 'the server'}. Make it with CREATE DATABASE, or "
            "correct DB_NAME or DATABASE_URL."
        )
    reason = lines[-1] if lines else type(error).__name__
    return f"The database {url.render_as_string(hide_password=True)} refused: {reason}"


def known_app(project: "Project", label: str) -> "App":
    """Return the installed app of that label.

    Raises:
        CommandError: There is none.
    """
    for app in project.apps:
        if app.label == label:
            return app
    labels = ", ".join(app.label for app in project.apps) or "none"
    raise CommandError(f"There is no app {label!r} in INSTALLED_APPS; it has {labels}.")
