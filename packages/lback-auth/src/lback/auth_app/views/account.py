"""The page of one's own account, and where it is logged in."""

from lback.auth.authentication import needs_code
from lback.auth.events import announce
from lback.auth.logins import SessionManager
from lback.auth.models import User
from lback.auth.sessions import LOGIN_ID, logout
from lback.auth_app.views.common import page, see
from lback.core.exceptions import NotFound
from lback.core.request import Request
from lback.core.response import Response


def account_page(request: Request, user: User) -> Response:
    """Show the account, and what can be done about it."""
    return page(request, "auth/account.html", user=user, second_factor=needs_code(request, user))


def sessions_page(request: Request, user: User) -> Response:
    """Show where the user is logged in."""
    found = SessionManager().logins(request.db_session, user)
    here = request.session.get(LOGIN_ID)
    shown = [
        {
            **{name: getattr(login, name) for name in ("id", "kind", "ip", "user_agent", "made_at", "used_at")},
            "current": login.id == here,
        }
        for login in found
    ]
    return page(request, "auth/sessions.html", sessions=shown)


def end_session(request: Request, user: User, login_id: str) -> Response:
    """End one login of the user; ending the one at hand is a logout.

    Raises:
        NotFound: The user has no such login, or has no more.
    """
    if not SessionManager().end(request.db_session, user, login_id):
        raise NotFound("This login has ended already.")
    announce(request, "user_session_ended", end_session, user=user)
    if login_id == request.session.get(LOGIN_ID):
        logout(request)
        return see(request, "web_login_page")
    request.session.set_flash("That login has ended.", "success")
    return see(request, "web_sessions")


def end_other_sessions(request: Request, user: User) -> Response:
    """End every login of the user but this one."""
    SessionManager().end_all(request.db_session, user, keep=request.session.get(LOGIN_ID))
    announce(request, "user_session_ended", end_other_sessions, user=user)
    request.session.set_flash("You are logged out everywhere else.", "success")
    return see(request, "web_sessions")
