"""Where somebody is logged in: a row for each, which a request needs, so that deleting it ends that login at once.

`SessionManager` lists the logins of a user and ends them. `lback.auth.sessions` and `lback.auth.tokens` begin them.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from lback.auth.models import Login, User
from lback.auth.models.records import ADDRESS_LENGTH, AGENT_LENGTH
from lback.core.request import Request
from lback.models.database import DatabaseManager

# How exactly the time of the last use is kept: writing down every request would be a write for every read.
USE_NOTED_EVERY = timedelta(minutes=5)

_ALIVE = (
    select(User, Login.fingerprint, Login.used_at, Login.expires_at)
    .join(Login, Login.user_id == User.id)
    .where(Login.id == bindparam("login_id"), User.id == bindparam("user_key"))
)


class SessionManager:
    """The logins of a user, browsers and programs alike. Every method takes the database session; none commits."""

    def logins(self, db: Session, user: User) -> Sequence[Login]:
        """Return where the user is logged in, the last used first. Browsers that were left long ago are among them."""
        return db.scalars(
            select(Login)
            .where(
                Login.user_id == user.id, Login.expires_at > datetime.now(UTC), Login.fingerprint == fingerprint(user)
            )
            .order_by(Login.used_at.desc(), Login.made_at.desc())
        ).all()

    def end(self, db: Session, user: User, login_id: str) -> bool:
        """End one login of the user; tell whether there was such a one. That of another user is none."""
        return _count(db.execute(delete(Login).where(Login.id == login_id, Login.user_id == user.id))) > 0

    def end_all(self, db: Session, user: User, keep: str | None = None) -> int:
        """End all logins of the user, but one if `keep` has its id; return how many there were."""
        statement = delete(Login).where(Login.user_id == user.id)
        if keep is not None:
            statement = statement.where(Login.id != keep)
        return _count(db.execute(statement))


def begin(request: Request, user: User, kind: str, lifetime: timedelta, refresh_hash: str | None = None) -> Login:
    """Write down that `user` is logged in, in the transaction of the request; rows that are too old go.

    Args:
        request: From whom the address and the browser are noted.
        user: Who.
        kind: ``session`` or ``token``.
        lifetime: When it ends in any case.
        refresh_hash: Of tokens, the hash of the refresh token's id.
    """
    db = request.db_session
    now = datetime.now(UTC)
    # First, so that a changed password, which ends all logins when it is written, doesn't end this one.
    db.flush()
    db.execute(delete(Login).where(Login.user_id == user.id, Login.expires_at <= now))
    started = Login(
        id=secrets.token_hex(16),
        user_id=user.id,
        kind=kind,
        fingerprint=fingerprint(user),
        refresh_hash=refresh_hash,
        ip=request.remote_addr[:ADDRESS_LENGTH],
        user_agent=agent_of(request),
        made_at=now,
        used_at=now,
        expires_at=now + lifetime,
    )
    db.add(started)
    user.last_login_at = now
    return started


def user_of(request: Request, user_id: object, login_id: object) -> User | None:
    """Return the user of a login that is alive, with one query, or None.

    It is over when its row is gone or too old, the user is deactivated, or the password has changed.
    """
    if not (_is_key(user_id) and isinstance(login_id, str) and len(login_id) <= 32):
        return None
    key = {"login_id": login_id, "user_key": int(str(user_id))}
    found: Any = request.db_session.execute(_ALIVE, key).one_or_none()
    if found is None:
        return None
    user: User = found[0]
    _, known, used_at, expires_at = found
    now = datetime.now(UTC)
    if not user.is_active or expires_at <= now or not hmac.compare_digest(fingerprint(user), known):
        return None
    if now - used_at > USE_NOTED_EVERY:
        request.after_response(lambda: _note_use(request, login_id))
    return user


def _note_use(request: Request, login_id: str) -> None:
    with request.app.container.get(DatabaseManager).transaction() as db:
        db.execute(update(Login).where(Login.id == login_id).values(used_at=datetime.now(UTC)))


def _is_key(user_id: object) -> bool:
    # More digits than a key of any database has are an error in the driver.
    return isinstance(user_id, str) and user_id.isascii() and user_id.isdecimal() and len(user_id) <= 18


def fingerprint(user: User) -> str:
    """Return a text that changes with the password, and from which nothing about it can be told.

    The hash is the key, and with it its salt of 128 bits: who has the fingerprint alone has nothing to try guesses on.
    """
    return hmac.digest(user.password_hash.encode(), b"lback.auth.session", hashlib.sha256).hex()


def agent_of(request: Request) -> str:
    """Return what the browser says it is, cut to what is kept of it, without what can't be printed."""
    sent: str = request.environ.get("HTTP_USER_AGENT", "")
    return "".join(character for character in sent[:AGENT_LENGTH] if character.isprintable())


def _count(result: object) -> int:
    return int(getattr(result, "rowcount", 0))
