"""One WSGI application for each framework, all answering the same addresses."""

import json
from typing import Any

ROUTES = 200
ROWS = [{"id": number, "name": f"Row <{number}>"} for number in range(12)]
TEMPLATE = "<ul>{% for row in rows %}<li>{{ row.id }}: {{ row.name }}</li>{% endfor %}</ul>"
PATHS = ("/plaintext/", "/json/", "/items/7/route150/", "/rows/")


def raw() -> Any:
    """Return the least that WSGI allows."""
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string(TEMPLATE)

    def answer(path: str) -> tuple[str, bytes]:
        if path == "/plaintext/":
            return "text/plain; charset=utf-8", b"Hello, World!"
        if path == "/json/":
            return "application/json", json.dumps({"message": "Hello, World!"}).encode()
        if path == "/rows/":
            return "text/html; charset=utf-8", template.render(rows=ROWS).encode()
        _, _, number, route, _ = path.split("/")
        return "text/plain; charset=utf-8", f"{int(number)} {route}".encode()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        kind, body = answer(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return application


def lback(**settings: Any) -> Any:
    """Return lback-core without middlewares."""
    import tempfile
    from pathlib import Path

    from lback.core.app import Application
    from lback.core.config import Config
    from lback.core.response import JSONResponse, Response
    from lback.utils.shortcuts import render
    from lback.utils.urls import path

    folder = Path(tempfile.mkdtemp())
    (folder / "templates").mkdir()
    (folder / "templates" / "rows.html").write_text(TEMPLATE)

    def item(name: str) -> Any:
        return lambda request, number: Response(f"{number} {name}", content_type="text/plain; charset=utf-8")

    urlpatterns = [
        path("/plaintext/", lambda request: Response(b"Hello, World!", content_type="text/plain; charset=utf-8")),
        path("/json/", lambda request: JSONResponse({"message": "Hello, World!"})),
        path("/rows/", lambda request: render(request, "rows.html", {"rows": ROWS})),
        *(path(f"/items/{{number:int}}/route{n}/", item(f"route{n}")) for n in range(ROUTES)),
    ]
    values = {"SECRET_KEY": "a-key-for-benchmarks-0123456789-abcdef", "MIDDLEWARES": [], "BASE_DIR": folder}
    return Application(Config({**values, **settings}), urlpatterns=urlpatterns)


def lback_default() -> Any:
    """Return lback-core with its default middlewares."""
    from lback.core.defaults import MIDDLEWARES

    return lback(MIDDLEWARES=MIDDLEWARES)


def falcon() -> Any:
    """Return Falcon."""
    import falcon as library
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string(TEMPLATE)

    class Plain:
        def on_get(self, request: Any, response: Any) -> None:
            response.content_type = library.MEDIA_TEXT
            response.data = b"Hello, World!"

    class Json:
        def on_get(self, request: Any, response: Any) -> None:
            response.media = {"message": "Hello, World!"}

    class Rows:
        def on_get(self, request: Any, response: Any) -> None:
            response.content_type = library.MEDIA_HTML
            response.text = template.render(rows=ROWS)

    class Item:
        def __init__(self, name: str) -> None:
            self.name = name

        def on_get(self, request: Any, response: Any, number: int) -> None:
            response.content_type = library.MEDIA_TEXT
            response.text = f"{number} {self.name}"

    application = library.App()
    application.add_route("/plaintext/", Plain())
    application.add_route("/json/", Json())
    application.add_route("/rows/", Rows())
    for n in range(ROUTES):
        application.add_route(f"/items/{{number:int}}/route{n}/", Item(f"route{n}"))
    return application


def bottle() -> Any:
    """Return Bottle."""
    import bottle as library
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string(TEMPLATE)
    application = library.Bottle()
    application.route("/plaintext/", callback=lambda: "Hello, World!")
    application.route("/json/", callback=lambda: {"message": "Hello, World!"})
    application.route("/rows/", callback=lambda: template.render(rows=ROWS))
    for n in range(ROUTES):
        application.route(
            f"/items/<number:int>/route{n}/", callback=lambda number, name=f"route{n}": f"{number} {name}"
        )
    return application


def flask() -> Any:
    """Return Flask."""
    import flask as library

    application = library.Flask(__name__)
    application.add_url_rule("/plaintext/", "plaintext", lambda: "Hello, World!")
    application.add_url_rule("/json/", "json", lambda: {"message": "Hello, World!"})
    template = application.jinja_env.from_string(TEMPLATE)
    application.add_url_rule("/rows/", "rows", lambda: library.render_template(template, rows=ROWS))
    for n in range(ROUTES):
        application.add_url_rule(
            f"/items/<int:number>/route{n}/", f"item{n}", lambda number, name=f"route{n}": f"{number} {name}"
        )
    return application


def django(middleware: tuple[str, ...] = ()) -> Any:
    """Return Django without middlewares."""
    import types

    import django as library
    from django.conf import settings
    from django.http import HttpResponse, JsonResponse
    from django.urls import path

    urls = types.ModuleType("benchmark_urls")
    settings.configure(
        SECRET_KEY="a-key-for-benchmarks-0123456789-abcdef",
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=urls,
        MIDDLEWARE=list(middleware),
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    library.setup()
    from django.core.wsgi import get_wsgi_application
    from django.template import engines

    template = engines["django"].from_string(TEMPLATE)

    def item(name: str) -> Any:
        return lambda request, number: HttpResponse(f"{number} {name}", content_type="text/plain; charset=utf-8")

    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("plaintext/", lambda request: HttpResponse("Hello, World!", content_type="text/plain; charset=utf-8")),
        path("json/", lambda request: JsonResponse({"message": "Hello, World!"})),
        path("rows/", lambda request: HttpResponse(template.render({"rows": ROWS}, request))),
        *(path(f"items/<int:number>/route{n}/", item(f"route{n}")) for n in range(ROUTES)),
    ]
    return get_wsgi_application()


def django_default() -> Any:
    """Return Django with the middlewares of its project template that need no database."""
    return django(
        (
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        )
    )


APPS = {
    "raw": raw,
    "falcon": falcon,
    "bottle": bottle,
    "flask": flask,
    "django": django,
    "django-default": django_default,
    "lback": lback,
    "lback-default": lback_default,
}
