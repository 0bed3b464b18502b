"""Logging in and out: which user a session belongs to.

The session keeps the id of the user and a fingerprint of the password hash. A changed password changes the hash, so
every session from before is worth nothing from then on, wherever it is.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lback.core.request import Request
from lback.security.csrf import rotate_token

if TYPE_CHECKING:
    from lback.auth.models import User

USER_ID = "user_id"
FINGERPRINT = "user_fingerprint"


def login(request: Request, user: "User") -> None:
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
    else:
        session.flush()
    session[USER_ID] = str(user.id)
    session[FINGERPRINT] = fingerprint(user)
    rotate_token(request)
    user.last_login_at = datetime.now(UTC)
    vars(request)["user"] = user


def logout(request: Request) -> None:
    """End the session, on the server as well; the visitor is anonymous from here on."""
    request.session.flush()
    rotate_token(request)
    vars(request)["user"] = None


def session_user(request: Request) -> "User | None":
    """Return the user that the session belongs to, or None when nobody is logged in.

    A session whose user is gone or deactivated, or has another password since, is ended.
    """
    from lback.auth.models import User

    session = request.session
    user_id = session.get(USER_ID)
    if user_id is None:
        return None
    user: User | None = request.db_session.get(User, int(user_id)) if _is_key(user_id) else None
    known = session.get(FINGERPRINT, "")
    if user is not None and user.is_active and hmac.compare_digest(fingerprint(user), known):
        return user
    session.flush()
    return None


def _is_key(user_id: object) -> bool:
    # More digits than a key of any database has are an error in the driver.
    return isinstance(user_id, str) and user_id.isdecimal() and len(user_id) <= 18


def fingerprint(user: "User") -> str:
    """Return a text that changes with the password, and from which nothing about it can be told.

    The hash is the key, and with it its salt of 128 bits: who has the fingerprint alone has nothing to try guesses on.
    """
    return hmac.digest(user.password_hash.encode(), b"lback.auth.session", hashlib.sha256).hex()
