"""`DatabaseSessionStore`: keeps sessions in the table ``sessions``."""

import hashlib
import json
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from lback.core.context import current_request
from lback.models.base import utc_now
from lback.models.database import DatabaseManager
from lback.models.session import Session

ID_BYTES = 32
# How many sessions a process begins before it looks for expired ones again.
PURGE_EVERY = 100

_LOAD = select(Session.data, Session.expires_at).where(Session.key == bindparam("hashed"))


class DatabaseSessionStore:
    """Sessions as rows: the cookie holds a random id, the table its hash and the data as JSON.

    Every write is a short transaction of its own, so what a session holds survives a view that is rolled back. Expired
    rows are deleted by whichever process begins its next hundredth session, when that visitor has the response.

    Args:
        db_manager: The database.
    """

    can_revoke = True

    def __init__(self, db_manager: DatabaseManager) -> None:
        self._database = db_manager
        self._begun = 0

    def load(self, cookie: str) -> dict[str, Any] | None:
        """Return the data behind the id in a cookie, or None when there is none or it has expired."""
        row = self._database.row(_LOAD, {"hashed": hashed(cookie)})
        if row is None or row.expires_at <= utc_now():
            return None
        try:
            data = json.loads(row.data)
        except ValueError:
            return None
        return data if isinstance(data, dict) else None

    def save(self, cookie: str | None, data: dict[str, Any], max_age: int) -> str:
        """Write the data down for `max_age` seconds and return the id, a new one for None."""
        now = utc_now()
        values = {
            "user_id": _text(data.get("user_id")),
            "data": json.dumps(data, separators=(",", ":")),
            "updated_at": now,
            "expires_at": now + timedelta(seconds=max_age),
        }
        with self._database.transaction() as session:
            if cookie is not None:
                # Without a row a logout came first, and what a slower request still had to write is not brought back.
                session.execute(update(Session).where(Session.key == hashed(cookie)).values(**values))
                return cookie
            fresh = secrets.token_urlsafe(ID_BYTES)
            session.execute(insert(Session).values(key=hashed(fresh), created_at=now, **values))
        self._begun += 1
        if self._begun % PURGE_EVERY == 0:
            self._purge_soon()
        return fresh

    def _purge_soon(self) -> None:
        request = current_request()
        if request is None:
            self.purge_expired()
        else:
            request.after_response(self.purge_expired)

    def delete(self, cookie: str) -> None:
        """Forget a session."""
        with self._database.transaction() as session:
            session.execute(delete(Session).where(Session.key == hashed(cookie)))

    def delete_for_user(self, user_id: object) -> int:
        """Forget all sessions of a user and return how many there were."""
        with self._database.transaction() as session:
            return _rows(session.execute(delete(Session).where(Session.user_id == str(user_id))))

    def delete_all(self) -> int:
        """Forget every session and return how many there were."""
        with self._database.transaction() as session:
            return _rows(session.execute(delete(Session)))

    def purge_expired(self) -> int:
        """Delete the rows that no cookie can use any more and return how many there were."""
        with self._database.transaction() as session:
            return _rows(session.execute(delete(Session).where(Session.expires_at <= utc_now())))


def hashed(cookie: str) -> str:
    """Return what the table keeps of an id. It has 256 random bits, so a plain hash can't be turned around."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def _rows(result: Any) -> int:
    return int(result.rowcount)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
