"""What the app ``sessions`` does while an application is built."""

from typing import TYPE_CHECKING

from lback.core.sessions import SessionStore
from lback.models.database import DatabaseManager
from lback.models.session_store import DatabaseSessionStore

if TYPE_CHECKING:
    from lback.core.app import Application


def register(application: "Application") -> None:
    """Have sessions kept in the database, unless the setting ``SESSION_STORE`` names another place."""
    if not application.config.SESSION_STORE:
        application.container.add_factory(
            SessionStore,  # type: ignore[type-abstract]
            lambda container: DatabaseSessionStore(container.get(DatabaseManager)),
            name="session_store",
        )
