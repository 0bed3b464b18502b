"""What a request of somebody who is logged in costs: lback-auth, Django with sessions and auth, and Flask-Login.

All on SQLite, each with what its own project template, or its documentation, puts in front of a view. Flask keeps the
session in a signed cookie, the others in the database. ``/me/`` answers with the user's name, ``/hello/`` looks at
neither session nor user. ``lback-token`` sends an access token instead of the session's cookie. Before anything is
measured everybody logs in, and the queries of one request are counted and printed.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from measure import environ, main

PATHS = ("/me/", "/hello/")
KEY = "a-key-for-benchmarks-0123456789-abcdef"
NAME, PASSWORD = "amira", "a fine password"


def sent(application: Any, path: str, **variables: Any) -> list[tuple[str, str]]:
    """Send a request and return the headers of its answer."""
    headers: list[tuple[str, str]] = []
    body = application({**environ(path), **variables}, lambda status, found, exc_info=None: headers.extend(found))
    for _ in body:
        pass
    if hasattr(body, "close"):
        body.close()
    return headers


def cookie(headers: list[tuple[str, str]]) -> str:
    """Return the cookies of an answer, as a browser sends them back."""
    return "; ".join(value.partition(";")[0] for name, value in headers if name.lower() == "set-cookie")


def logged_in(application: Any, queries: list[str], **variables: str) -> Any:
    """Return the application with what a login gave in every request; print how often requests ask the database."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        return application({**environ, **variables}, start_response)

    for path in PATHS:
        sent(answer, path)
        queries.clear()
        sent(answer, path)
        print(f"{path}: {len(queries)} queries", file=sys.stderr)
    return answer


def lback_site(variables: Callable[[Any, Any], dict[str, str]]) -> Any:
    """Return a site with the middlewares of `startproject`; `variables` gives what requests carry for a user."""
    from sqlalchemy import event

    from lback.auth.managers import UserManager
    from lback.auth.sessions import login
    from lback.auth.tokens import issue
    from lback.commands.installed import MIDDLEWARES
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
                "MIDDLEWARES": list(MIDDLEWARES),
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
    queries: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # lback-orm begins transactions on SQLite by a statement, the others leave that to the driver.
        if not statement.startswith("BEGIN"):
            queries.append(statement)

    for manager in {database.bind_for(immediate=False), database.bind_for(immediate=False, beside=True)}:
        event.listen(manager, "before_cursor_execute", note)
    return logged_in(application, queries, **variables(application, sent))


def lback() -> Any:
    """Return Lback, for a browser."""
    return lback_site(lambda application, sent: {"HTTP_COOKIE": cookie(sent(application, "/enter/"))})


def lback_token() -> Any:
    """Return Lback, for a program with an access token."""

    def token(application: Any, sent: Any) -> dict[str, str]:
        body = application(environ("/enter/"), lambda *_: None)
        return {"HTTP_AUTHORIZATION": f"Bearer {b''.join(body).decode()}"}

    return lback_site(token)


def flask_login() -> Any:
    """Return Flask with Flask-Login and Flask-SQLAlchemy."""
    import flask
    import flask_login as extension
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import Integer, String, event
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
    queries: list[str] = []
    with application.app_context():
        database.create_all()
        database.session.add(User(username=NAME))
        database.session.commit()
        event.listen(database.engine, "before_cursor_execute", lambda *arguments: queries.append(arguments[2]))
    return logged_in(application, queries, HTTP_COOKIE=cookie(sent(application, "/enter/")))


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
    queries: list[str] = []

    def note(execute: Any, statement: str, *arguments: Any) -> Any:
        queries.append(statement)
        return execute(statement, *arguments)

    with connection.execute_wrapper(note):
        return logged_in(application, queries, HTTP_COOKIE=cookie(sent(application, "/enter/")))


APPS = {"lback": lback, "lback-token": lback_token, "flask-login": flask_login, "django": django}

if __name__ == "__main__":
    main(__doc__, APPS, PATHS)
