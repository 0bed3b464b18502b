"""`SessionMiddleware`: gives every request its session, and writes it down after the view."""

from lback.core.config import Config
from lback.core.container import Container
from lback.core.cookies import format_cookie
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response
from lback.core.sessions import Session, SessionStore


class SessionMiddleware(BaseMiddleware):
    """Provides ``request.session``.

    The cookie is HttpOnly and SameSite=Lax, on https Secure and bound to this host. Nothing is stored, and no cookie
    sent, until something is put into the session. A response whose making read the session is marked as private.

    Args:
        container: Where the session becomes known as a component.
        config: ``SESSION_COOKIE_NAME``, ``SESSION_TIMEOUT_MINUTES`` and ``SESSION_LIFETIME_HOURS`` are read.
        store: Where sessions are kept.
    """

    def __init__(self, container: Container, config: Config, store: SessionStore) -> None:
        self.store = store
        self._plain_name: str = config.SESSION_COOKIE_NAME
        self._host_name = f"__Host-{self._plain_name}"
        self._idle = config.SESSION_TIMEOUT_MINUTES * 60
        self._lifetime = config.SESSION_LIFETIME_HOURS * 3600
        for name, secure in ((self._plain_name, False), (self._host_name, True)):
            format_cookie(name, "", secure=secure)  # raises now what would be raised in every request
        container.add_request(Session, self.load, name="session")

    def _cookie_name(self, request: Request) -> str:
        return self._host_name if request.is_secure else self._plain_name

    def load(self, request: Request) -> Session:
        """Return the session of a request, not yet read from the store."""
        return Session(self.store, request.cookies.get(self._cookie_name(request)), self._idle, self._lifetime)

    def process_response(self, request: Request, response: Response) -> Response:
        """Write a changed session down, and keep caches from sharing what depends on it."""
        session: Session | None = request.session if response.streaming else request.made("session")
        if session is None:
            return response
        if session.accessed or session.asked:
            self._write(request, response, session)
        session.sent = response.streaming
        return response

    def _write(self, request: Request, response: Response, session: Session) -> None:
        response.headers.add_vary("Cookie")
        if not session.accessed:
            return
        response.headers.setdefault("Cache-Control", "private, no-store")
        if session.modified:
            sent = session.cookie
            cookie = session.save()
            name = self._cookie_name(request)
            if cookie is not None:
                response.set_cookie(name, cookie, max_age=self._idle, secure=request.is_secure)
            elif sent or name in request.cookies:
                response.delete_cookie(name, secure=request.is_secure)
