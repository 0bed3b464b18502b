"""An attribute that is computed when it is first read."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
Owner = TypeVar("Owner")


class lazy(Generic[Owner, T]):  # noqa: N801 - used as a decorator, like property
    """Like `functools.cached_property`, without its lock (taken on every first read before Python 3.12)."""

    def __init__(self, function: Callable[[Owner], T]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy[Owner, T]": ...
    @overload
    def __get__(self, instance: Owner, owner: type) -> T: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = self.function(instance)
        # Not by way of __dict__: an object that nobody asks for it has none, and is smaller and faster for that.
        setattr(instance, self.name, value)
        return value
