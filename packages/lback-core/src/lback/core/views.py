"""Views: turning what a project wrote, functions and classes, into handlers of a request."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from lback.core.container import Container
from lback.core.exceptions import ConfigurationError, MethodNotAllowed, Unauthorized
from lback.core.request import SAFE_METHODS, Request
from lback.core.response import RedirectResponse, Response, to_response
from lback.core.route_tree import variable_names
from lback.core.routing import METHODS, Handler, Route

Injection = Callable[[Request], Any]


def compile_view(route: Route, container: Container) -> Handler:
    """Return the handler of a route: it calls the view with the path variables and the components it asks for.

    Raises:
        ConfigurationError: The view can't take one of the route's variables, asks for something unknown, or is async.
    """
    handler = (
        _class_handler(route, container) if isinstance(route.view, type) else _handler(route, route.view, container)
    )
    return _authenticated(handler) if route.requires_auth else handler


def _handler(route: Route, view: Callable[..., Any], container: Container) -> Handler:
    _refuse_async(route, view)
    injections = _injections(route, view, container)
    if not injections and not variable_names(route.pattern):

        def bare(request: Request, params: dict[str, Any]) -> Response:
            result = view(request)
            return result if isinstance(result, Response) else to_response(result, route)

        return bare

    if not injections:

        def plain(request: Request, params: dict[str, Any]) -> Response:
            result = view(request, **params)
            return result if isinstance(result, Response) else to_response(result, route)

        return plain

    def injecting(request: Request, params: dict[str, Any]) -> Response:
        injected = {name: inject(request) for name, inject in injections.items()}
        return to_response(view(request, **params, **injected), route)

    return injecting


def _class_handler(route: Route, container: Container) -> Handler:
    """Return a handler that makes an object of the class for each request."""
    class_: Any = route.view
    if hasattr(class_, "dispatch"):
        return _handler(route, _bound(class_, "dispatch"), container)
    verbs = {method: method.lower() for method in METHODS if hasattr(class_, method.lower())}
    missing = [method for method in route.methods if method not in verbs]
    if missing:
        raise ConfigurationError(f"{route} has no method {', '.join(method.lower() for method in missing)}.")
    handlers = {method: _handler(route, _bound(class_, name), container) for method, name in verbs.items()}

    def by_verb(request: Request, params: dict[str, Any]) -> Response:
        # Of the table, not of the object: a method name from the wire never reaches getattr.
        handler = handlers.get(request.method) or (handlers.get("GET") if request.method == "HEAD" else None)
        if handler is None:
            raise MethodNotAllowed(route.methods)
        return handler(request, params)

    return by_verb


def _bound(class_: Any, name: str) -> Callable[..., Any]:
    function = getattr(class_, name)

    def call(request: Request, **arguments: Any) -> Any:
        return getattr(class_(), name)(request, **arguments)

    parameters = list(inspect.signature(function).parameters.values())[1:]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = _hints(function)
    call.__qualname__ = function.__qualname__
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def _refuse_async(route: Route, view: Callable[..., Any]) -> None:
    function: Any = inspect.unwrap(view)
    for kind in (function, type(function).__call__):
        if inspect.iscoroutinefunction(kind) or inspect.isasyncgenfunction(kind):
            raise ConfigurationError(
                f"The view of {route} is an async def, which a WSGI server can't run: write it as def."
            )


def _authenticated(handler: Handler) -> Handler:
    def guarded(request: Request, params: dict[str, Any]) -> Response:
        return handler(request, params) if request.user else login_required_response(request)

    return guarded


def login_required_response(request: Request) -> Response:
    """Return the answer to an anonymous user: the way to the login page and back, or a 401 where there is none.

    Back leads to pages alone: what a form was sent to is no place to come back to.

    Raises:
        Unauthorized: The client asks for JSON, or nothing answers at ``LOGIN_URL``.
    """
    login_url: str = request.config.LOGIN_URL
    if request.wants_json() or request.app.router.match(login_url) is None:
        raise Unauthorized("Log in first.", headers={"WWW-Authenticate": 'Session realm="site"'})
    if request.method not in SAFE_METHODS:
        return RedirectResponse(f"{request.script_root}{login_url}", 303)
    return RedirectResponse(f"{request.script_root}{login_url}?{urlencode({'next': request.full_path})}")


def _injections(route: Route, view: Callable[..., Any], container: Container) -> Mapping[str, Injection]:
    """Return how each parameter beside the request and the path variables is filled."""
    parameters = list(inspect.signature(view).parameters.values())
    variables = variable_names(route.pattern)
    _check_variables(route, parameters, variables)
    hints = _hints(view)
    injections: dict[str, Injection] = {}
    for parameter in parameters[1:]:
        if parameter.name in variables or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        injection = _injection(parameter.name, _without_none(hints.get(parameter.name)), container)
        if injection is not None:
            injections[parameter.name] = injection
        elif parameter.default is parameter.empty:
            raise ConfigurationError(
                f"The view of {route} asks for {parameter.name!r}, which is no variable of its pattern, and nothing "
                "provides it by its type."
            )
    return injections


def _check_variables(route: Route, parameters: list[inspect.Parameter], variables: list[str]) -> None:
    if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise ConfigurationError(f"The view of {route} must take the request as its first parameter.")
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    names = {parameter.name for parameter in parameters[1:]}
    missing = [name for name in variables if name not in names]
    if missing:
        raise ConfigurationError(f"The view of {route} must take {', '.join(missing)}, as its pattern has it.")


def _injection(name: str, annotation: Any, container: Container) -> Injection | None:
    if annotation is Request:
        return lambda request: request
    component = container.request_component(annotation) or container.request_components.get(name)
    if component is not None:
        attribute = component.name
        return lambda request: getattr(request, attribute)
    type_ = container.type_for(name, annotation)
    if type_ is not None:
        wanted = type_
        return lambda _: container.get(wanted)
    return None


def _hints(view: Callable[..., Any]) -> dict[str, Any]:
    function = inspect.unwrap(view)
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError):
        # A name that only the type checker knows: what it annotates can't be injected by it, all else can.
        annotations = getattr(function, "__annotations__", {})
        hints: dict[str, Any] = {}
        for name, annotation in annotations.items():
            with suppress(NameError, TypeError):
                hints |= typing.get_type_hints(_Annotated({name: annotation}), function.__globals__)
        return hints


class _Annotated:
    """Something with annotations, as `typing.get_type_hints` takes it."""

    def __init__(self, annotations: dict[str, Any]) -> None:
        self.__annotations__ = annotations


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kept = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return kept[0] if len(kept) == 1 else annotation
    return annotation
