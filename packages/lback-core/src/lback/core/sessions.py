"""Sessions: data that belongs to a visitor, behind a cookie.

`Session` is what a view sees. A `SessionStore` keeps the data, as ``SESSION_STORE`` says: ``cookie`` in the cookie
itself (`SignedCookieStore`), ``cache`` in Redis (`lback.core.session_stores`); lback-orm has one in the database.
"""

import json
import time
from collections.abc import Iterator, MutableMapping
from typing import Any, Protocol, runtime_checkable

from itsdangerous import BadData

from lback.core.config import Config
from lback.core.signing import serializer

CREATED, SEEN, FLASHES = "_created", "_seen", "_flashes"
# Browsers keep at least 4,096 bytes for a cookie, its name and attributes included.
MAX_COOKIE_SIZE = 3800
# Of those, what the times take that `Session.save` adds.
BOOKKEEPING_SIZE = 100


@runtime_checkable
class SessionStore(Protocol):
    """Where sessions are kept.

    `can_revoke` tells whether a deleted session is gone at once, wherever its cookie is. A store may also have
    ``check(data)``, which raises for data that it could not keep.
    """

    can_revoke: bool

    def load(self, cookie: str) -> dict[str, Any] | None:
        """Return the data behind a cookie, or None when it is unknown, forged or too old."""

    def save(self, cookie: str | None, data: dict[str, Any], max_age: int) -> str:
        """Keep `data` for `max_age` seconds and return the cookie for it; None as `cookie` begins a new session."""

    def delete(self, cookie: str) -> None:
        """Forget what is behind a cookie; an unknown one is no error."""


class SignedCookieStore:
    """Keeps the data in the cookie, signed and readable. It can't revoke: a copied cookie works until it is too old."""

    can_revoke = False

    def __init__(self, config: Config) -> None:
        self._serializer = serializer(config, "lback.session")

    def load(self, cookie: str) -> dict[str, Any] | None:
        """Return the data in a cookie, if its signature is ours; how old it may be is for `Session` to say."""
        try:
            data = self._serializer.loads(cookie)
        except BadData:
            return None
        return data if isinstance(data, dict) else None

    def save(self, cookie: str | None, data: dict[str, Any], max_age: int) -> str:
        """Return the cookie that holds the data.

        Raises:
            ValueError: It is more than a cookie holds.
        """
        return self._fitting(data, MAX_COOKIE_SIZE)

    def check(self, data: dict[str, Any]) -> None:
        """Refuse data that would not fit, for which it is too late when it is saved: the view's work is committed then.

        Raises:
            ValueError: It is more than a cookie holds.
        """
        # Most sessions are so small that they need not be signed to know it.
        if 2 * len(json.dumps(data)) > MAX_COOKIE_SIZE:
            self._fitting(data, MAX_COOKIE_SIZE - BOOKKEEPING_SIZE)

    def _fitting(self, data: dict[str, Any], limit: int) -> str:
        text = self._serializer.dumps(data)
        if len(text) > limit:
            raise ValueError(
                f"The session has {len(text)} bytes, more than the {limit} that fit into a cookie. Keep less "
                "in it, or use a store on the server (SESSION_STORE)."
            )
        return text

    def delete(self, cookie: str) -> None:
        """Do nothing: the cookie is deleted in the browser, and nothing is kept here."""


class Session(MutableMapping[str, Any]):
    """The session of a visitor, as a dictionary of JSON values. Loaded when it is first looked at.

    Changing a list or dictionary inside it is not seen; assign it again, or set `modified`.

    Args:
        store: Where it is kept.
        cookie: What the browser sent, or None.
        idle: Seconds without a request after which it ends.
        lifetime: Seconds after which it ends in any case.
    """

    def __init__(self, store: SessionStore, cookie: str | None, idle: int, lifetime: int) -> None:
        self.store = store
        self.cookie = cookie
        self.accessed = False
        # Messages were asked for where the visitor has no session: that there are none depends on the cookie, too.
        self.asked = False
        # What `FlashMessages` fetched, for the other places of the page.
        self.shown: list[dict[str, str]] | None = None
        # The headers have been sent, and the body is being made.
        self.sent = False
        self._modified = False
        self._idle = idle
        self._lifetime = lifetime
        self._loaded: dict[str, Any] | None = None
        self._discarded: str | None = None

    @property
    def modified(self) -> bool:
        """Whether there is something to write down; set it after a change inside a list or dictionary.

        Raises:
            TypeError: What is inside is no JSON value.
            ValueError: It is more than the store keeps.
            RuntimeError: The headers of the response have been sent.
        """
        return self._modified

    @modified.setter
    def modified(self, modified: bool) -> None:
        if modified:
            self._refuse_if_sent()
            for key, value in self._data.items():
                _refuse_unless_json(key, value)
            self._refuse_unless_kept(self._data)
        self._modified = modified

    @property
    def _data(self) -> dict[str, Any]:
        self.accessed = True
        if self._loaded is None:
            self._refuse_if_sent()
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> dict[str, Any]:
        found = self.store.load(self.cookie) if self.cookie else None
        now = time.time()
        if found is None or now > found.get(CREATED, 0) + self._lifetime or now > found.get(SEEN, 0) + self._idle:
            # An id that the store does not know is never taken over: a new one is made when something is stored.
            if found is not None and self.cookie:
                self._discarded = self.cookie
            self.cookie = None
            return {}
        # Writing down every visit would be a write for every read; a tenth of the idle time is exact enough.
        if now > found.get(SEEN, 0) + self._idle / 10:
            self._modified = True
        return found

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._refuse_if_sent()
        _refuse_unless_json(key, value)
        self._refuse_unless_kept({**self._data, key: value})
        self._data[key] = value
        self._modified = True

    def __delitem__(self, key: str) -> None:
        self._refuse_if_sent()
        del self._data[key]
        self._modified = True

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._data if key not in (CREATED, SEEN, FLASHES))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def cycle(self) -> None:
        """Go on under a new id; call it at login and whenever the visitor gains rights."""
        self._refuse_if_sent()
        data = self._data
        self._discard()
        data.pop(CREATED, None)
        self._modified = True

    def flush(self) -> None:
        """Forget everything, on the server as well; call it at logout."""
        self._refuse_if_sent()
        self._discard()
        self._loaded = {}
        self.accessed = self._modified = True

    def _discard(self) -> None:
        if self.cookie:
            self._discarded = self.cookie
        self.cookie = None

    def set_flash(self, message: str, category: str = "info") -> None:
        """Keep a message for the next page that shows messages.

        Args:
            message: Text for the visitor.
            category: ``success``, ``info``, ``warning`` or ``error``.
        """
        self[FLASHES] = [*self._data.get(FLASHES, []), {"message": message, "category": category}]

    def get_flashed_messages(self, category_filter: str | None = None) -> list[dict[str, str]]:
        """Return the kept messages, of one category if given, and forget those.

        Returns:
            Each as ``{"message": ..., "category": ...}``. A visitor without a session has none, and gets none by this.
        """
        if self.cookie is None and self._loaded is None:
            self.asked = True
            return []
        kept = self._data.get(FLASHES, [])
        if not kept:
            return []
        chosen = [flash for flash in kept if category_filter in (None, flash["category"])]
        self[FLASHES] = [flash for flash in kept if flash not in chosen]
        return chosen

    def save(self) -> str | None:
        """Write the session down and return its cookie, or None when nothing is left to keep.

        The middleware calls it after the view, when something was modified.
        """
        data = {key: value for key, value in self._data.items() if key not in (CREATED, SEEN)}
        if not data.get(FLASHES, True):
            del data[FLASHES]
        if self._discarded:
            self.store.delete(self._discarded)
            self._discarded = None
        if not data:
            if self.cookie:
                self.store.delete(self.cookie)
            self.cookie = None
        else:
            now = time.time()
            data |= {CREATED: self._data.get(CREATED, now), SEEN: now}
            self.cookie = self.store.save(self.cookie, data, self._idle)
        self._modified = False
        return self.cookie

    def _refuse_unless_kept(self, data: dict[str, Any]) -> None:
        check = getattr(self.store, "check", None)
        if check is not None:
            check(data)

    def _refuse_if_sent(self) -> None:
        if self.sent:
            raise RuntimeError(
                "The session is first read, or changed, while the body of a StreamingResponse is made. Its cookie has "
                "been sent by then: read and change it in the view, before the response."
            )

    def __repr__(self) -> str:
        return f"<Session, {'new' if self.cookie is None else 'known'}>"


def _refuse_unless_json(key: str, value: Any) -> None:
    """Raise now, in the view: when the session is written, the work of the view has been committed."""
    try:
        json.dumps({key: value}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"A session keeps JSON values, and session[{key!r}] is or holds none: {error}") from None


class FlashMessages:
    """The messages for the visitor of a page, in templates ``messages``: fetched when they are looked at, and once.

    ``{% for message in messages %}`` and ``{% for message in messages() %}`` give the same; ``get_flashed_messages`` is
    another name for it, and both may be called with a category.
    """

    def __init__(self, session: Session | None) -> None:
        self._session = session

    def __call__(self, category_filter: str | None = None) -> list[dict[str, str]]:
        """Return all messages, the same ones every time; or those of one category."""
        session = self._session
        if session is None:
            return []
        if category_filter is not None:
            return session.get_flashed_messages(category_filter)
        if session.shown is None:
            session.shown = session.get_flashed_messages()
        return session.shown

    def __iter__(self) -> Iterator[dict[str, str]]:
        return iter(self())

    def __len__(self) -> int:
        return len(self())
