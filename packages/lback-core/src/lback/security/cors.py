"""Cross-origin resource sharing: which other sites' scripts may read the answers, after the Fetch standard.

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lback.core.datastructures import checked_header
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.route_tree import variable_names
from lback.core.routing import METHODS
from lback.security.origins import check_origins

Header = tuple[str, str]

# Names of headers, as a browser lists them.
_NAMES = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z, ]{1,1024}")

_SPELLINGS = {f"allowed_{name}": f"allow_{name}" for name in ("origins", "methods", "headers")}


@dataclass(frozen=True, slots=True)
class CORSRule:
    """What other origins may do below a path.

    Args:
        allow_origins: Origins such as ``"https://app.example.org"``, or ``"*"`` for any.
        allow_methods: What a preflight allows, or ``"*"`` for all methods.
        allow_headers: Request headers that a preflight allows, or ``"*"`` for those that are asked for.
        allow_credentials: Whether cookies and logins are sent along; not together with ``"*"`` origins.
        expose_headers: Response headers that scripts may read.
        max_age: How long a browser may keep the answer to a preflight, in seconds.

    Raises:
        ConfigurationError: A value that makes no sense, or any origin together with credentials.
    """

    allow_origins: Sequence[str] = ()
    allow_methods: Sequence[str] = ("GET", "HEAD", "POST")
    allow_headers: Sequence[str] = ()
    allow_credentials: bool = False
    expose_headers: Sequence[str] = ()
    max_age: int = 600

    def __post_init__(self) -> None:
        for name in ("allow_origins", "allow_methods", "allow_headers", "expose_headers"):
            values = getattr(self, name)
            if isinstance(values, str) or not all(isinstance(value, str) for value in values):
                raise ConfigurationError(f"{name} must be a list of text, not {values!r}.")
        if self.any_origin and self.allow_credentials:
            raise ConfigurationError(
                "allow_credentials can't go with allow_origins '*': any site could act as the visitor who is logged "
                "in. List the origins."
            )
        if not self.any_origin:
            check_origins("allow_origins", self.allow_origins)
        unknown = [method for method in self.allow_methods if method not in (*METHODS, "*")]
        if unknown:
            raise ConfigurationError(f"allow_methods lists {unknown[0]!r}; known methods are {', '.join(METHODS)}.")
        for header in (*self.allow_headers, *self.expose_headers):
            _check_header_name(header)
        if type(self.max_age) is not int or self.max_age < 0:
            raise ConfigurationError(f"max_age is a number of seconds, not {self.max_age!r}.")
        if type(self.allow_credentials) is not bool:
            raise ConfigurationError(f"allow_credentials is True or False, not {self.allow_credentials!r}.")

    @property
    def any_origin(self) -> bool:
        """Whether every origin is allowed."""
        return "*" in self.allow_origins

    def allows(self, origin: str) -> bool:
        """Tell whether scripts of an origin may read answers; it is compared as a whole."""
        return self.any_origin or origin in self.allow_origins

    def origin_headers(self, origin: str) -> list[Header]:
        """Return the headers of every answer to an origin that is allowed."""
        headers = [("Access-Control-Allow-Origin", "*" if self.any_origin else origin)]
        if self.allow_credentials:
            headers.append(("Access-Control-Allow-Credentials", "true"))
        return headers

    def preflight_headers(self, requested: str) -> list[Header]:
        """Return the headers that only the answer to a preflight has.

        Args:
            requested: The request's ``Access-Control-Request-Headers``.
        """
        methods = METHODS if "*" in self.allow_methods else self.allow_methods
        allowed = ", ".join(self.allow_headers)
        if "*" in self.allow_headers:
            allowed = requested if _NAMES.fullmatch(requested) else ""
        headers = [("Access-Control-Allow-Methods", ", ".join(methods)), ("Access-Control-Max-Age", str(self.max_age))]
        return [*headers, ("Access-Control-Allow-Headers", allowed)] if allowed else headers


def _check_header_name(name: str) -> None:
    try:
        checked_header(name, "")
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def make_rule(params: Mapping[str, Any]) -> CORSRule:
    """Make a rule from parameters, ``allow_origins`` also spelled ``allowed_origins``, and the like.

    Raises:
        ConfigurationError: An unknown parameter, or one given in both spellings.
    """
    values: dict[str, Any] = {}
    for name, value in params.items():
        known = _SPELLINGS.get(name, name)
        if known not in CORSRule.__dataclass_fields__:
            raise ConfigurationError(f"CORS has no parameter {name!r}; see {', '.join(CORSRule.__dataclass_fields__)}.")
        if known in values:
            raise ConfigurationError(f"{known!r} is given twice, also as {known.replace('allow_', 'allowed_')!r}.")
        values[known] = value
    return CORSRule(**values)


class CORSRules:
    """The rules of a site, by path.

    The path of a rule is a prefix of whole segments (``/api`` is for ``/api`` and ``/api/x``, not for ``/apis``), or
    the pattern of a route (``/api/courses/{id:int}/``), which goes before prefixes. Of several prefixes the longest
    counts, in whatever order they stand. Matched is the path that is routed, decoded.

    Args:
        everywhere: The rule for what no other is for, or None.
        rules: The others; mappings with ``path`` and the parameters of `CORSRule`.

    Raises:
        ConfigurationError: A rule without a path, or two for the same one.
    """

    def __init__(self, everywhere: CORSRule | None, rules: Sequence[Mapping[str, Any]]) -> None:
        self._patterns: dict[str, CORSRule] = {}
        prefixes: dict[str, CORSRule] = {}
        for entry in rules:
            params = dict(entry)
            path = params.pop("path", None)
            if not isinstance(path, str) or not path.startswith("/"):
                raise ConfigurationError(f"A CORS rule needs a path such as '/api/'; this one has {path!r}.")
            found, key = (self._patterns, path) if variable_names(path) else (prefixes, path.rstrip("/"))
            if key in found:
                raise ConfigurationError(f"Two CORS rules are for {path!r}.")
            found[key] = make_rule(params)
        if everywhere is not None:
            prefixes.setdefault("", everywhere)
        self._prefixes = sorted(prefixes.items(), key=lambda item: -len(item[0]))

    def rule_for(self, request: Request) -> CORSRule | None:
        """Return the rule for the path of a request, or None."""
        if self._patterns and request.match is not None:
            rule = self._patterns.get(request.match[0].pattern)
            if rule is not None:
                return rule
        path = request.path
        for prefix, rule in self._prefixes:
            if path == prefix or path.startswith(f"{prefix}/"):
                return rule
        return None
