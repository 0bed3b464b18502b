"""What the app does while an application is built: it makes sure that a login would have an effect."""

from collections.abc import Mapping

from lback.auth.middleware import AuthMiddleware
from lback.core.app import Application
from lback.core.apps import import_attribute
from lback.core.exceptions import ConfigurationError


def register(application: Application) -> None:
    """Check that the application gives its requests a user.

    Raises:
        ConfigurationError: `AuthMiddleware` is not in ``MIDDLEWARES``: people could log in and would stay anonymous.
    """
    for entry in application.config.MIDDLEWARES:
        target = entry.get("class", "") if isinstance(entry, Mapping) else entry
        class_ = import_attribute(target) if target else None
        if isinstance(class_, type) and issubclass(class_, AuthMiddleware):
            return
    raise ConfigurationError(
        "The app 'auth_app' needs lback.auth.middleware.AuthMiddleware in MIDDLEWARES, after those of the session and "
        "the database."
    )
