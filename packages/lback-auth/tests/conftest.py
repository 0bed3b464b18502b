"""A small site with users, in a SQLite database on disk."""

import pytest
from sqlalchemy import event

from lback.auth import passwords
from lback.auth.managers import UserManager
from lback.auth.models import Group, UserPermission
from lback.auth.permissions import PermissionRequired
from lback.core.response import Response
from lback.core.signals import dispatcher
from lback.core.testing import Client, make_app
from lback.core.urls_utils import include
from lback.models.base import BaseModel
from lback.models.database import DatabaseManager
from lback.utils.shortcuts import render
from lback.utils.urls import path

MIDDLEWARES = [
    "lback.middlewares.static_files.StaticFilesMiddleware",
    "lback.models.middleware.SQLAlchemySessionMiddleware",
    "lback.middlewares.session.SessionMiddleware",
    "lback.auth.middleware.AuthMiddleware",
    "lback.middlewares.csrf.CSRFMiddleware",
    "lback.middlewares.security_headers.SecurityHeadersMiddleware",
]
PASSWORD = "a fine password"


def whoami(request):
    return Response(request.user.username if request.user else "nobody")


def untouched(request):
    return Response("hello")


def remember(request):
    request.session["basket"] = request.GET["basket"]
    return Response("kept")


def basket(request):
    return Response(request.session.get("basket", "empty"))


@PermissionRequired("blog.view_posts")
def posts(request):
    return Response("the posts")


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """Hash with few rounds; a test of what matters in production undoes it."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def hashes(monkeypatch):
    """Count the hashes that are really computed."""
    import bcrypt

    computed = []
    for name in ("checkpw", "hashpw"):
        real = getattr(bcrypt, name)
        monkeypatch.setattr(bcrypt, name, lambda *args, real=real: computed.append(real) or real(*args))
    return computed


@pytest.fixture
def settings(tmp_path):
    return {
        "BASE_DIR": tmp_path,
        "INSTALLED_APPS": ["auth_app"],
        "MIDDLEWARES": MIDDLEWARES,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite'}",
    }


@pytest.fixture
def make_site(settings):
    """Return a function that builds the site, with further routes and settings."""
    sites = []

    def make(routes=(), prefix="/auth/", **changes):
        site = make_app(
            [
                include("lback.auth_app.urls", prefix=prefix),
                path("/whoami/", whoami),
                path("/untouched/", untouched),
                path("/remember/", remember),
                path("/basket/", basket),
                path("/posts/", posts),
                *routes,
            ],
            **{**settings, **changes},
        )
        sites.append(site)
        BaseModel.metadata.create_all(site.container.get(DatabaseManager).engine)
        return site

    yield make
    for site in sites:
        site.container.get(DatabaseManager).dispose()


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture
def database(site):
    return site.container.get(DatabaseManager)


@pytest.fixture
def client(site):
    return Client(site)


@pytest.fixture
def add_user(database):
    """Return a function that makes a user, in groups given as ``{name: [permissions]}``."""

    def add(username="amira", password=PASSWORD, email=None, groups=None, **flags):
        with database.transaction() as db:
            user = UserManager().create(db, username, password, email, **flags)
            for name, permissions in (groups or {}).items():
                group = Group(name=name)
                group.permissions = [UserPermission(name=permission) for permission in permissions]
                user.groups.append(group)
            db.flush()
            return user.id

    return add


@pytest.fixture
def log_in(client):
    """Return a function that logs the client in through the login page."""

    def log_in(username="amira", password=PASSWORD, path="/auth/login/", client=client):
        return client.csrf_post(path, {"identifier": username, "password": password})

    return log_in


@pytest.fixture
def queries(database):
    """Collect the SQL that is sent to the database."""
    sent = []

    def record(_connection, _cursor, statement, *_):
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", record)
    yield sent
    event.remove(database.engine, "before_cursor_execute", record)


@pytest.fixture
def signals():
    """Return a function that collects what is sent under some names, as ``(name, sender, kwargs)``."""
    connected = []

    def collect(*names):
        received = []
        for name in names:

            def receiver(sender, name=name, **kwargs):
                received.append((name, sender, kwargs))

            dispatcher.connect(name, receiver)
            connected.append((name, receiver))
        return received

    yield collect
    for name, receiver in connected:
        dispatcher.disconnect(name, receiver)


@pytest.fixture
def page():
    """Return a view that renders the template ``page.html``."""
    return lambda request: render(request, "page.html")


@pytest.fixture(autouse=True)
def no_open_databases(closed_databases: None) -> None:
    """Close what a test opened."""
