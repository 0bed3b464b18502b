"""Counting what somebody does, to stop it when it is too much: requests, logins, messages.

The counters are kept by the ``limits`` library where ``CACHE_URL`` says: in the memory of the process, each of several
workers then counts for itself, or in Redis, where all count together and exactly. Windows are fixed: a minute's limit
starts anew with each minute of the clock, so that twice the limit can fall into a span as long as a window that reaches
over such a boundary, and never more. A hit is one step, which adds one and returns the sum.
"""

import hashlib
import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, Protocol, TypeVar

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage

from lback.core.cache import MAX_TTL, NO_CLIENT, scheme_of
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, ServiceUnavailable, TooManyRequests
from lback.core.request import Request
from lback.security.addresses import client_key
from lback.security.log import log_refusal

logger = logging.getLogger("lback.security")

V = TypeVar("V", bound=Callable[..., Any])

# How long the store is left alone when it didn't answer, and how long an answer is waited for; in seconds.
PAUSE = 5.0
TIMEOUT = 0.5

# What is longer, in characters, is kept as its hash: a client may choose it, and fill the store with it.
MAX_KEY = 128

KEY_PARTS = ("ip", "user", "route")


class Counters(Protocol):
    """Where a `RateLimiter` counts; `LimitStore` is one."""

    def add(self, key: str, seconds: int, amount: int = 1) -> int | None:
        """Add to a counter that lives for some seconds, in one step; return the sum, or None if nobody can count."""


class LimitStore:
    """The counters, in memory or in Redis; one for an application, as a component of its container.

    When Redis doesn't answer, that is logged once, and it is left alone for five seconds between two attempts.

    Args:
        url: ``"memory://"`` or ``"redis://host:port/db"``; see `lback.core.cache.scheme_of`.
        prefix: What the keys begin with, to keep apart what shares a Redis.

    Raises:
        ConfigurationError: Another address, or the Redis client is not installed.
    """

    def __init__(self, url: str, prefix: str = "lback:limits") -> None:
        in_memory = scheme_of(url) == "memory"
        self._disconnect: Callable[[], object] | None = None
        self._storage: Storage = MemoryStorage() if in_memory else self._connected(url, prefix)
        # In memory a counter is looked at before it is changed.
        self._lock = threading.Lock() if in_memory else None
        self._resume_at = 0.0

    @classmethod
    def from_config(cls, config: Config) -> "LimitStore":
        """Make the store that ``CACHE_URL`` names; its keys begin with ``CACHE_PREFIX``."""
        return cls(config.CACHE_URL, f"{config.CACHE_PREFIX}:limits")

    def _connected(self, url: str, prefix: str) -> Storage:
        try:
            from lback.core.cache_redis import connection_pool
        except ImportError as error:
            raise ConfigurationError(NO_CLIENT) from error
        try:
            pool = connection_pool(url, TIMEOUT)
        except ValueError as error:
            raise ConfigurationError(f"CACHE_URL has an option that can't be used: {error}.") from error
        self._disconnect = weakref.finalize(self, pool.disconnect)
        return RedisStorage(url, connection_pool=pool, key_prefix=prefix, wrap_exceptions=True)

    def close(self) -> None:
        """Close the connections; that happens by itself when the store is gone."""
        if self._disconnect is not None:
            self._disconnect()

    def add(self, key: str, seconds: int, amount: int = 1) -> int | None:
        """Add to a counter that lives for some seconds; return the sum, or None if the store is away."""
        if self._lock is not None:
            with self._lock:
                return self._storage.incr(key, seconds, amount)
        if self._resume_at and time.monotonic() < self._resume_at:
            return None
        try:
            total = self._storage.incr(key, seconds, amount)
        except StorageError as error:
            if not self._resume_at:
                with suppress(Exception):  # a handler that fails makes no request fail
                    logger.warning("Redis, which has the counters of the rate limits, is away: %.200r.", error)
            self._resume_at = time.monotonic() + PAUSE
            return None
        if self._resume_at:
            self._resume_at = 0.0
            with suppress(Exception):
                logger.warning("Redis, which has the counters of the rate limits, is back.")
        return total


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a limiter says of a hit.

    Args:
        allowed: Whether it is within the limit.
        limit: How many are allowed in a window.
        remaining: How many more are left in this window.
        reset_after: In how many seconds the next window begins.
        counted: False when the store was away, and nobody knows.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_after: int
    counted: bool = True

    def headers(self) -> dict[str, str]:
        """Return the headers that tell the client, with ``Retry-After`` (RFC 9110) for a refusal.

        The names ``RateLimit-Limit``, ``RateLimit-Remaining`` and ``RateLimit-Reset`` (seconds) are those of
        draft-ietf-httpapi-ratelimit-headers up to version 06, which clients know; later versions have other fields.
        """
        headers = {} if self.allowed else {"Retry-After": str(self.reset_after)}
        if self.counted:
            headers["RateLimit-Limit"] = str(self.limit)
            headers["RateLimit-Remaining"] = str(self.remaining)
            headers["RateLimit-Reset"] = str(self.reset_after)
        return headers


class RateLimiter:
    """A limit for something, counted apart for each key.

    Args:
        store: Where the counters are; ``container.get(LimitStore)`` has the application's.
        limit: How many in how long, such as ``"5/minute"``, ``"100 per 10 minutes"`` or ``"1000/day"``.
        scope: What is counted; limiters of different scopes don't share counters.
        fail_closed: Whether everything is refused while the store is away, instead of nothing.

    Raises:
        ConfigurationError: The limit can't be read.

    Example:
        ``RateLimiter(store, "5/minute", "login", fail_closed=True).hit(client_key(request.remote_addr)).allowed``
    """

    def __init__(self, store: Counters, limit: str, scope: str, fail_closed: bool = False) -> None:
        self._store = store
        self._item = parse_limit(limit)
        self._seconds = self._item.get_expiry()
        self._scope = f"{scope}/{self._item.amount}/{self._seconds}"
        self._fail_closed = fail_closed

    def hit(self, key: str) -> Verdict:
        """Count one, whether it is allowed or not.

        Args:
            key: Whose it is; a name that can be written in several ways must be brought to one of them before.
        """
        now = time.time()
        window = int(now // self._seconds)
        limit = self._item.amount
        reset_after = math.ceil((window + 1) * self._seconds - now)
        total = self._store.add(self._counter(key, window), self._seconds)
        if total is None:
            return Verdict(not self._fail_closed, limit, limit, int(PAUSE), counted=False)
        return Verdict(total <= limit, limit, max(limit - total, 0), reset_after)

    def take_back(self, key: str) -> None:
        """Take one back that turned out not to count, such as a login with the right password."""
        self._store.add(self._counter(key, int(time.time() // self._seconds)), self._seconds, -1)

    def _counter(self, key: str, window: int) -> str:
        if len(key) > MAX_KEY or not key.isascii():
            key = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self._scope}/{window}/{key}"

    def check(self, request: Request, key: str) -> Verdict:
        """Count one, and refuse the request if that is too many.

        Raises:
            TooManyRequests: It is over the limit.
            ServiceUnavailable: The store is away, and the limiter fails closed.
        """
        verdict = self.hit(key)
        if verdict.allowed:
            return verdict
        if verdict.counted:
            log_refusal(request, "It is over its rate limit.")
            raise TooManyRequests(headers=verdict.headers())
        log_refusal(request, "The counters of its rate limit are away.")
        raise ServiceUnavailable(headers=verdict.headers())


@lru_cache(maxsize=256)
def parse_limit(text: str) -> RateLimitItem:
    """Read ``"5/minute"``.

    Raises:
        ConfigurationError: It is no limit, or several.
    """
    try:
        items = parse_many(text)
    except ValueError:
        items = []
    if len(items) != 1 or items[0].amount < 1 or not 1 <= items[0].get_expiry() <= MAX_TTL:
        raise ConfigurationError(
            f'A rate limit is text such as "5/minute" or "100 per 10 minutes", not {text!r}; for two limits use two '
            "limiters."
        )
    return items[0]


def request_key(request: Request, parts: Sequence[str]) -> str:
    """Return what a request is counted under.

    Args:
        request: The request.
        parts: Of ``"ip"``, the client's address; ``"user"``, the user who is logged in, or else the address; and
            ``"route"``, the pattern that the path matches, so that each route has counters of its own.
    """
    return " ".join([_KEYS[part](request) for part in parts])


def checked_parts(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of a key as given.

    Raises:
        ConfigurationError: There are none, or one that isn't known.
    """
    if isinstance(parts, str) or not parts or any(part not in KEY_PARTS for part in parts):
        raise ConfigurationError(f"Requests are counted per one or more of {', '.join(KEY_PARTS)}, not {parts!r}.")
    return tuple(parts)


def _client(request: Request) -> str:
    return client_key(request.remote_addr)


def _user(request: Request) -> str:
    identity = getattr(request.user, "id", None)
    return _client(request) if identity is None else f"user {identity}"


def _route(request: Request) -> str:
    match = request.match
    return match[0].pattern if match is not None else "no route"


_KEYS: Mapping[str, Callable[[Request], str]] = {"ip": _client, "user": _user, "route": _route}


def rate_limit(limit: str, *, per: Sequence[str] = ("ip",), fail_closed: bool = False) -> Callable[[V], V]:
    """Decorate a view, a function or a method of a class, that may be called only so often. No middleware is needed.

    Args:
        limit: Such as ``"5/minute"``; see `RateLimiter`.
        per: Whom to count; see `request_key`.
        fail_closed: Whether the view answers with a 503 while the store is away.

    Raises:
        ConfigurationError: The limit or `per` can't be read, or a class is decorated.

    Example:
        ``@rate_limit("5/minute")``
    """
    parse_limit(limit)
    parts = checked_parts(per)

    def decorate(view: Any) -> Any:
        if isinstance(view, type):
            raise ConfigurationError(f"rate_limit decorates functions and methods; {view.__qualname__} is a class.")
        scope = f"{view.__module__}.{view.__qualname__}"

        @wraps(view)
        def limited(*args: Any, **kwargs: Any) -> Any:
            # The first argument of a method is its object.
            request = next(argument for argument in (*args[:2], *kwargs.values()) if isinstance(argument, Request))
            store = request.app.container.get(LimitStore)
            RateLimiter(store, limit, scope, fail_closed).check(request, request_key(request, parts))
            return view(*args, **kwargs)

        return limited

    return decorate
