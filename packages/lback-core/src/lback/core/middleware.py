"""Middlewares: what happens around every view, and how the chain of a project is put together.

``process_request`` hooks run in the order of ``MIDDLEWARES`` until one returns a response; the view is skipped then.
``process_response`` hooks run in reverse order, all of them, whatever made the response: the view, a middleware or an
error. ``process_exception`` hooks run in reverse order when a hook or the view raised, until one returns a response.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from lback.core.apps import import_attribute
from lback.core.container import Container
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.response import Response
from lback.core.signals import SignalDispatcher

RequestHook = Callable[[Request], Response | None]
ResponseHook = Callable[[Request, Response], Response]
ExceptionHook = Callable[[Request, Exception], Response | None]

HOOKS = ("process_request", "process_response", "process_exception")


class BaseMiddleware:
    """The base of middlewares; override the hooks you need, the others cost nothing.

    Constructor parameters are filled by annotation, by component name (``config``, ``logger``, ``router``), and from
    the ``params`` of the entry in ``MIDDLEWARES``.
    """

    def process_request(self, request: Request) -> Response | None:
        """Look at a request before the view; a response ends the way here."""
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the response to send: the same one, changed, or another. The database work is committed by now."""
        return response

    def process_exception(self, request: Request, exc: Exception) -> Response | None:
        """Answer an exception, or return None to leave it to the others."""
        return None


@dataclass(frozen=True, slots=True)
class MiddlewareChain:
    """The hooks of the middlewares in the order they are called, only those that are really overridden."""

    middlewares: tuple[Any, ...]
    on_request: tuple[RequestHook, ...]
    on_response: tuple[ResponseHook, ...]
    on_exception: tuple[ExceptionHook, ...]

    @classmethod
    def of(cls, middlewares: Sequence[Any]) -> "MiddlewareChain":
        """Gather the hooks of `middlewares`."""
        backwards = middlewares[::-1]
        return cls(
            tuple(middlewares),
            tuple(_hooks(middlewares, "process_request")),
            tuple(_hooks(backwards, "process_response")),
            tuple(_hooks(backwards, "process_exception")),
        )

    def watched(self, dispatcher: SignalDispatcher) -> "MiddlewareChain":
        """Return the same chain with the signals of `lback.core.signals` around every hook and both directions."""
        from lback.core.watching import watched_chain

        return watched_chain(self, dispatcher)


def refuse_result(hook: Callable[..., Any], result: Any) -> NoReturn:
    """Raise the error for a hook of a middleware that returned something that can't be sent."""
    name = getattr(hook, "__qualname__", repr(hook))
    wanted = "a Response" if name.endswith("process_response") else "a Response or None"
    raise TypeError(f"{name} must return {wanted}; it returned {type(result).__name__}.")


def _hooks(middlewares: Sequence[Any], name: str) -> list[Any]:
    default = getattr(BaseMiddleware, name)
    return [
        getattr(middleware, name) for middleware in middlewares if getattr(type(middleware), name, default) != default
    ]


def load_middlewares(entries: Sequence[str | Mapping[str, Any]], container: Container) -> list[Any]:
    """Make the middlewares that the setting ``MIDDLEWARES`` lists.

    Args:
        entries: Import paths of classes, or mappings ``{"class": path, "params": {...}}``.
        container: Where the constructors' parameters come from.

    Raises:
        ConfigurationError: One can't be imported or made, or has no hook. None is ever left out.
    """
    return [_loaded(entry, container) for entry in entries]


def _loaded(entry: Any, container: Container) -> Any:
    if isinstance(entry, str):
        target, params = entry, {}
    elif isinstance(entry, Mapping) and isinstance(entry.get("class"), str) and set(entry) <= {"class", "params"}:
        target, params = entry["class"], dict(entry.get("params") or {})
    else:
        raise ConfigurationError(
            f'An entry of MIDDLEWARES is an import path or {{"class": path, "params": {{...}}}}, not {entry!r}.'
        )
    try:
        class_ = import_attribute(target)
        middleware = container.build(class_, params)
        _check_hooks(middleware)
        return middleware  # noqa: TRY300 - what is checked is part of what is tried
    except ConfigurationError as error:
        raise ConfigurationError(f"The middleware {target} can't be set up. {error}") from error
    except Exception as error:
        raise ConfigurationError(f"The middleware {target} can't be set up. {type(error).__name__}: {error}") from error


def _check_hooks(middleware: Any) -> None:
    hooks = [hook for name in HOOKS for hook in _hooks([middleware], name)]
    if any(map(inspect.iscoroutinefunction, hooks)):
        raise ConfigurationError("Its hooks are async def, which a WSGI server can't run: write them as def.")
    # One with a constructor may be there for what it registers, such as a component.
    if not hooks and type(middleware).__init__ is object.__init__:
        raise ConfigurationError(f"It has no hook, which is one of {', '.join(HOOKS)}.")
