"""Accounts on the databases themselves, with the tables that the shipped migrations make, and many requests at once."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from lback.auth import passwords
from lback.auth.managers import UserManager
from lback.auth.models import AuthEvent, Login, User
from lback.auth.second_factor import SecondFactors
from lback.auth.throttling import DatabaseCounters
from lback.auth.totp import code_at
from lback.core.app import Application
from lback.core.mail import EmailSender
from lback.core.testing import Client, make_app
from lback.core.urls_utils import include
from lback.migrations.revisions import History
from lback.migrations.runner import upgrade
from lback.models.database import DatabaseManager
from lback.utils.urls import path

from .databases import SERVERS, server_database

PASSWORD, NEW = "a fine password", "another fine one"
ADDRESS = "amira@example.org"
AT_ONCE = 12


def whoami(request: Any) -> str:
    return request.user.username if request.user else "nobody"


@pytest.fixture(params=["sqlite", *SERVERS])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'db.sqlite'}"
        return
    with server_database(request.param) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def site(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """A site on that database, its tables made by the migrations."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    app = make_app(
        [include("lback.auth_app.urls", prefix="/auth/"), path("/whoami/", whoami)],
        DATABASE_URL=database_url,
        EMAIL_BACKEND="memory",
        INSTALLED_APPS=["auth_app"],
        # Windows that don't end in the middle of a test.
        AUTH_LIMITS={"login_account": "10/1000 days", "login_ip": "1000/1000 days", "register_ip": "1000/1000 days"},
        MIDDLEWARES=[
            "lback.models.middleware.SQLAlchemySessionMiddleware",
            "lback.middlewares.session.SessionMiddleware",
            "lback.auth.middleware.AuthMiddleware",
            "lback.middlewares.csrf.CSRFMiddleware",
        ],
    )
    database = app.container.get(DatabaseManager)
    upgrade(database.engine, History(app.apps), report=lambda line: None)
    yield app
    database.dispose()


@pytest.fixture
def database(site: Application) -> DatabaseManager:
    return site.container.get(DatabaseManager)


@pytest.fixture
def api(site: Application) -> Callable[..., Any]:
    def api(name: str, **document: str) -> Any:
        return Client(site).post(f"/auth/api/{name}/", json=document, headers={"Accept": "application/json"})

    return api


@pytest.fixture
def user_id(database: DatabaseManager) -> int:
    with database.transaction() as db:
        return UserManager().create(db, "amira", PASSWORD, ADDRESS).id


def mailed_link(site: Application) -> str:
    found = re.search(
        r"^http://testserver(/\S+)$", site.container.get(EmailSender).outbox[-1].get_content(), re.MULTILINE
    )
    assert found
    return found[1]


def at_once(call: Callable[[int], int]) -> Counter[int]:
    """Return how often each status was answered to requests that are sent together."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(call, range(AT_ONCE)))


def test_a_user_registers_confirms_logs_in_resets_and_logs_out(site: Application, database: DatabaseManager) -> None:
    client = Client(site)
    data = {"username": "amira", "email": ADDRESS, "password": PASSWORD, "password_confirm": PASSWORD}
    assert client.csrf_post("/auth/register/", data).status_code == 303
    assert client.get(mailed_link(site)).status_code == 303
    login = {"identifier": "amira", "password": PASSWORD}
    assert client.csrf_post("/auth/login/", login).status_code == 303
    assert client.get("/whoami/").text == "amira"
    assert client.get("/auth/sessions/").status_code == 200
    other = Client(site)
    other.csrf_post("/auth/request-reset-password/", {"email": ADDRESS})
    token = mailed_link(site).partition("=")[2]
    new = {"token": token, "new_password": NEW, "confirm_new_password": NEW}
    assert other.csrf_post("/auth/reset-password/", new).status_code == 303
    assert client.get("/whoami/").text == "nobody"
    assert other.csrf_post("/auth/login/", login).status_code == 401
    assert other.csrf_post("/auth/login/", {**login, "password": NEW}).status_code == 303
    assert other.csrf_post("/auth/logout/").status_code == 303
    with database.transaction(immediate=False) as db:
        events = db.scalars(select(AuthEvent.event).order_by(AuthEvent.id)).all()
        assert db.scalars(select(Login)).all() == []
    assert events == [
        "user_registered",
        "user_email_verified",
        "user_login_successful",
        "password_reset_requested",
        "password_reset_successful",
        "user_login_failed",
        "user_login_successful",
        "user_logged_out",
    ]


def test_of_many_guesses_at_once_exactly_the_limit_is_looked_at(api: Callable[..., Any], user_id: int) -> None:
    def guess(number: int) -> int:
        return int(api("login", identifier="amira", password=f"wrong password {number}").status_code)

    assert at_once(guess) == {401: 10, 429: AT_ONCE - 10}


def test_no_count_is_lost_where_many_keys_are_new_at_once(database: DatabaseManager, site: Application) -> None:
    counters = DatabaseCounters(database)

    def add(number: int) -> int:
        return counters.add(f"key {number % 3}", 60)

    with ThreadPoolExecutor(4) as pool:
        totals = list(pool.map(add, range(120)))
    assert sorted(totals) == sorted([*range(1, 41)] * 3)


def test_of_many_with_one_refresh_token_at_most_one_gets_a_pair_and_the_login_ends(
    api: Callable[..., Any], user_id: int, database: DatabaseManager
) -> None:
    token = api("login", identifier="amira", password=PASSWORD).json()["refresh_token"]
    answers = at_once(lambda _: int(api("refresh", refresh_token=token).status_code))
    assert answers.keys() <= {200, 401}
    assert answers[200] <= 1
    with database.transaction(immediate=False) as db:
        assert db.scalars(select(Login)).all() == []


def test_of_many_with_one_code_of_the_second_factor_one_gets_in(
    site: Application, api: Callable[..., Any], user_id: int, database: DatabaseManager
) -> None:
    factors = site.container.get(SecondFactors)
    with database.transaction() as db:
        user = db.get_one(User, user_id)
        secret = factors.secret(db, user)
        assert factors.confirm(db, user, code_at(secret, int(time.time() // 30) - 1))
    code = code_at(secret, int(time.time() // 30))
    answers = at_once(lambda _: int(api("login", identifier="amira", password=PASSWORD, code=code).status_code))
    assert answers[200] == 1
    assert answers.keys() <= {200, 401, 429}


def test_of_many_who_register_one_name_at_once_one_has_it(api: Callable[..., Any], database: DatabaseManager) -> None:
    def register(number: int) -> int:
        answer = api("register", username="amira", email=f"user{number}@example.org", password=PASSWORD)
        return int(answer.status_code)

    assert at_once(register) == {201: 1, 400: AT_ONCE - 1}
    with database.transaction(immediate=False) as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1


def test_of_many_who_register_one_address_at_once_one_has_it_and_all_hear_the_same(
    api: Callable[..., Any], database: DatabaseManager
) -> None:
    def register(number: int) -> int:
        return int(api("register", username=f"user{number}", email=ADDRESS, password=PASSWORD).status_code)

    answers = at_once(register)
    assert answers == {201: 5, 429: AT_ONCE - 5}
    with database.transaction(immediate=False) as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1
