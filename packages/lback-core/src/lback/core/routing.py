"""Routes: from ``urlpatterns`` to the view for a path, and from a name to its path.

Paths without variables are found in one dictionary, the others in a tree (`lback.core.route_tree`). Among several that
match, fixed text goes before a variable, and of two variables the one declared first.
"""

import difflib
import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from lback.core.converters import Converter
from lback.core.exceptions import ConfigurationError
from lback.core.route_tree import PatternTree, pieces_of, shape_of, variable_names

if TYPE_CHECKING:
    from lback.core.request import Request
    from lback.core.response import Response

View = Callable[..., Any]
Handler = Callable[["Request", dict[str, Any]], "Response"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Route:
    """A pattern and the view that answers it; made by `path`."""

    pattern: str
    view: View
    methods: tuple[str, ...]
    name: str | None = None
    requires_auth: bool = False

    def __str__(self) -> str:
        return f"{' '.join(self.methods)} {self.pattern} ({_shown(self.view)})"


@dataclass(frozen=True, slots=True)
class Include:
    """The routes of another module under a prefix; made by `include`."""

    module_path: str
    prefix: str


URLPatterns = Sequence[Route | Include]


def path(
    pattern: str,
    view: View,
    allowed_methods: Iterable[str] | None = None,
    name: str | None = None,
    requires_auth: bool = False,
) -> Route:
    """Declare a route for ``urlpatterns``.

    Args:
        pattern: The path, with variables in braces: ``"/courses/{id:int}/"``. Without a type a variable takes any
            text but a slash.
        view: A function of the request and the variables, or a class with ``get``, ``post``, ... or ``dispatch``.
        allowed_methods: The methods it answers; GET unless given, or those that a class view has.
        name: What `Router.url_for` calls it; unique in the project.
        requires_auth: Whether anonymous users are sent to the login page instead.

    Raises:
        ConfigurationError: A method that isn't one, a view that can't be called, or a class without any method.
    """
    if not callable(view):
        raise ConfigurationError(f"The view of {pattern!r} must be a function or a class, not {view!r}.")
    methods = tuple(dict.fromkeys(method.upper() for method in (allowed_methods or _default_methods(view))))
    if not methods:
        raise ConfigurationError(
            f"The class {view!r} for {pattern!r} has no method such as get or post, and no dispatch."
        )
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise ConfigurationError(f"{pattern!r} allows {', '.join(unknown)}; known methods are {', '.join(METHODS)}.")
    return Route(pattern, view, methods, name, requires_auth)


def include(module_path: str, prefix: str = "") -> Include:
    """Take over the ``urlpatterns`` of another module.

    Args:
        module_path: Its import path, such as ``"courses.urls"``.
        prefix: What its paths begin with; slashes at both ends are added where missing.
    """
    stripped = prefix.strip("/")
    return Include(module_path, f"/{stripped}/" if stripped else "/")


def _default_methods(view: View) -> Iterable[str]:
    if isinstance(view, type) and not hasattr(view, "dispatch"):
        return [method for method in METHODS if hasattr(view, method.lower())]
    if isinstance(view, type):
        return getattr(view, "methods", None) or ("GET",)
    return ("GET",)


@dataclass(slots=True)
class Endpoints:
    """What answers at one pattern: a handler and its route for each method."""

    pattern: str
    names: tuple[str, ...] = ()
    by_method: dict[str, tuple[Handler, Route]] = field(default_factory=dict)

    @property
    def allowed(self) -> list[str]:
        """The methods, with HEAD where there is GET, and OPTIONS."""
        extra = ("HEAD", "OPTIONS") if "GET" in self.by_method else ("OPTIONS",)
        return sorted({*self.by_method, *extra})


Match = tuple[Endpoints, dict[str, Any]]


class Router:
    """Finds the view for a path, and the path for a name.

    Args:
        urlpatterns: Routes and includes; included modules are imported now.
        compile_view: Makes the handler of a route.

    Raises:
        ConfigurationError: A pattern that can't be read, a name given twice, or a path and method declared twice.
    """

    def __init__(self, urlpatterns: URLPatterns, compile_view: Callable[[Route], Handler]) -> None:
        self.routes: tuple[Route, ...] = tuple(_flattened(urlpatterns, "/", ()))
        self._static: dict[str, Endpoints] = {}
        self._tree = PatternTree()
        self._named: dict[str, Route] = {}
        known: dict[str, Endpoints] = {}
        for route in self.routes:
            endpoints = self._endpoints_of(route.pattern, known)
            self._add_name(route)
            handler = compile_view(route)
            for method in route.methods:
                if method in endpoints.by_method:
                    raise ConfigurationError(
                        f"Two routes answer {method} {route.pattern}: {endpoints.by_method[method][1]} and {route}."
                    )
                endpoints.by_method[method] = (handler, route)

    def _endpoints_of(self, pattern: str, known: dict[str, Endpoints]) -> Endpoints:
        """Return the endpoints at a pattern; one of the same shape has the same."""
        names = tuple(variable_names(pattern))
        if len(names) != len(set(names)):
            raise ConfigurationError(f"The pattern {pattern!r} uses the name of a variable twice.")
        shape = shape_of(pattern)
        endpoints = known.get(shape)
        if endpoints is None:
            endpoints = known[shape] = Endpoints(pattern, names)
            if names:
                self._tree.place(pattern, endpoints)
            else:
                self._static[pattern] = endpoints
        elif endpoints.names != names:
            raise ConfigurationError(
                f"The patterns {endpoints.pattern!r} and {pattern!r} match the same paths; give their variables the "
                "same names."
            )
        return endpoints

    def match(self, path: str) -> Match | None:
        """Return what answers at `path` (decoded, with its leading slash), with the values of the variables."""
        endpoints = self._static.get(path)
        if endpoints is not None:
            return endpoints, {}
        values: list[Any] = []
        endpoints = self._tree.find(path[1:].split("/"), 0, values)
        if endpoints is None:
            return None
        values.reverse()
        return endpoints, dict(zip(endpoints.names, values, strict=True))

    def url_for(self, name: str, /, **params: Any) -> str:
        """Return the quoted path of the route `name`.

        Args:
            name: The name of the route.
            params: The values of its variables; what it has no variable for becomes the query string.

        Raises:
            ValueError: No route has that name, a variable is missing, or a value doesn't fit its converter.
        """
        route = self._named.get(name)
        if route is None:
            near = difflib.get_close_matches(name, self._named, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"There is no route named {name!r}.{hint}")
        parts: list[str] = []
        for text, variable in pieces_of(route.pattern):
            parts.append(quote(text))
            if variable is not None:
                parts.append(_quoted_value(name, variable, params))
        path = "".join(parts)
        # Clients take these segments away, and with them what another route may answer.
        if "/." in path and not {".", ".."}.isdisjoint(path.split("/")):
            raise ValueError(f"The route {name!r} takes no '.' or '..' between slashes: its address would be {path!r}.")
        query = urlencode({key: value for key, value in params.items() if value is not None}, doseq=True)
        return path + (f"?{query}" if query else "")

    def _add_name(self, route: Route) -> None:
        if route.name is None:
            return
        known = self._named.setdefault(route.name, route)
        if known.pattern != route.pattern:
            raise ConfigurationError(f"Two routes are named {route.name!r}: {known} and {route}.")


def _quoted_value(route: str, variable: tuple[str, Converter], params: dict[str, Any]) -> str:
    name, converter = variable
    if name not in params:
        raise ValueError(f"The route {route!r} needs a value for {name!r}.")
    value = params.pop(name)
    try:
        return converter.to_url(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The route {route!r} takes no {value!r} for {name!r}: expected {error}.") from None


def _flattened(patterns: URLPatterns, prefix: str, inside: tuple[str, ...]) -> Iterator[Route]:
    for item in patterns:
        if isinstance(item, Route):
            yield replace(item, pattern=prefix + item.pattern.removeprefix("/"))
        elif isinstance(item, Include):
            if item.module_path in inside:
                raise ConfigurationError(f"URL modules include each other: {' -> '.join((*inside, item.module_path))}.")
            nested = load_urlpatterns(item.module_path)
            yield from _flattened(nested, prefix + item.prefix.removeprefix("/"), (*inside, item.module_path))
        else:
            raise ConfigurationError(f"urlpatterns holds path() and include() entries; this is neither: {item!r}.")


def load_urlpatterns(module_path: str) -> URLPatterns:
    """Return the ``urlpatterns`` of a module. An error inside it is raised as it is.

    Raises:
        ConfigurationError: There is no such module, or it has no such list.
    """
    try:
        module = importlib.import_module(module_path)
    except ModuleNotFoundError as error:
        if error.name and (module_path == error.name or module_path.startswith(f"{error.name}.")):
            raise ConfigurationError(f"There is no URL module {module_path!r}.") from error
        raise
    try:
        patterns: URLPatterns = module.urlpatterns
    except AttributeError:
        raise ConfigurationError(f"The URL module {module_path!r} has no list called urlpatterns.") from None
    return patterns


def _shown(view: View) -> str:
    return f"{view.__module__}.{getattr(view, '__qualname__', type(view).__qualname__)}"
