"""Dependency injection: components by type, living as long as the application or as a request.

A component has a type and may have a name. View parameters and middleware constructors get it by annotating a
parameter with the type; constructors also by the name. A request-scoped component is an attribute of the request
under its name, made when it is first read.
"""

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from lback.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from lback.core.request import Request
    from lback.core.response import Response

T = TypeVar("T")

Finish = Callable[[Any, "Request", "Response | None", BaseException | None], None]
Close = Callable[[Any, "Request"], None]


@dataclass(frozen=True, slots=True)
class RequestComponent:
    """A component that lives as long as a request.

    Args:
        type: What parameters are annotated with to get it.
        name: The attribute of the request.
        factory: Makes it, given the request, when it is first read.
        finish: Called directly after the view, before any middleware sees the response, with the component, the
            request, and the response or the error; only if the component was made. Raising makes the answer an error.
        close: Called when the response has been sent, with the component and the request.
    """

    type: type
    name: str
    factory: Callable[["Request"], Any]
    finish: Finish | None = None
    close: Close | None = None


class Container:
    """The components of one application."""

    def __init__(self) -> None:
        self._made: dict[type, Any] = {}
        self._factories: dict[type, Callable[[Container], Any]] = {}
        self._names: dict[str, type] = {}
        self._making: list[type] = []
        self._lock = threading.RLock()
        self.request_components: dict[str, RequestComponent] = {}
        self.add(Container, self, name="container")

    def add(self, type_: type[T], component: T, name: str | None = None) -> None:
        """Register a finished component; the last one registered for a type counts."""
        self._made[type_] = component
        self._name(type_, name)

    def add_factory(self, type_: type[T], factory: Callable[["Container"], T], name: str | None = None) -> None:
        """Register a component that is made when it is first asked for, and once."""
        self._factories[type_] = factory
        self._made.pop(type_, None)
        self._name(type_, name)

    def add_request(
        self,
        type_: type[T],
        factory: Callable[["Request"], Any],
        name: str,
        finish: Finish | None = None,
        close: Close | None = None,
    ) -> None:
        """Register a component that lives as long as a request; see `RequestComponent`."""
        self.request_components[name] = RequestComponent(type_, name, factory, finish, close)
        self._name(type_, name)

    def _name(self, type_: type, name: str | None) -> None:
        if name is not None:
            self._names[name] = type_

    def get(self, type_: type[T]) -> T:
        """Return the component of a type.

        A class that was not registered and has a class method ``from_config(config)`` is made by it, once.

        Raises:
            ConfigurationError: Nothing of that type is known.
        """
        try:
            component: T = self._made[type_]
        except KeyError:
            component = self._make_once(type_)
        return component

    def _make_once(self, type_: type[T]) -> T:
        # Two threads may ask for the first time at once, and two pools of connections would be one too many.
        with self._lock:
            if type_ in self._made:
                return cast("T", self._made[type_])
            if type_ in self._making:
                circle = " -> ".join(map(_shown, [*self._making[self._making.index(type_) :], type_]))
                raise ConfigurationError(f"These components need each other in a circle: {circle}.")
            self._making.append(type_)
            try:
                component = self._made[type_] = self._make(type_)
            finally:
                self._making.pop()
            return component

    def _make(self, type_: type[T]) -> T:
        factory = self._factories.get(type_)
        if factory is not None:
            return cast("T", factory(self))
        from_config = getattr(type_, "from_config", None)
        if from_config is None:
            raise ConfigurationError(
                f"Nothing provides {_shown(type_)}. Register it with container.add or container.add_factory, or add "
                "the app or middleware that brings it."
            )
        from lback.core.config import Config

        return cast("T", from_config(self.get(Config)))

    def has(self, type_: type) -> bool:
        """Tell whether `get` would find a component that was registered."""
        return type_ in self._made or type_ in self._factories

    @contextmanager
    def override(self, type_: type[T], component: T) -> Iterator[None]:
        """Put another component in place for a while; for tests. What was built before keeps what it got."""
        missing = object()
        before = self._made.get(type_, missing)
        self._made[type_] = component
        try:
            yield
        finally:
            if before is missing:
                self._made.pop(type_, None)
            else:
                self._made[type_] = before

    def request_component(self, annotation: Any) -> RequestComponent | None:
        """Return the request-scoped component of a type, or None."""
        for component in self.request_components.values():
            if component.type is annotation:
                return component
        return None

    def build(self, class_: type[T], params: dict[str, Any] | None = None) -> T:
        """Make an object, filling its constructor by annotation, then by name, then from `params`.

        Raises:
            ConfigurationError: A parameter is left that has no default, or one in `params` has no place.
        """
        params = dict(params or {})
        arguments: dict[str, Any] = {}
        hints = _constructor_hints(class_)
        for name, parameter in _constructor_parameters(class_).items():
            if parameter.kind is parameter.VAR_KEYWORD:
                arguments |= params
                params = {}
            elif parameter.kind is parameter.VAR_POSITIONAL:
                continue
            elif name in params:
                arguments[name] = params.pop(name)
            elif (type_ := self.type_for(name, hints.get(name))) is not None:
                arguments[name] = self.get(type_)
            elif parameter.default is parameter.empty:
                raise ConfigurationError(
                    f"{_shown(class_)} needs {name!r}, which is neither a component nor among its params."
                )
        if params:
            raise ConfigurationError(f"{_shown(class_)} takes no {', '.join(map(repr, sorted(params)))}.")
        return class_(**arguments)

    def type_for(self, name: str, annotation: Any) -> type | None:
        """Return the type of the application-scoped component that a parameter asks for, or None."""
        if isinstance(annotation, type):
            if self.has(annotation):
                return annotation
            if hasattr(annotation, "from_config"):
                return annotation
        named = self._names.get(name)
        return named if named is not None and self.has(named) else None


def _constructor_parameters(class_: type) -> dict[str, inspect.Parameter]:
    if class_.__init__ is object.__init__:  # type: ignore[misc]
        return {}
    parameters = dict(inspect.signature(class_.__init__).parameters)  # type: ignore[misc]
    parameters.pop(next(iter(parameters)))
    return parameters


def _constructor_hints(class_: type) -> dict[str, Any]:
    try:
        return get_type_hints(class_.__init__)  # type: ignore[misc]
    except NameError as error:
        raise ConfigurationError(
            f"An annotation in the constructor of {_shown(class_)} can't be read: {error}."
        ) from error


def _shown(class_: Any) -> str:
    return f"{class_.__module__}.{class_.__qualname__}" if isinstance(class_, type) else repr(class_)
