"""The cache backend on a Redis server; needs ``lback-core[redis]``."""

import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from lback.core.cache import CacheUnavailableError

T = TypeVar("T")

# Seconds that a command may take, and for which a server that did not answer is left alone: without the second, an
# unreachable server would cost every request the first, several times.
TIMEOUT = 2.0
REST = 1.0
_BATCH = 500
_GLOB = re.compile(rb"([*?\[\]\\])")

# Both are atomic on the server. The second leaves the time of a number that is there as it is, and answers
# to a sum beyond 64 bits by itself: an error of the server would look as if it were out of order.
_DELETE_IF = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_INCREMENT = """
local found = redis.call('GET', KEYS[1])
if found and not string.match(found, '^-?%d+$') then return false end
local total = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(total) == 'table' then return 'too large' end
if not found and ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return total
"""


def connection_pool(url: str, timeout: float) -> redis.ConnectionPool:
    """Return the connections to a server, none of them open yet.

    Args:
        url: ``redis://[:password@]host:port/db``, or ``rediss://`` for TLS.
        timeout: Seconds that a command may take.

    Raises:
        ValueError: The address has an option, such as ``?socket_timeout=5``, that the client does not take.
    """
    # A connection that the server closed meanwhile is opened again, once and at once.
    pool = redis.ConnectionPool.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 1)
    )
    if pool.connection_kwargs.get("decode_responses"):
        raise ValueError("decode_responses is not for this use")
    try:
        pool.connection_class(**pool.connection_kwargs)  # not connected; only its arguments are looked at
    except TypeError as error:
        raise ValueError(str(error).rpartition(" got ")[2]) from error
    return pool


class RedisBackend:
    """Keeps texts on a Redis server, which ends their time.

    Args:
        url: ``redis://[:password@]host:port/db``, or ``rediss://`` for TLS.
        prefix: What every key begins with there.

    Raises:
        ValueError: The address has an option, such as ``?socket_timeout=5``, that the client does not take.
    """

    shared = True

    def __init__(self, url: str, prefix: str) -> None:
        self._prefix = prefix.encode()
        self._client = redis.Redis.from_pool(connection_pool(url, TIMEOUT))
        self._rest_until = 0.0
        self._lock = threading.Lock()

    def _key(self, key: str) -> bytes:
        return self._prefix + key.encode("utf-8", "surrogatepass")

    def _run(self, command: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if time.monotonic() < self._rest_until:
            raise CacheUnavailableError("The Redis server of the cache did not answer a moment ago.")
        try:
            return command(*arguments, **options)
        except RedisError as error:
            with self._lock:
                self._rest_until = time.monotonic() + REST
            raise CacheUnavailableError(
                f"The Redis server of the cache can't be used: {type(error).__name__}: {error}"
            ) from None

    def get(self, key: str) -> str | None:
        """Return the text under a key, or None."""
        found: bytes | None = self._run(self._client.get, self._key(key))
        return None if found is None else found.decode("utf-8", "replace")

    def set(self, key: str, text: str, ttl: float | None, *, known: bool = False) -> None:
        """Keep a text; with `known` only in the place of another."""
        self._run(self._client.set, self._key(key), text, px=_milliseconds(ttl), xx=known)

    def add(self, key: str, text: str, ttl: float | None) -> bool:
        """Keep a text if there is none."""
        return bool(self._run(self._client.set, self._key(key), text, px=_milliseconds(ttl), nx=True))

    def touch(self, key: str, ttl: float) -> None:
        """Keep what is under a key for `ttl` seconds from now."""
        self._run(self._client.pexpire, self._key(key), _milliseconds(ttl))

    def delete(self, key: str, text: str | None = None) -> bool:
        """Forget a key, if `text` is given only while that is under it."""
        if text is None:
            return bool(self._run(self._client.delete, self._key(key)))
        return bool(self._run(self._client.eval, _DELETE_IF, 1, self._key(key), text))

    def increment(self, key: str, amount: int, ttl: float | None) -> int:
        """Add to a whole number and return the sum."""
        total: int | bytes | None = self._run(
            self._client.eval, _INCREMENT, 1, self._key(key), amount, _milliseconds(ttl) or ""
        )
        if total is None:
            raise ValueError(f"There is no whole number under the cache key {key!r}.")
        if total == b"too large":
            raise ValueError(f"The number under the cache key {key!r} would take more than 64 bits.")
        return int(total)

    def keys(self) -> list[str]:
        """Return the keys, found by going through the whole database."""
        start = len(self._prefix)
        return [key[start:].decode("utf-8", "surrogatepass") for key in self._run(self._found)]

    def clear(self) -> None:
        """Forget the keys with this prefix, and no others."""
        found = self._run(self._found)
        for first in range(0, len(found), _BATCH):
            self._run(self._client.unlink, *found[first : first + _BATCH])

    def _found(self) -> list[bytes]:
        pattern = _GLOB.sub(rb"\\\1", self._prefix) + b"*"
        # A scan may name a key twice.
        return list(dict.fromkeys(self._client.scan_iter(pattern, count=_BATCH)))


def _milliseconds(ttl: float | None) -> int | None:
    return None if ttl is None else max(1, int(ttl * 1000))
