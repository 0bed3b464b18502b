"""`CacheSessionStore`: keeps sessions in the backend of the cache (``SESSION_STORE = "cache"``)."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lback.core.cache import CacheUnavailableError, encoded, make_backend
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, ServiceUnavailable

ID_BYTES = 32


class CacheSessionStore:
    """Sessions under keys of their own beside the cache: clearing the cache ends none.

    The cookie holds a random id, the server its hash. The session of a user also carries the user's stamp, and counts
    while that stamp is there: deleting it ends all sessions of the user at once, and one that the server lost ends them
    too. A server that does not answer makes requests that need their session a 503, so that no logout is lost.

    Args:
        config: ``CACHE_URL``, ``CACHE_PREFIX`` and ``DEBUG`` are read.

    Raises:
        ConfigurationError: The cache is in the memory of each process, and this is no development.
    """

    can_revoke = True

    def __init__(self, config: Config) -> None:
        self._backend = make_backend(config, "sessions")
        if not self._backend.shared and not config.DEBUG:
            raise ConfigurationError(
                "SESSION_STORE is 'cache' and CACHE_URL is 'memory://', where every worker process would have sessions "
                "of its own and a visitor be logged out at random: set CACHE_URL to 'redis://host:port/db'."
            )

    def load(self, cookie: str) -> dict[str, Any] | None:
        """Return the data behind the id in a cookie, or None when there is none, or it has expired or was ended."""
        with _needed():
            record = self._record(cookie)
            if record is None or not self._counts(record):
                return None
        data = record["data"]
        return data if isinstance(data, dict) else None

    def save(self, cookie: str | None, data: dict[str, Any], max_age: int) -> str:
        """Write the data down for `max_age` seconds and return the id, a new one for None.

        Raises:
            TypeError: JSON has no form for something in it.
        """
        user = _text(data.get("user_id"))
        with _needed():
            if cookie is None:
                cookie = secrets.token_urlsafe(ID_BYTES)
                record = {"user": user, "stamp": self._stamp(user, max_age), "data": data}
                self._backend.set(_key(cookie), encoded(record), max_age)
                return cookie
            before = self._record(cookie)
            # Without a record a logout came first, and what a slower request still had to write is not brought back.
            if before is not None:
                stamp = before["stamp"] if before["user"] == user else self._stamp(user, max_age)
                if user is not None:
                    self._backend.touch(_user_key(user), max_age)
                record = {"user": user, "stamp": stamp, "data": data}
                self._backend.set(_key(cookie), encoded(record), max_age, known=True)
        return cookie

    def delete(self, cookie: str) -> None:
        """Forget a session."""
        with _needed():
            self._backend.delete(_key(cookie))

    def delete_for_user(self, user_id: object) -> None:
        """End all sessions of a user."""
        with _needed():
            self._backend.delete(_user_key(str(user_id)))

    def _record(self, cookie: str) -> dict[str, Any] | None:
        text = self._backend.get(_key(cookie))
        try:
            record = json.loads(text) if text is not None else None
        except (ValueError, RecursionError):
            return None
        return record if isinstance(record, dict) and record.keys() == {"user", "stamp", "data"} else None

    def _counts(self, record: dict[str, Any]) -> bool:
        if record["user"] is None:
            return True
        stamp = self._backend.get(_user_key(str(record["user"])))
        return stamp is not None and stamp == record["stamp"]

    def _stamp(self, user: str | None, max_age: int) -> str | None:
        """Return the stamp of a user, which lives at least as long as the sessions with it."""
        if user is None:
            return None
        key = _user_key(user)
        fresh = secrets.token_hex(16)
        if self._backend.add(key, fresh, max_age):
            return fresh
        self._backend.touch(key, max_age)
        # Gone in between: the session that is about to be written does not count, as if it had ended with the others.
        return self._backend.get(key) or ""


@contextmanager
def _needed() -> Iterator[None]:
    try:
        yield
    except CacheUnavailableError as error:
        raise ServiceUnavailable from error


def _key(cookie: str) -> str:
    # The id has 256 random bits, so a plain hash can't be turned around.
    return f"id:{hashlib.sha256(cookie.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _user_key(user: str) -> str:
    return f"user:{user}"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
