"""What a request of somebody who is logged in costs: lback-auth, Django with sessions and auth, and Flask-Login.

All on SQLite, each with what its own project template, or its documentation, puts in front of a view. Flask keeps the
session in a signed cookie, the others in the database. ``/me/`` answers with the user's name, ``/hello/`` looks at
neither session nor user. ``lback-token`` sends an access token instead of the session's cookie. Before anything is
measured everybody logs in, and the queries of one request are printed.
"""

import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from measure import environ, main

KEY = "a-key-for-benchmarks-0123456789-abcdef"
NAME, PASSWORD = "amira", "a fine password"
PATHS = {"/me/": NAME, "/hello/": "hello"}


def sent(application: Any, path: str, **variables: Any) -> tuple[list[tuple[str, str]], str]:
    """Send a request and return the headers and the body of its answer."""
    headers: list[tuple[str, str]] = []
    body = application({**environ(path), **variables}, lambda status, found, exc_info=None: headers.extend(found))
    content = b"".join(body).decode()
    if hasattr(body, "close"):
        body.close()
    return headers, content


def by_cookie(application: Any) -> dict[str, str]:
    """Log in, and return what a browser sends from then on."""
    headers, _ = sent(application, "/enter/")
    cookies = [value.partition(";")[0] for name, value in headers if name.lower() == "set-cookie"]
    return {"HTTP_COOKIE": "; ".join(cookies)}


def by_token(application: Any) -> dict[str, str]:
    """Log in, and return what a program sends from then on."""
    return {"HTTP_AUTHORIZATION": f"Bearer {sent(application, '/enter/')[1]}"}


def connection_of(engine: Any) -> sqlite3.Connection:
    """Return the one connection in the pool of an engine."""
    with closing(engine.raw_connection()) as pooled:
        connection: sqlite3.Connection = pooled.driver_connection
        return connection


def logged_in(name: str, application: Any, connections: Sequence[sqlite3.Connection], variables: dict[str, str]) -> Any:
    """Return the application for which every request carries what a login gave; print what requests ask the database.

    Args:
        name: That of the application, for what is printed.
        application: Where somebody has logged in.
        connections: Which it uses. SQLite itself tells of queries, so that counting leaves nothing to be measured.
        variables: What the requests carry.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        return application({**environ, **variables}, start_response)

    queries: list[str] = []
    for path, expected in PATHS.items():
        sent(answer, path)
        queries.clear()
        for connection in connections:
            connection.set_trace_callback(queries.append)
        _, content = sent(answer, path)
        for connection in connections:
            connection.set_trace_callback(None)
        if content != expected:
            raise RuntimeError(f"{name} answers {path} with {content[:200]!r}, not {expected!r}: is nobody logged in?")
        count = sum(not query.startswith(("BEGIN", "COMMIT", "ROLLBACK")) for query in queries)
        print(f"{name:12}{path:9}{count} queries", file=sys.stderr)
    return answer


def lback_site(name: str, log_in: Callable[[Any], dict[str, str]]) -> Any:
    """Return a site with the middlewares of `startproject`; `log_in` gives what requests carry from then on."""
    from lback.auth.managers import UserManager
    from lback.auth.sessions import login
    from lback.auth.tokens import issue
    from lback.commands.installed import middlewares
    from lback.core.app import Application
    from lback.core.config import Config
    from lback.core.urls_utils import include
    from lback.models.base import Base
    from lback.models.database import DatabaseManager
    from lback.utils.urls import path

    def enter(request: Any) -> str:
        user = UserManager().find(request.db_session, NAME)
        login(request, user)
        return issue(request, user).access_token

    folder = tempfile.mkdtemp()
    application = Application(
        Config(
            {
                "SECRET_KEY": KEY,
                "BASE_DIR": Path(folder),
                "DATABASE_URL": f"sqlite:///{folder}/db.sqlite",
                "INSTALLED_APPS": ["auth_app"],
                "MIDDLEWARES": middlewares(),
                # A token that lasts for the whole measurement under valgrind.
                "JWT_ACCESS_MINUTES": 600,
            }
        ),
        urlpatterns=[
            path("/me/", lambda request: request.user.username),
            path("/hello/", lambda request: "hello"),
            path("/enter/", enter),
            include("lback.auth_app.urls", prefix="/auth/"),
        ],
    )
    database = application.container.get(DatabaseManager)
    Base.metadata.create_all(database.engine)
    with database.transaction() as db:
        UserManager().create(db, NAME, PASSWORD)
    connections = [connection_of(database.bind_for(immediate=False, beside=beside)) for beside in (False, True)]
    return logged_in(name, application, connections, log_in(application))


def lback() -> Any:
    """Return Lback, for a browser."""
    return lback_site("lback", by_cookie)


def lback_token() -> Any:
    """Return Lback, for a program with an access token."""
    return lback_site("lback-token", by_token)


def flask_login() -> Any:
    """Return Flask with Flask-Login and Flask-SQLAlchemy."""
    import flask
    import flask_login as extension
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import Integer, String
    from sqlalchemy.orm import mapped_column

    application = flask.Flask(__name__)
    application.config |= {
        "SECRET_KEY": KEY,
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tempfile.mkdtemp()}/db.sqlite",
    }
    database = SQLAlchemy(application)

    class User(extension.UserMixin, database.Model):
        id = mapped_column(Integer, primary_key=True)
        username = mapped_column(String(150), unique=True)

    extension.LoginManager(application).user_loader(lambda key: database.session.get(User, int(key)))
    application.add_url_rule("/me/", "me", lambda: extension.current_user.username)
    application.add_url_rule("/hello/", "hello", lambda: "hello")

    def enter() -> str:
        extension.login_user(database.session.get(User, 1))
        return "in"

    application.add_url_rule("/enter/", "enter", enter)
    with application.app_context():
        database.create_all()
        database.session.add(User(username=NAME))
        database.session.commit()
        connections = [connection_of(database.engine)]
    return logged_in("flask-login", application, connections, by_cookie(application))


def django() -> Any:
    """Return Django with the apps and middlewares of its project template."""
    import types

    import django as library
    from django.conf import settings

    urls = types.ModuleType("benchmark_urls")
    settings.configure(
        SECRET_KEY=KEY,
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=urls,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{tempfile.mkdtemp()}/db.sqlite",
                "CONN_MAX_AGE": None,
            }
        },
    )
    library.setup()
    from django.contrib.auth import login
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.db import connection
    from django.http import HttpResponse
    from django.urls import path

    def enter(request: Any) -> HttpResponse:
        login(request, User.objects.get(username=NAME), "django.contrib.auth.backends.ModelBackend")
        return HttpResponse("in")

    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("me/", lambda request: HttpResponse(request.user.username)),
        path("hello/", lambda request: HttpResponse("hello")),
        path("enter/", enter),
    ]
    call_command("migrate", verbosity=0)
    User.objects.create_user(NAME, password=PASSWORD)
    application = get_wsgi_application()
    return logged_in("django", application, [connection.connection], by_cookie(application))


APPS = {"lback": lback, "lback-token": lback_token, "flask-login": flask_login, "django": django}

if __name__ == "__main__":
    main(__doc__, APPS, list(PATHS))
