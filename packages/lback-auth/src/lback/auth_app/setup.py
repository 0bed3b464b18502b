"""What the app does while an application is built: it refuses what would make logins useless or unsafe."""

import logging
from collections.abc import Mapping

from lback.auth.jwt_auth import JWTAuth
from lback.auth.links import check_site_url
from lback.auth.middleware import AuthMiddleware
from lback.core.app import Application
from lback.core.apps import import_attribute
from lback.core.exceptions import ConfigurationError

logger = logging.getLogger("lback.auth")


def register(application: Application) -> None:
    """Check the middlewares, the keys of tokens, and where links in mails lead.

    Raises:
        ConfigurationError: `AuthMiddleware` is not in ``MIDDLEWARES``: people could log in and would stay anonymous. Or
            a setting of the app can't be used.
    """
    config = application.config
    check_site_url(config)
    if config.REGISTRATION_OPEN and config.EMAIL_BACKEND in ("", "smtp") and not (config.DEBUG or config.SMTP_SERVER):
        logger.warning(
            "SMTP_SERVER is not set, so nobody who registers or forgets a password gets the mail with a link."
        )
    application.container.get(JWTAuth)
    for entry in config.MIDDLEWARES:
        target = entry.get("class", "") if isinstance(entry, Mapping) else entry
        class_ = import_attribute(target) if target else None
        if isinstance(class_, type) and issubclass(class_, AuthMiddleware):
            return
    raise ConfigurationError(
        "The app 'auth_app' needs lback.auth.middleware.AuthMiddleware in MIDDLEWARES, after those of the session and "
        "the database."
    )
