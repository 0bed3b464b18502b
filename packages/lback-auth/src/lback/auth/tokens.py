"""Logging in without a browser: access and refresh tokens for programs.

The access token is sent with every request (``Authorization: Bearer ...``) and lasts minutes. The refresh token gets
the next pair, once: each is replaced by the one that comes back with it. Whoever sends one that was replaced already
has stolen it, or was stolen from, so that ends the login for both (RFC 9700, section 4.14).
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from lback.auth.events import announce
from lback.auth.jwt_auth import Claims, InvalidTokenError, JWTAuth
from lback.auth.logins import begin, user_of
from lback.auth.models import Login, User
from lback.core.exceptions import Unauthorized
from lback.core.request import Request
from lback.models.database import DatabaseManager


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a program gets.

    Args:
        access_token: For the requests.
        refresh_token: For the next pair.
        expires_in: In how many seconds the access token ends.
    """

    access_token: str
    refresh_token: str
    expires_in: int

    def __repr__(self) -> str:
        return "<TokenPair>"


def issue(request: Request, user: User) -> TokenPair:
    """Log a program in for `user`, whose password and second factor have been checked before."""
    signing = request.app.container.get(JWTAuth)
    token_id = secrets.token_urlsafe(16)
    started = begin(request, user, "token", timedelta(seconds=signing.refresh_exp), _hashed(token_id))
    return _pair(signing, str(user.id), started.id, token_id, int(started.expires_at.timestamp()))


def refresh(request: Request, token: str) -> TokenPair:
    """Return the next pair for a refresh token, which is worth nothing from then on.

    Call it before the request touches its database session: what happens here is written in a transaction of its own.

    Raises:
        Unauthorized: It is no refresh token, is too old, was used before, or its login has ended.
    """
    signing = request.app.container.get(JWTAuth)
    claims = _claims(signing, token)
    token_id = secrets.token_urlsafe(16)
    # In one statement: of two requests with the same token one gets the pair.
    rotated = update(Login).where(Login.id == claims.login_id, Login.refresh_hash == _hashed(claims.token_id))
    with request.app.container.get(DatabaseManager).transaction() as db:
        values = {"refresh_hash": _hashed(token_id), "used_at": datetime.now(UTC)}
        fresh = bool(db.execute(rotated.values(**values)).rowcount)  # type: ignore[attr-defined]
        reused = not fresh and bool(
            db.execute(delete(Login).where(Login.id == claims.login_id)).rowcount  # type: ignore[attr-defined]
        )
    user = user_of(request, claims.user_id, claims.login_id) if fresh else None
    if reused:
        owner = request.db_session.scalar(select(User).where(User.id == int(claims.user_id)))
        announce(request, "refresh_token_reused", refresh, user=owner)
    if user is None:
        raise _refused("This refresh token was used before, or its login has ended. Log in again.")
    return _pair(signing, claims.user_id, claims.login_id, token_id, claims.expires_at)


def revoke(request: Request, token: str) -> User | None:
    """End the login that a refresh token belongs to, whether it is the current one or not; return whose it was.

    Raises:
        Unauthorized: It is no refresh token, or too old.
    """
    claims = _claims(request.app.container.get(JWTAuth), token)
    user = user_of(request, claims.user_id, claims.login_id)
    request.db_session.execute(delete(Login).where(Login.id == claims.login_id))
    return user


def bearer_user(request: Request, token: str) -> User:
    """Return the user of an access token.

    Raises:
        Unauthorized: It is no access token, is too old, or its login has ended.
    """
    try:
        claims = request.app.container.get(JWTAuth).decode_token(token, "access")
    except InvalidTokenError as error:
        raise _refused(str(error)) from None
    user = user_of(request, claims.user_id, claims.login_id)
    if user is None:
        raise _refused("The login of this access token has ended.")
    vars(request)["login_id"] = claims.login_id
    return user


def _claims(signing: JWTAuth, token: str) -> Claims:
    try:
        return signing.decode_token(token, "refresh")
    except InvalidTokenError as error:
        raise _refused(str(error)) from None


def _pair(signing: JWTAuth, user_id: str, login_id: str, token_id: str, expires_at: int) -> TokenPair:
    access = signing.create_access_token(user_id, login_id)
    renewal = signing.create_refresh_token(user_id, login_id, token_id, expires_at)
    return TokenPair(access, renewal, min(signing.access_exp, max(expires_at - int(time.time()), 0)))


def _hashed(token_id: str) -> str:
    # It has 128 random bits, so a plain hash can't be turned around.
    return hashlib.sha256(token_id.encode("utf-8", "surrogatepass")).hexdigest()


def _refused(message: str) -> Unauthorized:
    return Unauthorized(message, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
