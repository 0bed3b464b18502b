"""The cache backend in the memory of one process."""

import threading
import time
from collections import OrderedDict

# What Redis counts up to, so that both backends refuse the same.
LARGEST = 2**63 - 1


class MemoryBackend:
    """Keeps texts in a dictionary; of more than `max_entries`, the one that was not used for the longest time goes.

    Time is counted by the monotonic clock, so setting the clock ends nothing early and keeps nothing longer.
    """

    shared = False

    def __init__(self, max_entries: int = 10_000) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[str, tuple[str, float | None]] = OrderedDict()
        self._lock = threading.Lock()

    def _text(self, key: str) -> str | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] is not None and time.monotonic() >= entry[1]:
            del self._entries[key]
            return None
        return entry[0]

    def _put(self, key: str, text: str, ttl: float | None) -> None:
        self._entries[key] = (text, None if ttl is None else time.monotonic() + ttl)
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def get(self, key: str) -> str | None:
        """Return the text under a key, or None."""
        with self._lock:
            text = self._text(key)
            if text is not None:
                self._entries.move_to_end(key)
            return text

    def set(self, key: str, text: str, ttl: float | None, *, known: bool = False) -> None:
        """Keep a text; with `known` only in the place of another."""
        with self._lock:
            if not known or self._text(key) is not None:
                self._put(key, text, ttl)

    def add(self, key: str, text: str, ttl: float | None) -> bool:
        """Keep a text if there is none."""
        with self._lock:
            if self._text(key) is not None:
                return False
            self._put(key, text, ttl)
            return True

    def touch(self, key: str, ttl: float) -> None:
        """Keep what is under a key for `ttl` seconds from now."""
        with self._lock:
            text = self._text(key)
            if text is not None:
                self._put(key, text, ttl)

    def delete(self, key: str, text: str | None = None) -> bool:
        """Forget a key, if `text` is given only while that is under it."""
        with self._lock:
            found = self._text(key)
            if found is None or text not in (None, found):
                return False
            del self._entries[key]
            return True

    def increment(self, key: str, amount: int, ttl: float | None) -> int:
        """Add to a whole number and return the sum."""
        with self._lock:
            text = self._text(key)
            try:
                total = int(text or 0) + amount
            except ValueError:
                raise ValueError(f"There is no whole number under the cache key {key!r}.") from None
            if not -LARGEST <= total <= LARGEST:
                raise ValueError(f"The number under the cache key {key!r} would take more than 64 bits.")
            if text is None:
                self._put(key, str(total), ttl)
            else:
                self._entries[key] = (str(total), self._entries[key][1])
                self._entries.move_to_end(key)
            return total

    def keys(self) -> list[str]:
        """Return the keys whose time is not over."""
        with self._lock:
            return [key for key in list(self._entries) if self._text(key) is not None]

    def clear(self) -> None:
        """Forget all keys."""
        with self._lock:
            self._entries.clear()
