"""Mappings that HTTP needs: several values for one key, and header names without regard to case."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar, overload

T = TypeVar("T")


class MultiDict(dict[str, T]):
    """A dictionary whose keys may have several values, such as ``?tag=a&tag=b``.

    As a plain dictionary it shows the last value of each key; `getlist` gives them all. Request data is read-only by
    convention: changing it changes this object alone.

    Args:
        pairs: The keys and values in the order they came.
    """

    def __init__(self, pairs: Iterable[tuple[str, T]] = ()) -> None:
        self._lists: dict[str, list[T]] = {}
        for key, value in pairs:
            self._lists.setdefault(key, []).append(value)
        super().__init__({key: values[-1] for key, values in self._lists.items()})

    def __setitem__(self, key: str, value: T) -> None:
        self._lists[key] = [value]
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        del self._lists[key]

    # dict's own would change its part alone.
    popitem = MutableMapping.popitem
    setdefault = MutableMapping.setdefault
    update = MutableMapping.update

    def __ior__(self, other: Any) -> "MultiDict[T]":  # type: ignore[override,misc]
        self.update(other)
        return self

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a key and return its last value, or `default` if it is absent and one is given."""
        self._lists.pop(key, None)
        return super().pop(key, *default)

    def clear(self) -> None:
        """Remove everything."""
        super().clear()
        self._lists.clear()

    def copy(self) -> "MultiDict[T]":
        """Return a copy with all values of every key."""
        return MultiDict(self.pairs())

    __copy__ = copy

    @overload  # type: ignore[override]
    def get(self, key: str, default: None = None, type: None = None) -> T | None: ...
    @overload
    def get(self, key: str, default: T, type: None = None) -> T: ...
    @overload
    def get(self, key: str, default: Any = None, *, type: Callable[[T], Any]) -> Any: ...
    def get(self, key: str, default: Any = None, type: Callable[[T], Any] | None = None) -> Any:  # noqa: A002
        """Return the last value of `key`, converted by `type` if given, or `default` if absent or not convertible."""
        if key not in self:
            return default
        value = self[key]
        if type is None:
            return value
        try:
            return type(value)
        except ValueError:
            return default

    def getlist(self, key: str) -> list[T]:
        """Return all values of `key` in the order they came; an empty list when there is none."""
        return list(self._lists.get(key, ()))

    def lists(self) -> Iterator[tuple[str, list[T]]]:
        """Iterate over the keys, each with all its values."""
        return ((key, list(values)) for key, values in self._lists.items())

    def pairs(self) -> Iterator[tuple[str, T]]:
        """Iterate over every key and value, a key as often as it has values."""
        return ((key, value) for key, values in self._lists.items() for value in values)


# RFC 9110, 5.6.2: a header name is a token. A value may hold no control characters (tab apart) and only Latin-1.
_INVALID_NAME = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
_INVALID_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


def checked_header(name: str, value: str) -> tuple[str, str]:
    """Return the header as given, if it can be sent.

    Raises:
        ValueError: A control character (a line break would begin a header of the attacker's own), or a name that is
            not a token of RFC 9110.
    """
    if not name or _INVALID_NAME.search(name):
        raise ValueError(f"A header name consists of letters, digits and hyphens; this one does not: {name!r}.")
    if _INVALID_VALUE.search(value):
        raise ValueError(
            f"The header {name} can't hold control characters or text outside Latin-1; quote or encode it first."
        )
    return name, value


class Headers(MutableMapping[str, str]):
    """Response headers: one value for each name, names without regard to case, every value checked when it is set.

    ``Set-Cookie`` is the one header that repeats; `lback.core.response.Response.set_cookie` keeps those apart.
    """

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._items: dict[str, tuple[str, str]] = {}
        if values:
            for name, value in values.items():
                self[name] = value

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __setitem__(self, name: str, value: str) -> None:
        self._items[name.lower()] = checked_header(name, str(value))

    def __delitem__(self, name: str) -> None:
        del self._items[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._items

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Headers({dict(self.items())!r})"

    def set_checked(self, key: str, header: tuple[str, str]) -> None:
        """Set a header that `checked_header` gave, under its name in lower case."""
        self._items[key] = header

    def add_missing(self, checked: Iterable[tuple[str, tuple[str, str]]]) -> None:
        """Add headers that were checked before, as pairs of lower-case name and (name, value), where absent."""
        items = self._items
        for key, header in checked:
            if key not in items:
                items[key] = header

    def add_vary(self, name: str) -> None:
        """Add `name` to ``Vary``, unless it is there or everything varies."""
        present = self.get("Vary", "")
        names = {part.strip().lower() for part in present.split(",")}
        if "*" not in names and name.lower() not in names:
            self["Vary"] = f"{present}, {name}" if present else name

    def to_list(self, length: int | None = None) -> list[tuple[str, str]]:
        """Return the headers as WSGI takes them, with ``Content-Length`` where `length` is given, in bytes."""
        if length is not None:
            self._items["content-length"] = ("Content-Length", str(length))
        return list(self._items.values())


class RequestHeaders(Mapping[str, str]):
    """The headers of a request, read from its WSGI environ, names without regard to case."""

    __slots__ = ("_environ",)

    _UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def _key(self, name: str) -> str:
        key = name.upper().replace("-", "_")
        return key if key in self._UNPREFIXED else f"HTTP_{key}"

    def __getitem__(self, name: str) -> str:
        try:
            value: str = self._environ[self._key(name)]
        except KeyError:
            raise KeyError(name) from None
        return value

    def __iter__(self) -> Iterator[str]:
        for key, value in self._environ.items():
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").title()
            elif key in self._UNPREFIXED and value:
                yield key.replace("_", "-").title()

    def __len__(self) -> int:
        return sum(1 for _ in self)
