"""`AuthMiddleware`: gives every request its user."""

from lback.auth.models import User
from lback.auth.sessions import session_user
from lback.core.container import Container
from lback.core.exceptions import ConfigurationError
from lback.core.middleware import BaseMiddleware
from lback.core.sessions import SessionStore


class AuthMiddleware(BaseMiddleware):
    """Provides ``request.user``, and views with a parameter annotated ``User`` with it: the user, or None.

    The user is loaded when a view or a template first asks; other pages cost no query. Nobody is logged in whose
    account is deactivated or whose password has changed since.

    Args:
        container: Where the user becomes known as a component.
        store: Where sessions are kept. It must be able to end one, or a stolen cookie would outlive the logout.

    Raises:
        ConfigurationError: The store can't end sessions, or a middleware that this one needs is not before it.
    """

    def __init__(self, container: Container, store: SessionStore) -> None:
        for component, middleware in (
            ("session", "lback.middlewares.session.SessionMiddleware"),
            ("db_session", "lback.models.middleware.SQLAlchemySessionMiddleware"),
        ):
            if component not in container.request_components:
                raise ConfigurationError(f"Put {middleware} before it in MIDDLEWARES.")
        if not store.can_revoke:
            raise ConfigurationError(
                f"{type(store).__name__} keeps sessions in the cookie, where a logout can't end them. Use a store on "
                "the server: leave SESSION_STORE empty for the one in the database."
            )
        container.add_request(User, session_user, name="user")
