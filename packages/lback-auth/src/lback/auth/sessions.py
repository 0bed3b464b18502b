"""Logging in and out in a browser: which user a session belongs to.

The session keeps the ids of the user and of the login, whose row in the database says whether it still counts.
"""

import hmac
import time
from datetime import timedelta

from lback.auth.logins import SessionManager, begin, fingerprint, user_of
from lback.auth.models import User
from lback.core.request import Request
from lback.security.csrf import rotate_token

USER_ID = "user_id"
LOGIN_ID = "user_login"
PENDING = "auth_pending"
# Seconds between the password and the code of the second factor.
PENDING_SECONDS = 600


def login(request: Request, user: User) -> None:
    """Make `user` the one this session belongs to, under a new session id and with a new CSRF secret.

    What an anonymous visitor had in the session is kept; what another user had is not. The password, or whatever else
    proves who it is, has been checked before: this asks for nothing.

    Raises:
        ValueError: The account is deactivated or was never saved.
    """
    if not user.is_active or user.id is None:
        raise ValueError(f"{user!r} can't log in: the account is deactivated or not saved yet.")
    session = request.session
    if session.get(USER_ID) in (None, str(user.id)):
        session.cycle()
        if LOGIN_ID in session:
            SessionManager().end(request.db_session, user, session[LOGIN_ID])
    else:
        session.flush()
    started = begin(request, user, "session", timedelta(hours=request.config.SESSION_LIFETIME_HOURS))
    session.pop(PENDING, None)
    session[USER_ID] = str(user.id)
    session[LOGIN_ID] = started.id
    rotate_token(request)
    vars(request)["user"] = user


def logout(request: Request) -> None:
    """End the session, on the server as well; the visitor is anonymous from here on."""
    user = session_user(request)
    if user is not None:
        SessionManager().end(request.db_session, user, request.session[LOGIN_ID])
    request.session.flush()
    rotate_token(request)
    vars(request)["user"] = None


def wait_for_code(request: Request, user: User, succeeded: str) -> None:
    """Note that `user` has shown the password, and is logged in by nothing but the second factor.

    Args:
        request: The request that had the password.
        user: Who.
        succeeded: The name of the signal for the login, when it comes to that.
    """
    if session_user(request) is None:
        # What an anonymous visitor had in the session is kept, as at a login.
        request.session.cycle()
    else:
        logout(request)
    request.session[PENDING] = {
        "user": user.id,
        "fingerprint": fingerprint(user),
        "at": int(time.time()),
        "event": succeeded,
    }


def pending_event(request: Request) -> str | None:
    """Return the name of the signal for the login that waits for the second factor, or None where none waits."""
    pending = request.session.get(PENDING)
    return None if pending is None else str(pending["event"])


def pending_user(request: Request) -> User | None:
    """Return who has shown the password in this session and not the second factor yet, or None after ten minutes."""
    pending = request.session.get(PENDING)
    if pending is None or time.time() - pending["at"] > PENDING_SECONDS:
        return None
    user: User | None = request.db_session.get(User, pending["user"])
    if user is None or not user.is_active or not hmac.compare_digest(fingerprint(user), pending["fingerprint"]):
        return None
    return user


def session_user(request: Request) -> User | None:
    """Return the user that the session belongs to, or None when nobody is logged in.

    A session whose user is gone or deactivated, has another password or more rights since, or ended it elsewhere, is
    ended.
    """
    session = request.session
    user_id = session.get(USER_ID)
    if user_id is None:
        return None
    user = user_of(request, user_id, session.get(LOGIN_ID))
    if user is None:
        session.flush()
    return user
