"""The application: the WSGI callable, built once from the settings, that takes a request to its response.

``__call__`` -> `Application.respond` -> middlewares -> router -> view, and back.
"""

import atexit
import logging
import secrets
import time
import weakref
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lback.core.apps import App, resolve_apps
from lback.core.body import Limits
from lback.core.cache import Cache
from lback.core.config import Config
from lback.core.container import Container
from lback.core.context import request_context
from lback.core.errors import ErrorHandler
from lback.core.exceptions import BadRequest, ConfigurationError, MethodNotAllowed, NotFound
from lback.core.mail import EmailSender
from lback.core.middleware import MiddlewareChain, RequestHook, ResponseHook, load_middlewares, refuse_result
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response
from lback.core.routing import Router, URLPatterns, load_urlpatterns
from lback.core.sending import ClosingBody
from lback.core.serving import load_application, refuse_public_debug
from lback.core.sessions import SessionStore, SignedCookieStore
from lback.core.signals import SignalDispatcher, dispatcher
from lback.core.signing import check_secret_key
from lback.core.templating import TemplateRenderer
from lback.core.translations import Language, note_language
from lback.core.views import compile_view
from lback.security.redirects import local_path

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

security_logger = logging.getLogger("lback.security")

KNOWN_HOSTS_LIMIT = 1000
# What stands for itself in a query (RFC 3986), escapes too.
QUERY_CHARACTERS = "/?[]@!$&'()*+,;=:~%"


class CSPNonce(str):
    """The nonce of one response, in templates ``csp_nonce``."""

    __slots__ = ()


class Application:
    """A site, as a WSGI callable. Everything that can go wrong at the start goes wrong here, with one sentence.

    Args:
        config: The settings.
        urlpatterns: The routes; without them those of the module that ``ROOT_URLCONF`` names.

    Raises:
        ConfigurationError: Something is missing or wrong; the message says what to change.

    Example:
        ``application = Application(Config({"DEBUG": True}), urlpatterns=[path("/", home)])``
    """

    def __init__(self, config: Config, *, urlpatterns: URLPatterns | None = None) -> None:
        self.dispatcher: SignalDispatcher = dispatcher
        self.dispatcher.send("server_starting", self)
        refuse_public_debug(config)
        check_secret_key(config)
        self.config = config
        self.limits = Limits.from_config(config)
        self.trusted_proxies: int = config.TRUSTED_PROXIES
        self.apps: tuple[App, ...] = resolve_apps(config.INSTALLED_APPS)
        self.container = Container()
        self._add_components()
        for app in self.apps:
            app.import_models()
        for app in self.apps:
            app.run_register(self)
        self.middlewares = MiddlewareChain.of(load_middlewares(config.MIDDLEWARES, self.container))
        self._watched = self.middlewares.watched(self.dispatcher)
        self.dispatcher.send("middleware_manager_initialized", self.middlewares)
        self.router: Router = self._build_router(urlpatterns)
        self.dispatcher.send("router_initialized", self.router)
        self.templates = TemplateRenderer(config, self.apps, self.router)
        self.dispatcher.send("template_renderer_initialized", self.templates)
        self.errors = ErrorHandler(config, self.templates, self.dispatcher)
        self.dispatcher.send("error_handler_initialized", self.errors)
        self.container.add(Router, self.router, name="router")
        self.container.add(TemplateRenderer, self.templates, name="template_renderer")
        self._known_hosts: set[str] = set()
        self._started()

    @classmethod
    def from_project(cls, base_dir: Path | str) -> "Application":
        """Build the application of the project in `base_dir`; the project's ``wsgi.py`` calls it."""
        return load_application(base_dir)

    def _add_components(self) -> None:
        add = self.container.add
        add(Application, self, name="application")
        add(Config, self.config, name="config")
        add(SignalDispatcher, self.dispatcher, name="dispatcher")
        add(logging.Logger, logging.getLogger("lback"), name="logger")
        add(Cache, Cache.from_config(self.config), name="cache")
        add(EmailSender, EmailSender.from_config(self.config), name="email_sender")
        self.container.add_factory(SessionStore, _session_store, name="session_store")  # type: ignore[type-abstract]
        self.container.add_request(CSPNonce, lambda _: CSPNonce(secrets.token_urlsafe(16)), name="csp_nonce")
        self.container.add_request(
            Language, lambda request: self.templates.translations.negotiate(request), "language", finish=note_language
        )

    def _build_router(self, urlpatterns: URLPatterns | None) -> Router:
        if urlpatterns is None:
            if not self.config.ROOT_URLCONF:
                raise ConfigurationError("Set ROOT_URLCONF to the module with the urlpatterns, such as 'shop.urls'.")
            urlpatterns = load_urlpatterns(self.config.ROOT_URLCONF)
        return Router(urlpatterns, lambda route: compile_view(route, self.container))

    def _started(self) -> None:
        self.dispatcher.send("server_started", self)
        ended = weakref.WeakMethod(self._shutting_down)
        atexit.register(lambda: (method := ended()) and method())

    def _shutting_down(self) -> None:
        self.dispatcher.send("server_shutting_down", self)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request, as WSGI has it (PEP 3333)."""
        request = Request(environ, self)
        token = request_context.set(request)
        unsent = False
        try:
            response = self._observed(request) if self.dispatcher.has_any else self.respond(request)
            try:
                status_line, headers, body = response.get_wsgi_response(request.method)
            except Exception as error:  # noqa: BLE001 - a body that can't be sent is an error of the site like others
                response = self._replaced(request, error, self.middlewares.on_response)
                status_line, headers, body = response.get_wsgi_response(request.method)
            start_response(status_line, headers)
            unsent = response.streaming or bool(request.afterwards)
            return ClosingBody(body, request) if unsent else body
        finally:
            request_context.reset(token)
            if request.at_end and not unsent:
                request.close()

    def _observed(self, request: Request) -> Response:
        """Answer with the signals of the server around it."""
        self.dispatcher.send("server_request_received", self, request=request)
        began = time.perf_counter()
        response = self.respond(request)
        self.dispatcher.send(
            "server_request_finished",
            self,
            request=request,
            response=response,
            status_code=response.status_code,
            duration=time.perf_counter() - began,
        )
        request.after_response(
            lambda: self.dispatcher.send("server_response_sent", self, request=request, response=response)
        )
        return response

    def respond(self, request: Request) -> Response:
        """Return the response to a request, whatever happens on the way."""
        chain = self._watched if self.dispatcher.has_any else self.middlewares
        try:
            response = self._answer(request, chain.on_request)
        except Exception as error:  # noqa: BLE001 - the outermost place that turns errors into responses
            response = self._recovered(request, error)
        request.answered = True
        for hook in chain.on_response:
            try:
                response = hook(request, response)
                if not isinstance(response, Response):
                    refuse_result(hook, response)
            except Exception as error:  # noqa: BLE001 - the same
                response = self._replaced(request, error, chain.on_response[: chain.on_response.index(hook)])
        return response

    def _replaced(self, request: Request, error: Exception, hooks: Sequence[ResponseHook]) -> Response:
        """Return the answer to an error behind the view, after the hooks that saw another response."""
        response = self._excepted(request, error)
        for hook in hooks:
            try:
                response = hook(request, response)
            except Exception as raised:  # noqa: BLE001 - the same
                response = self.errors.respond(request, raised)
        return response

    def _answer(self, request: Request, hooks: Sequence[RequestHook]) -> Response:
        if request.problem:
            raise BadRequest(request.problem)
        if request.environ.get("HTTP_HOST") not in self._known_hosts:
            self._check_host(request)
        for hook in hooks:
            short_cut = hook(request)
            if short_cut is not None:
                if not isinstance(short_cut, Response):
                    refuse_result(hook, short_cut)
                response = short_cut
                break
        else:
            response = self._dispatch(request)
        if request.unfinished:
            request.finish(response, None)
        return response

    def _recovered(self, request: Request, error: Exception) -> Response:
        """Undo what the view did, and answer its error."""
        request.finish(None, error)
        request.answered = True
        return self._excepted(request, error)

    def _excepted(self, request: Request, error: Exception) -> Response:
        """Return the answer to an error: that of the first middleware that has one, or the usual one."""
        for hook in self.middlewares.on_exception:
            try:
                response = hook(request, error)
                if response is not None and not isinstance(response, Response):
                    refuse_result(hook, response)
            except Exception as raised:  # noqa: BLE001 - an error in a hook takes the place of the first
                error = raised
                continue
            if response is not None:
                return response
        return self.errors.respond(request, error)

    def _check_host(self, request: Request) -> None:
        try:
            _ = request.host
        except BadRequest:
            with suppress(Exception):  # a handler that fails changes no answer
                security_logger.warning(
                    "Refused the host %.200r, asked for by %s.", request.raw_host, request.remote_addr
                )
            raise
        # With a proxy in front the sent header is not what was checked, so nothing is remembered then.
        if len(self._known_hosts) < KNOWN_HOSTS_LIMIT and not self.trusted_proxies:
            self._known_hosts.add(request.raw_host)

    def _dispatch(self, request: Request) -> Response:
        match = request.match
        if match is None:
            return self._unmatched(request)
        endpoints, params = match
        found = endpoints.by_method.get(request.method)
        if found is None:
            if request.method == "HEAD":
                found = endpoints.by_method.get("GET")
            elif request.method == "OPTIONS":
                return Response(status=204, headers={"Allow": ", ".join(endpoints.allowed)})
            if found is None:
                raise MethodNotAllowed(endpoints.allowed)
        handler, request.route = found
        request.path_params = params
        return handler(request, params)

    def _unmatched(self, request: Request) -> Response:
        path = request.path
        if not path.endswith("/") and self.router.match(f"{path}/") is not None:
            location = local_path(request.script_root + quote(path)) + "/"
            query: str = request.environ.get("QUERY_STRING", "")
            # PEP 3333: the server decoded its bytes as Latin-1. Some let control characters through.
            quoted = quote(query.encode("latin-1", "replace"), safe=QUERY_CHARACTERS)
            return RedirectResponse(f"{location}?{quoted}" if query else location, 308)
        raise NotFound


def _session_store(container: Container) -> SessionStore:
    config = container.get(Config)
    choice: str = config.SESSION_STORE
    if choice in ("", "cookie"):
        return SignedCookieStore(config)
    if choice == "cache":
        from lback.core.session_stores import CacheSessionStore

        return CacheSessionStore(config)
    from lback.core.apps import import_attribute

    store: Any = container.build(import_attribute(choice))
    if not isinstance(store, SessionStore):
        raise ConfigurationError(f"SESSION_STORE names {choice}, which has no load, save and delete.")
    return store
