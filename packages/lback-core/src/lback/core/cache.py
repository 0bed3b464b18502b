"""The cache: JSON values under keys, each for a time, in the memory of this process or in Redis (``CACHE_URL``).

cachelib was looked at: its backends pickle unless told otherwise, keep no order of use, take a stored None for
nothing and have no lock against a stampede. What is here is smaller than what would have gone around it.
"""

import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from lback.core.cache_memory import MemoryBackend
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, LbackError
from lback.core.signals import SignalDispatcher, dispatcher

logger = logging.getLogger("lback.cache")

T = TypeVar("T")

MISSING: Final = object()
# How long others wait for the one that makes a value, before they take it for dead.
MAKING_SECONDS = 30.0
# A hundred years. Redis refuses what its clock can't reach.
MAX_TTL = 100 * 365 * 24 * 3600
_LOCK = "\0making:"
NO_CLIENT = "CACHE_URL names a Redis server, whose client is not installed: pip install 'lback-core[redis]'."


class CacheUnavailableError(LbackError):
    """The server behind the cache does not answer. `Cache` keeps it to itself; a backend raises it."""


class CacheBackend(Protocol):
    """Where the texts of a cache are kept. Every method may raise `CacheUnavailableError`.

    `shared` tells whether other processes see the same texts.
    """

    shared: bool

    def get(self, key: str) -> str | None:
        """Return the text under a key, or None when there is none or its time is over."""

    def set(self, key: str, text: str, ttl: float | None, *, known: bool = False) -> None:
        """Keep a text for `ttl` seconds, or for good; with `known` only in the place of one that is there."""

    def add(self, key: str, text: str, ttl: float | None) -> bool:
        """Keep a text if there is none, and return whether that is so."""

    def touch(self, key: str, ttl: float) -> None:
        """Keep what is under a key for `ttl` seconds from now."""

    def delete(self, key: str, text: str | None = None) -> bool:
        """Forget a key, if `text` is given only while that is under it; return whether it was there."""

    def increment(self, key: str, amount: int, ttl: float | None) -> int:
        """Add to a whole number, 0 if there is none, and return the sum. `ttl` counts from the first time on."""

    def keys(self) -> list[str]:
        """Return the keys."""

    def clear(self) -> None:
        """Forget all keys."""


class Cache:
    """Keeps what is costly to make. Values are what JSON has, and a reader gets a copy of its own.

    A server that does not answer makes the cache empty and no request fail: reads find nothing, writes are dropped,
    and one record in the log says so until it answers again.

    Args:
        backend: Where the values are.
        signals: Gets ``cache_hit``, ``cache_miss``, ``cache_item_set`` and ``cache_item_deleted``, by key alone.

    Example:
        ``def home(request, cache: Cache): return cache.get_or_set("home", make_home, ttl=60)``
    """

    def __init__(self, backend: CacheBackend, signals: SignalDispatcher = dispatcher) -> None:
        self.backend = backend
        self._signals = signals
        self._flights = _Flights()
        self._away = False

    @classmethod
    def from_config(cls, config: Config) -> "Cache":
        """Return the cache that ``CACHE_URL`` names; see `make_backend`."""
        return cls(make_backend(config, "cache"))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value under a key, or `default`."""
        value = _decoded(self._softly(None, self.backend.get, checked(key)))
        if self._signals.has_any:
            self._signals.send("cache_miss" if value is MISSING else "cache_hit", self, key=key)
        return default if value is MISSING else value

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Keep a value.

        Args:
            key: Any text.
            value: What JSON has: text, numbers, booleans, None, lists and dictionaries with text as keys.
            ttl: Seconds; None keeps it until room is needed, 0 or less forgets the key.

        Raises:
            TypeError: JSON has no form for the value.
        """
        self._keep(checked(key), encoded(value), ttl)

    def delete(self, key: str) -> bool:
        """Forget a key and return whether there was a value."""
        deleted = self._softly(False, self.backend.delete, checked(key))
        if deleted and self._signals.has_any:
            self._signals.send("cache_item_deleted", self, key=key)
        return deleted

    def has(self, key: str) -> bool:
        """Tell whether there is a value under a key."""
        return _decoded(self._softly(None, self.backend.get, checked(key))) is not MISSING

    def keys(self) -> list[str]:
        """Return the keys, in no order. On Redis that takes as long as its database is large."""
        found: list[str] = self._softly([], self.backend.keys)
        return [key for key in found if not key.startswith(_LOCK)]

    def clear(self) -> None:
        """Forget every key of this cache."""
        self._softly(None, self.backend.clear)

    def increment(self, key: str, amount: int = 1, ttl: float | None = None) -> int:
        """Add to a whole number and return the sum, without losing what others add at the same time.

        Args:
            key: The key; a number that isn't there counts as 0.
            amount: What to add; less than 0 takes away.
            ttl: Seconds from the first addition on.

        Raises:
            TypeError: The amount is no whole number.
            ValueError: There is something else under the key, or the sum takes more than 64 bits.
        """
        if type(amount) is not int:
            raise TypeError(f"A cache adds whole numbers, not {amount!r}.")
        return self._softly(amount, self.backend.increment, checked(key), amount, checked_ttl(ttl))

    def get_or_set(self, key: str, make: Callable[[], Any], ttl: float | None = None) -> Any:
        """Return the value under a key, made by `make` when there is none.

        One caller makes it, in this process and on Redis among all of them; the others wait and get the same value,
        or the same exception in this process. A maker that takes longer than 30 seconds is not waited for elsewhere.

        Args:
            key: The key.
            make: Called without arguments.
            ttl: As for `set`.
        """
        value = self.get(key, MISSING)
        if value is not MISSING:
            return value
        return json.loads(self._flights.run(key, lambda: self._made(key, make, ttl)))

    def _made(self, key: str, make: Callable[[], Any], ttl: float | None) -> str:
        lock = _LOCK + key
        token = encoded(secrets.token_hex(8))
        patience = time.monotonic() + MAKING_SECONDS
        pause = 0.005
        while not self._softly(True, self.backend.add, lock, token, MAKING_SECONDS):
            if time.monotonic() > patience:
                break
            time.sleep(pause)
            pause = min(2 * pause, 0.1)
        try:
            text = self._softly(None, self.backend.get, key)
            if text is None or _decoded(text) is MISSING:
                text = encoded(make())
                self._keep(key, text, ttl)
            return text
        finally:
            self._softly(False, self.backend.delete, lock, token)

    def _keep(self, key: str, text: str, ttl: float | None) -> None:
        seconds = checked_ttl(ttl)
        if seconds is not None and seconds <= 0:
            self.delete(key)
            return
        self._softly(None, self.backend.set, key, text, seconds)
        if self._signals.has_any:
            expires_at = None if seconds is None else time.time() + seconds
            self._signals.send("cache_item_set", self, key=key, ttl=ttl, expires_at=expires_at)

    def _softly(self, instead: T, operation: Callable[..., T], *arguments: Any) -> T:
        """Return what an operation of the backend gives, and `instead` when the server is away."""
        try:
            result = operation(*arguments)
        except CacheUnavailableError as error:
            if not self._away:
                self._away = True
                with suppress(Exception):  # a handler that fails makes no request fail
                    logger.error("%s Reads find nothing and writes are dropped until it answers.", error)  # noqa: TRY400
            return instead
        if self._away:
            self._away = False
            with suppress(Exception):
                logger.warning("The cache answers again.")
        return result


class _Flights:
    """Has one thread do what several ask for at once, and hands its outcome to all of them."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}
        self._lock = threading.Lock()

    def run(self, key: str, work: Callable[[], str]) -> str:
        with self._lock:
            flight = self._flights.get(key)
            ours = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
        if not ours:
            return flight.outcome(key)
        try:
            flight.result = work()
        except BaseException as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                del self._flights[key]
            flight.done.set()
        return flight.result


class _Flight:
    """Work under way in one thread."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.done = threading.Event()
        self.result = ""
        self.error: BaseException | None = None

    def outcome(self, key: str) -> str:
        if self.thread == threading.get_ident():
            raise RuntimeError(f"What makes the cached value {key!r} asks for that value itself.")
        self.done.wait()
        if self.error is not None:
            raise self.error
        return self.result


def scheme_of(url: str) -> str:
    """Return the scheme of an address in ``CACHE_URL``: ``memory``, ``redis`` or ``rediss``.

    Raises:
        ConfigurationError: The address is none.
    """
    try:
        parts = urlsplit(url)
        valid = parts.port != 0 and re.fullmatch(r"/?|/[0-9]{1,5}", parts.path) is not None
    except ValueError:
        valid = False
    if valid and (
        (parts.scheme == "memory" and not parts.netloc) or (parts.scheme in ("redis", "rediss") and parts.hostname)
    ):
        return parts.scheme
    raise ConfigurationError(
        "CACHE_URL must be 'memory://' or 'redis://host:port/db' (rediss:// with TLS); "
        f"it begins with {url.partition('://')[0][:20]!r}."
    )


def make_backend(config: Config, namespace: str) -> CacheBackend:
    """Return the backend that ``CACHE_URL`` names.

    Args:
        config: ``CACHE_URL`` (``memory://`` or ``redis://host:port/db``), ``CACHE_PREFIX`` and ``CACHE_MAX_ENTRIES``.
        namespace: Keeps the keys of one use apart from those of another.

    Raises:
        ConfigurationError: The address is none, or the client for it is not installed.
    """
    url: str = config.CACHE_URL
    if scheme_of(url) == "memory":
        if config.CACHE_MAX_ENTRIES < 1:
            raise ConfigurationError("CACHE_MAX_ENTRIES must be at least 1.")
        return MemoryBackend(config.CACHE_MAX_ENTRIES)
    try:
        from lback.core.cache_redis import RedisBackend
    except ImportError as error:
        raise ConfigurationError(NO_CLIENT) from error
    try:
        return RedisBackend(url, f"{config.CACHE_PREFIX}:{namespace}:")
    except ValueError as error:
        raise ConfigurationError(f"CACHE_URL has an option that can't be used: {error}.") from error


def checked(key: str) -> str:
    """Return a key that is text.

    Raises:
        TypeError: It is something else, which would be another key in each backend.
    """
    if not isinstance(key, str):
        raise TypeError(f"A cache key must be text, not {type(key).__name__}.")
    return key


def checked_ttl(ttl: float | None) -> float | None:
    """Return a number of seconds or None.

    Raises:
        ValueError: It is neither.
    """
    if ttl is None:
        return None
    if type(ttl) not in (int, float) or not -MAX_TTL <= ttl <= MAX_TTL:
        raise ValueError(f"A ttl must be a number of seconds up to {MAX_TTL}, or None, not {ttl!r}.")
    return ttl


def encoded(value: Any) -> str:
    """Return a value as JSON.

    Raises:
        TypeError: JSON has no form for it.
    """
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"The cache keeps JSON values, and {type(value).__name__} is or holds none: {error}") from None


def _decoded(text: str | None) -> Any:
    """Return the value of a text, or `MISSING`: what somebody else wrote there counts as nothing."""
    if text is None:
        return MISSING
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING
