"""Templates: Jinja2 with autoescape always on, looked for in the project, then its apps, then the framework."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lback.core.apps import App
from lback.core.config import Config
from lback.core.context import current_request
from lback.core.sessions import FlashMessages
from lback.core.static import hashed_names
from lback.core.translations import Translations
from lback.security.csrf import csrf_input, get_token

if TYPE_CHECKING:
    from jinja2 import Environment

    from lback.core.request import Request
    from lback.core.routing import Router


class TemplateRenderer:
    """Renders templates by name.

    Args:
        config: ``BASE_DIR``, ``STATIC_URL``, ``DEBUG``, ``LOCALE`` and ``LOCALE_DIR`` are read.
        apps: Their ``templates`` folders are searched after the project's own, and so are their ``locale`` folders.
        router: Makes addresses from route names, for ``url()``.
    """

    def __init__(self, config: Config, apps: Sequence[App], router: "Router") -> None:
        self.config = config
        self.apps = apps
        self.router = router
        self.translations = Translations(config, apps)
        self._lock = threading.Lock()
        self._environment: Environment | None = None
        self._hashed: Mapping[str, str] = {} if config.DEBUG else hashed_names(config)

    @property
    def environment(self) -> "Environment":
        """The Jinja2 environment, made when the first template is rendered; add filters and globals to it."""
        if self._environment is None:
            with self._lock:
                if self._environment is None:
                    self._environment = self._make_environment()
        return self._environment

    def _make_environment(self) -> "Environment":
        from lback.core.jinja import make_environment

        folders = [Path(self.config.BASE_DIR) / "templates", *(app.path / "templates" for app in self.apps)]
        folders.append(Path(__file__).parent / "templates")
        folders = [folder for folder in folders if folder.is_dir()]
        environment = make_environment(folders, self.translations, reload=self.config.DEBUG)
        environment.globals.update(static=self.static, url=self.url, csrf_input=csrf_input)
        return environment

    def render(self, name: str, context: Mapping[str, Any] | None = None) -> str:
        """Return the template `name`, rendered. With ``request`` in the context it sees `REQUEST_VALUES` too.

        Raises:
            jinja2.TemplateNotFound: No folder has it. That is a mistake of the site, so the answer is a 500.
        """
        return self.environment.get_template(name).render(context or {})

    def static(self, path: str) -> str:
        """Return the address of a static file, such as ``static('css/style.css')``.

        With ``DEBUG`` off it is the one with the hashed name that ``collectstatic`` gave the file; a file that was not
        collected keeps its own.
        """
        prefix: str = self.config.STATIC_URL
        path = self._hashed.get(path.lstrip("/"), path)
        request = current_request()
        if request is not None and prefix.startswith("/"):
            prefix = request.script_root + prefix
        return prefix + quote(path.lstrip("/"))

    def url(self, name: str, /, **params: Any) -> str:
        """Return the address of a route; see `lback.core.routing.Router.url_for`."""
        request = current_request()
        return self.router.url_for(name, **params) if request is None else request.url_for(name, **params)


#: What every template of a request sees beside what the view gives it: made when a template names it, from the request.
REQUEST_VALUES: dict[str, Callable[["Request"], Any]] = {
    "config": lambda request: request.config.public,
    "current_user": lambda request: request.user,
    "session": lambda request: getattr(request, "session", None),
    "csrf_token": get_token,
    "csp_nonce": lambda request: request.csp_nonce,
    "messages": lambda request: FlashMessages(getattr(request, "session", None)),
    "get_flashed_messages": lambda request: FlashMessages(getattr(request, "session", None)),
}
