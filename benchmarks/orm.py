"""What a request to the database costs: raw WSGI with SQLAlchemy, lback-orm, Flask-SQLAlchemy and Django's ORM.

All on SQLite files of the same content: one row by its key, 20 rows, a page of 12 rows from a template, an insert.
"""

import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from measure import main

PATHS = ("/row/7/", "/rows/", "/page/", "POST/insert/")
TEMPLATE = "<ul>{% for row in rows %}<li>{{ row.id }}: {{ row.name }}</li>{% endfor %}</ul>"
KEY = "a-key-for-benchmarks-0123456789-abcdef"


def database() -> str:
    """Return the path of a new database with a table of 100 rows."""
    path = f"{tempfile.mkdtemp()}/db.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE courses (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL)")
    connection.executemany("INSERT INTO courses VALUES (?, ?)", [(n, f"Course {n}") for n in range(1, 101)])
    connection.commit()
    connection.close()
    return path


def model(base: Any) -> Any:
    from sqlalchemy import Integer, String
    from sqlalchemy.orm import mapped_column

    return type(
        "Course",
        (base,),
        {
            "__tablename__": "courses",
            "id": mapped_column(primary_key=True, type_=Integer),
            "name": mapped_column(String(50)),
        },
    )


def work(session: Any, course: Any, select: Any, page: Callable[[Any], str]) -> dict[str, Callable[[], str]]:
    """Return what is done with a session, by path; the same for all that use SQLAlchemy."""

    def row() -> str:
        return json.dumps({"name": session.get(course, 7).name})

    def rows() -> str:
        found = session.scalars(select(course).limit(20)).all()
        return json.dumps([{"id": item.id, "name": item.name} for item in found])

    def shown() -> str:
        return page(session.scalars(select(course).limit(12)).all())

    def insert() -> str:
        session.add(course(name="New"))
        return "added"

    return {"/row/7/": row, "/rows/": rows, "/page/": shown, "/insert/": insert}


def raw() -> Any:
    """Return the least that WSGI and SQLAlchemy allow, on an engine that opens SQLite as lback-orm does."""
    from jinja2 import Environment
    from sqlalchemy import select
    from sqlalchemy.orm import DeclarativeBase, Session

    from lback.core.config import Config
    from lback.models.database import DatabaseManager

    class Base(DeclarativeBase):
        pass

    manager = DatabaseManager.from_config(Config({"DEBUG": True, "DATABASE_URL": f"sqlite:///{database()}"}))
    reading, writing = (manager.bind_for(immediate=immediate) for immediate in (False, True))
    course = model(Base)
    template = Environment(autoescape=True).from_string(TEMPLATE)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        bind = writing if environ["REQUEST_METHOD"] == "POST" else reading
        with Session(bind, expire_on_commit=False) as session:
            answers = work(session, course, select, lambda rows: template.render(rows=rows))
            body = answers[environ["PATH_INFO"]]().encode()
            session.commit()
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
        return [body]

    return application


def lback() -> Any:
    """Return lback-core with the middleware of lback-orm alone."""
    from sqlalchemy import select
    from sqlalchemy.orm import DeclarativeBase

    from lback.core.app import Application
    from lback.core.config import Config
    from lback.utils.shortcuts import render
    from lback.utils.urls import path

    class Base(DeclarativeBase):
        pass

    course = model(Base)
    folder = Path(tempfile.mkdtemp())
    (folder / "templates").mkdir()
    (folder / "templates" / "rows.html").write_text(TEMPLATE)

    def view(address: str) -> Any:
        def answer(request: Any) -> Any:
            page = lambda rows: render(request, "rows.html", {"rows": rows})  # noqa: E731
            return work(request.db_session, course, select, page)[address]()

        return answer

    addresses = ("/row/7/", "/rows/", "/page/", "/insert/")
    routes = [path(address, view(address), ["GET", "POST"]) for address in addresses]
    values = {"SECRET_KEY": KEY, "BASE_DIR": folder, "DATABASE_URL": f"sqlite:///{database()}"}
    values["MIDDLEWARES"] = ["lback.models.middleware.SQLAlchemySessionMiddleware"]
    return Application(Config(values), urlpatterns=routes)


def flask_sqlalchemy() -> Any:
    """Return Flask with Flask-SQLAlchemy."""
    import flask
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import select

    application = flask.Flask(__name__)
    application.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{database()}"
    extension = SQLAlchemy(application)
    course = model(extension.Model)
    template = application.jinja_env.from_string(TEMPLATE)

    def view(address: str) -> Any:
        def answer() -> str:
            page = lambda rows: flask.render_template(template, rows=rows)  # noqa: E731
            result = work(extension.session, course, select, page)[address]()
            if flask.request.method == "POST":
                extension.session.commit()
            return result

        return answer

    for address in ("/row/7/", "/rows/", "/page/", "/insert/"):
        application.add_url_rule(address, address.strip("/").replace("/", "-"), view(address), methods=["GET", "POST"])
    return application


def django() -> Any:
    """Return Django without middlewares."""
    import types

    import django as library
    from django.conf import settings

    urls = types.ModuleType("benchmark_urls")
    settings.configure(
        SECRET_KEY=KEY,
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=urls,
        MIDDLEWARE=[],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database(), "CONN_MAX_AGE": None}},
        TEMPLATES=[{"BACKEND": "django.template.backends.jinja2.Jinja2"}],
    )
    library.setup()
    from django.core.wsgi import get_wsgi_application
    from django.db import models
    from django.http import HttpResponse, JsonResponse
    from django.template import engines
    from django.urls import path

    class Course(models.Model):
        name = models.CharField(max_length=50)

        class Meta:
            app_label = "benchmark"
            db_table = "courses"

    template = engines["jinja2"].from_string(TEMPLATE)

    def rows(request: Any) -> JsonResponse:
        return JsonResponse(
            [{"id": course.id, "name": course.name} for course in Course.objects.all()[:20]], safe=False
        )

    def page(request: Any) -> HttpResponse:
        return HttpResponse(template.render({"rows": list(Course.objects.all()[:12])}, request))

    def insert(request: Any) -> HttpResponse:
        Course(name="New").save()
        return HttpResponse("added")

    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("row/7/", lambda request: JsonResponse({"name": Course.objects.get(pk=7).name})),
        path("rows/", rows),
        path("page/", page),
        path("insert/", insert),
    ]
    return get_wsgi_application()


APPS = {"raw": raw, "lback": lback, "flask-sqlalchemy": flask_sqlalchemy, "django": django}

if __name__ == "__main__":
    main(__doc__, APPS, PATHS)
