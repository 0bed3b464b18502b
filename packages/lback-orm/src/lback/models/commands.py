"""The command ``clear_sessions``. SQLAlchemy is imported when it runs, so that help stays quick."""

from typing import TYPE_CHECKING

import click

from lback.core.exceptions import LbackError

if TYPE_CHECKING:
    from lback.core.project import Project


@click.command()
@click.option("--all", "everybody", is_flag=True, help="Delete the others too, which logs everybody out.")
@click.pass_obj
def clear_sessions(project: "Project", everybody: bool) -> None:
    """Delete the sessions that have expired from the database.

    The site does that by itself now and then; this is for a site with few new visitors.
    """
    from sqlalchemy.exc import DBAPIError

    from lback.models.database import DatabaseManager
    from lback.models.session_store import DatabaseSessionStore

    database = DatabaseManager.from_config(project.config)
    try:
        store = DatabaseSessionStore(database)
        count = store.delete_all() if everybody else store.purge_expired()
    except DBAPIError as error:
        reason, *_ = [*str(error.orig).strip().splitlines(), type(error).__name__]
        raise LbackError(f"The sessions can't be deleted: {reason}. If the table is missing, run migrate.") from error
    finally:
        database.dispose()
    click.echo(f"Deleted {count} {'session' if count == 1 else 'sessions'}.")
