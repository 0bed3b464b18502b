"""The request, read lazily: the query, headers, cookies and body are parsed when they are first asked for."""

import ipaddress
import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lback.core.body import Form, parse_form, parse_json, parse_query, read_chunks
from lback.core.cookies import parse_cookies
from lback.core.datastructures import MultiDict, RequestHeaders
from lback.core.exceptions import BadRequest, UnsupportedMediaType
from lback.core.lazy import lazy
from lback.core.uploads import UploadedFile
from lback.security.addresses import without_port
from lback.security.hosts import valid_host

if TYPE_CHECKING:
    from lback.core.app import Application
    from lback.core.config import Config
    from lback.core.container import Finish
    from lback.core.response import Response
    from lback.core.routing import Match, Route

    Finishing = tuple[Finish, Any]

logger = logging.getLogger("lback.request")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:=+/-]{1,128}")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Request:
    """One HTTP request.

    Middlewares and apps add to it by registering request-scoped components (`lback.core.container`): ``session``,
    ``user`` and ``db_session`` are made when they are first read.

    Args:
        environ: The WSGI environment.
        app: The application that answers.
    """

    # What most requests never change is not set on each of them.
    problem = ""
    #: Whether the view is done, failed or was passed over, and the response on its way back.
    answered = False
    path_params: Mapping[str, Any] = MappingProxyType({})
    route: "Route | None" = None
    unfinished: Sequence["Finishing"] = ()
    at_end: Sequence[Callable[[], object]] = ()
    afterwards: Sequence[Callable[[], object]] = ()
    components: Mapping[str, Any] = MappingProxyType({})
    # When the first middleware that measures saw it, by `time.perf_counter`.
    began = 0.0

    def __init__(self, environ: dict[str, Any], app: "Application") -> None:
        self.environ = environ
        self.app = app
        self.method: str = environ["REQUEST_METHOD"]
        path: str = environ.get("PATH_INFO") or "/"
        if not path.isascii():
            path = self._decoded(path)
        if "\0" in path:
            self.problem = "The path of the address holds a NUL."
        self.path = path

    def _decoded(self, path: str) -> str:
        # PEP 3333: the server decoded the bytes of the path as Latin-1.
        try:
            return path.encode("latin-1").decode("utf-8")
        except UnicodeError:
            self.problem = "The path of the address is not UTF-8."
            return path.encode("ascii", "replace").decode()

    def __getattr__(self, name: str) -> Any:
        """Make a request-scoped component at its first use."""
        component = self.app.container.request_components.get(name)
        if component is None:
            if name == "user":
                return None
            raise AttributeError(
                f"The request has no {name!r}. If a middleware provides it, add that to MIDDLEWARES."
                if name in ("session", "db_session")
                else f"The request has no {name!r}."
            )
        value = component.factory(self)
        setattr(self, name, value)
        self.components = {**self.components, name: value}
        if component.finish is not None:
            self.unfinished = (*self.unfinished, (component.finish, value))
        if component.close is not None:
            self.on_close(partial(component.close, value, self))
        return value

    def made(self, name: str) -> Any | None:
        """Return a request-scoped component if it has been made, or None."""
        return self.components.get(name)

    @property
    def config(self) -> "Config":
        """The settings."""
        return self.app.config

    @lazy
    def headers(self) -> RequestHeaders:
        """The request headers; names without regard to case."""
        return RequestHeaders(self.environ)

    @lazy
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        return parse_cookies(self.environ.get("HTTP_COOKIE", ""))

    @lazy
    def GET(self) -> MultiDict[str]:  # noqa: N802 - the name of the documentation
        """The parameters of the query string."""
        return parse_query(self.environ.get("QUERY_STRING", ""), self.app.limits.fields)

    @property
    def query_params(self) -> MultiDict[str]:
        """The same as `GET`."""
        return self.GET

    @lazy
    def _form(self) -> Form:
        if self.method in SAFE_METHODS:
            return MultiDict(), MultiDict()
        environ = self.environ
        if "body" in self.__dict__:
            environ = {**environ, "wsgi.input": BytesIO(self.body), "CONTENT_LENGTH": str(len(self.body))}
        fields, files = parse_form(environ, self.app.limits)
        if files:
            self.on_close(partial(_close_uploads, files))
        return fields, files

    @property
    def form(self) -> MultiDict[str]:
        """The fields of the form in the body.

        Raises:
            HTTPException: 400 for a garbled form, 413 over a limit, 415 for a body that is no form.
        """
        return self._form[0]

    @property
    def files(self) -> MultiDict[UploadedFile]:
        """The files of the form in the body."""
        return self._form[1]

    @property
    def POST(self) -> MultiDict[str]:  # noqa: N802 - the name of the documentation
        """The same as `form` for a POST, and empty otherwise."""
        return self.form if self.method == "POST" else MultiDict()

    @property
    def FILES(self) -> MultiDict[UploadedFile]:  # noqa: N802 - the name of the documentation
        """The same as `files` for a POST, and empty otherwise."""
        return self.files if self.method == "POST" else MultiDict()

    @lazy
    def body(self) -> bytes:
        """The whole body as bytes. A form can be read from it afterwards, but not the other way round.

        Raises:
            PayloadTooLarge: It is longer than ``MAX_REQUEST_BODY_SIZE``.
            RuntimeError: The form was read before, so the body has gone.
        """
        if "_form" in self.__dict__:
            raise RuntimeError("The body was read as a form already; use request.form and request.files.")
        return b"".join(read_chunks(self.environ, self.app.limits.body))

    @property
    def content_type(self) -> str:
        """The type of the body in lower case, without its parameters."""
        declared: str = self.environ.get("CONTENT_TYPE") or ""
        return declared.partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether the body is declared as JSON."""
        kind = self.content_type
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    @lazy
    def json(self) -> Any:
        """The JSON document in the body.

        Raises:
            UnsupportedMediaType: The body is not declared as JSON; a page of another site can send that without asking.
            BadRequest: It is not valid JSON.
        """
        if not self.is_json:
            raise UnsupportedMediaType("Expected a JSON body with Content-Type: application/json.")
        return parse_json(self.body)

    @lazy
    def parsed_body(self) -> Any:
        """The JSON document or the form in the body, whichever it is declared as.

        Raises:
            HTTPException: 400 for a garbled one, 413 over a limit, 415 for another kind of body.
        """
        return self.json if self.is_json else self.form

    @lazy
    def match(self) -> "Match | None":
        """What the router found for the path, or None."""
        return self.app.router.match(self.path)

    def _forwarded(self, header: str) -> list[str]:
        """Return what proxies put into a list header, empty where none is trusted."""
        if not self.app.trusted_proxies:
            return []
        return [part.strip() for part in self.environ.get(header, "").split(",") if part.strip()]

    def _proxied(self, header: str) -> str | None:
        """Return the value of the outermost trusted proxy, or None.

        Proxies set these headers or add to them. Where there are fewer values than proxies, some did set them, and
        the first value is what the outermost one left.
        """
        values = self._forwarded(header)
        return values[-min(self.app.trusted_proxies, len(values))] if values else None

    @lazy
    def id(self) -> str:
        """The id of this request in logs: what a trusted proxy calls it in ``X-Request-ID``, or one made up here."""
        sent: str = self.environ.get("HTTP_X_REQUEST_ID", "")
        if self.app.trusted_proxies and _REQUEST_ID.fullmatch(sent):
            return sent
        return secrets.token_hex(16)

    @lazy
    def scheme(self) -> str:
        """``https`` or ``http``; forwarded headers count only from ``TRUSTED_PROXIES`` hops."""
        forwarded = self._proxied("HTTP_X_FORWARDED_PROTO") if self.app.trusted_proxies else None
        return forwarded if forwarded in ("http", "https") else self.environ["wsgi.url_scheme"]

    @property
    def is_secure(self) -> bool:
        """Whether the client speaks https."""
        return self.scheme == "https"

    @lazy
    def remote_addr(self) -> str:
        """The address of the client; forwarded headers count only from ``TRUSTED_PROXIES`` hops."""
        peer: str = self.environ.get("REMOTE_ADDR") or ""
        hops = self._forwarded("HTTP_X_FORWARDED_FOR")
        # Every proxy adds one; with fewer than are trusted, somebody went around them.
        if not hops or len(hops) < self.app.trusted_proxies:
            return peer
        try:
            return str(ipaddress.ip_address(without_port(hops[-self.app.trusted_proxies])))
        except ValueError:
            return peer

    @lazy
    def host(self) -> str:
        """The host that the client asked for, in lower case, with the port unless it is the scheme's own.

        Raises:
            BadRequest: It is not one of ``ALLOWED_HOSTS``.
        """
        host = self.raw_host
        if not valid_host(host, self.config.ALLOWED_HOSTS):
            raise BadRequest("The Host header names a host that this site does not answer for; see ALLOWED_HOSTS.")
        # As browsers write it in an Origin, which it is compared with.
        return host.lower().removesuffix(":443" if self.is_secure else ":80")

    @property
    def raw_host(self) -> str:
        """The host as sent, not yet held against ``ALLOWED_HOSTS``."""
        environ = self.environ
        sent = self._proxied("HTTP_X_FORWARDED_HOST") or environ.get("HTTP_HOST")
        if sent is not None:
            return sent
        port = environ["SERVER_PORT"]
        usual = "443" if self.scheme == "https" else "80"
        return environ["SERVER_NAME"] if port == usual else f"{environ['SERVER_NAME']}:{port}"

    @property
    def script_root(self) -> str:
        """The quoted path that the application is mounted at, without a slash at its end; usually empty."""
        root: str = self.environ.get("SCRIPT_NAME") or ""
        # PEP 3333: the server decoded its bytes as Latin-1.
        return quote(root.encode("latin-1", "replace")).rstrip("/") if root else ""

    @property
    def full_path(self) -> str:
        """The quoted path from the root of the host, and the query string if there is one."""
        query = self.environ.get("QUERY_STRING")
        return self.script_root + quote(self.path) + (f"?{query}" if query else "")

    def build_absolute_uri(self, location: str = "") -> str:
        """Return an absolute address on this site: of `location`, or of this request."""
        return f"{self.scheme}://{self.host}{location or self.full_path}"

    def url_for(self, name: str, **params: Any) -> str:
        """Return the address of the route `name`; see `lback.core.routing.Router.url_for`."""
        return self.script_root + self.app.router.url_for(name, **params)

    def wants_json(self) -> bool:
        """Tell whether the client prefers JSON to a page, for errors."""
        accept: str = self.environ.get("HTTP_ACCEPT", "")
        if "text/html" in accept:
            return False
        return "json" in accept or self.is_json

    def finish(self, response: "Response | None", error: BaseException | None) -> None:
        """End what the view worked with: components commit or roll back; see `RequestComponent.finish`.

        The first error of a component is raised when the view itself had none.
        """
        failure = error
        while self.unfinished:
            *rest, (finish, value) = self.unfinished
            self.unfinished = rest
            try:
                finish(value, self, None if failure else response, failure)
            except Exception as raised:  # noqa: BLE001 - the others must still be ended
                failure = failure or raised
        if failure is not None and error is None:
            raise failure

    def on_close(self, function: Callable[[], object]) -> None:
        """Call `function` when the response is made, to give something back; for a streaming body when that is done.

        What was added last is called first, as what was opened last is closed first. An error in it is logged.
        """
        self.at_end = (function, *self.at_end)

    def after_response(self, function: Callable[[], object]) -> None:
        """Call `function` once the client has the response, or has gone, when everything else has been given back.

        For what nobody should wait for, such as sending mail. An error in it is logged. The worker takes no other
        request meanwhile.
        """
        self.afterwards = (*self.afterwards, function)

    def close(self) -> None:
        """Give back what the request held, and do what was left for after the response."""
        while self.at_end:
            function, *self.at_end = self.at_end
            self._done(function)
        while self.afterwards:
            function, *self.afterwards = self.afterwards
            self._done(function)

    def _done(self, function: Callable[[], object]) -> None:
        try:
            function()
        except Exception:
            with suppress(Exception):  # a handler that fails keeps nothing from being given back
                logger.exception("%s %r: what was left for the end of the request failed.", self.method, self.path)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"


def _close_uploads(files: MultiDict[UploadedFile]) -> None:
    for _, upload in files.pairs():
        upload.close()
