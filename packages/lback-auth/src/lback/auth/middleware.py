"""`AuthMiddleware`: gives every request its user."""

from lback.auth.events import Journal, finish
from lback.auth.models import User
from lback.auth.sessions import session_user
from lback.auth.throttling import Throttle
from lback.auth.tokens import bearer_user
from lback.core.container import Container
from lback.core.exceptions import ConfigurationError
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.sessions import SessionStore

BEARER = "bearer "


class AuthMiddleware(BaseMiddleware):
    """Provides ``request.user``, and views with a parameter annotated ``User`` with it: the user, or None.

    The user is that of the access token in ``Authorization: Bearer``, and without one that of the session. It is loaded
    when a view or a template first asks; other pages cost no query. Nobody is logged in whose account is deactivated,
    whose password has changed since, or who ended that login elsewhere.

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
        container.add_request(User, request_user, name="user")
        container.add_request(Journal, lambda _: Journal(), name="auth_journal", finish=finish)
        # Made here and now, so that a limit that can't be read stops the start.
        container.add(Throttle, Throttle.from_container(container))


def request_user(request: Request) -> User | None:
    """Return the user of a request, or None for an anonymous visitor.

    Raises:
        Unauthorized: It has a bearer token that is not, or no longer, worth anything.
    """
    authorization: str = request.environ.get("HTTP_AUTHORIZATION", "")
    if authorization[: len(BEARER)].lower() == BEARER:
        return bearer_user(request, authorization[len(BEARER) :].strip())
    return session_user(request)
