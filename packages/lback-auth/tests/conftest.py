"""A small site with users, in a SQLite database on disk."""

import re
import time
from datetime import datetime, timedelta

import jwt
import pytest
from sqlalchemy import event, select

from lback.auth import logins, passwords
from lback.auth.managers import UserManager
from lback.auth.models import AuthEvent, Group, UserPermission
from lback.auth.permissions import PermissionRequired
from lback.auth.throttling import LIMITS
from lback.core.mail import EmailSender
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
        "EMAIL_BACKEND": "memory",
        # As many as usual, in windows that don't end in the middle of a test.
        "AUTH_LIMITS": {name: f"{limit.partition('/')[0]}/1000 days" for name, limit in LIMITS.items()},
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
def outbox(site):
    """The mails that the site has sent."""
    return site.container.get(EmailSender).outbox


@pytest.fixture
def mailed_link(outbox):
    """Return a function that gives the path of the link in the last mail."""

    def mailed_link():
        return re.search(r"^https?://testserver(/\S+)$", outbox[-1].get_content(), re.MULTILINE)[1]

    return mailed_link


@pytest.fixture
def api(client):
    """Return a function that posts JSON to an endpoint, as a program without cookies does."""

    def api(name, document=None, *, method="POST", token=None, client=client):
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        sent = {} if document is None else {"json": document}
        return Client(client.app).request(method, f"/auth/api/{name}/", headers=headers, **sent)

    return api


@pytest.fixture
def later(monkeypatch):
    """Return a function that lets some seconds pass, for everything here that looks at a clock."""
    passed = [0.0]
    real = time.time

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=passed[0])

    monkeypatch.setattr(time, "time", lambda: real() + passed[0])
    for module in (jwt.api_jwt, logins):
        monkeypatch.setattr(module, "datetime", Clock)

    def later(seconds):
        passed[0] += seconds

    return later


@pytest.fixture
def events(database):
    """Return a function that lists what was written down, as ``(event, username, reason)``."""

    def events():
        with database.transaction(immediate=False) as db:
            rows = db.scalars(select(AuthEvent).order_by(AuthEvent.id)).all()
        return [(row.event, row.username, row.reason) for row in rows]

    return events


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
