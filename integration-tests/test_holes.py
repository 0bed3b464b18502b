"""What the first implementation left open to an attacker, tried on a site as startproject makes it, with DEBUG off."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from lback.auth import passwords
from lback.auth.managers import UserManager
from lback.auth.models import Group, User, UserPermission
from lback.auth.permissions import PermissionRequired
from lback.commands.startproject import create_project
from lback.core.app import Application
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.project import Project
from lback.core.request import Request
from lback.core.response import Response
from lback.core.testing import Client
from lback.core.urls_utils import include
from lback.migrations.revisions import History
from lback.migrations.runner import upgrade
from lback.models.database import DatabaseManager
from lback.models.session import Session as SessionRow
from lback.utils.shortcuts import render
from lback.utils.urls import path

PASSWORD = "a fine password"


@pytest.fixture(autouse=True)
def import_path() -> Iterator[None]:
    """A project's folder comes to the import path; it goes again after the test."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return create_project("shop", tmp_path)


def whoami(request: Request) -> str:
    return request.user.username if request.user else "nobody"


def fails_politely(request: Request) -> Response:
    request.db_session.add(Group(name="written by a refused request"))
    return Response("no", status=409)


def secrets_page(request: Request) -> Response:
    return render(request, "secrets.html")


@PermissionRequired("shop.sell")
def sell(request: Request) -> str:
    return "sold"


@pytest.fixture
def make_site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Application]]:
    """Return a function that builds the site, with some settings changed."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    made = []

    def make(**changes: Any) -> Application:
        config = Project(folder).config
        site = Application(
            Config({**config, "EMAIL_BACKEND": "memory", **changes}),
            urlpatterns=[
                path("/whoami/", whoami),
                path("/private/", whoami, requires_auth=True),
                path("/refused/", fails_politely, ["POST"]),
                path("/secrets/", secrets_page),
                path("/sell/", sell),
                include("lback.auth_app.urls", prefix="/auth/"),
                include("lback.admin.urls", prefix="/admin/"),
            ],
        )
        database = site.container.get(DatabaseManager)
        upgrade(database.engine, History(site.apps), report=lambda line: None)
        made.append(database)
        return site

    yield make
    for database in made:
        database.dispose()


@pytest.fixture
def site(make_site: Callable[..., Application]) -> Application:
    return make_site()


@pytest.fixture
def client(site: Application) -> Client:
    return Client(site, host="localhost")


@pytest.fixture
def database(site: Application) -> DatabaseManager:
    return site.container.get(DatabaseManager)


@pytest.fixture
def amira(database: DatabaseManager) -> int:
    with database.transaction() as db:
        return UserManager().create(db, "amira", PASSWORD, "amira@example.org").id


def log_in(client: Client) -> None:
    assert client.csrf_post("/auth/login/", {"identifier": "amira", "password": PASSWORD}).status_code == 303


@pytest.mark.usefixtures("amira")
class TestAuthentication:
    def test_s1_requires_auth_is_enforced(self, client: Client) -> None:
        assert client.get("/private/").location.startswith("/auth/login/")
        log_in(client)
        assert client.get("/private/").text == "amira"

    @pytest.mark.parametrize("login", ["/auth/login/", "/admin/login/"])
    def test_s2_a_planted_session_is_not_the_victims(
        self, site: Application, client: Client, database: DatabaseManager, login: str
    ) -> None:
        with database.transaction() as db:
            db.scalars(select(User)).one().is_staff = True
        attacker = Client(site, host="localhost")
        attacker.get("/private/")
        client.cookies = dict(attacker.cookies)
        client.csrf_post(login, {"identifier": "amira", "username": "amira", "password": PASSWORD})
        assert client.get("/whoami/").text == "amira"
        assert attacker.get("/whoami/").text == "nobody"

    def test_s3_the_group_of_superusers_gives_rights_and_no_other_identity(
        self, client: Client, database: DatabaseManager
    ) -> None:
        with database.transaction() as db:
            UserManager().create(db, "root", PASSWORD, is_superuser=True)
            user = db.scalars(select(User).where(User.username == "amira")).one()
            user.groups.append(Group(name="admin"))
        log_in(client)
        assert client.get("/whoami/").text == "amira"
        assert client.get("/admin/user/").status_code == 200

    def test_s17_a_deactivated_user_and_one_with_another_password_are_out(
        self, site: Application, client: Client, database: DatabaseManager, amira: int
    ) -> None:
        for change in ({"is_active": False}, {"password_hash": passwords.hash_password("another one")}):
            with database.transaction() as db:
                user = db.get_one(User, amira)
                user.is_active = True
                user.set_password(PASSWORD)
            visitor = Client(site, host="localhost")
            log_in(visitor)
            with database.transaction() as db:
                for name, value in change.items():
                    setattr(db.get_one(User, amira), name, value)
            assert visitor.get("/whoami/").text == "nobody"

    def test_s18_a_revoked_permission_is_gone_on_the_next_request(
        self, client: Client, database: DatabaseManager, amira: int
    ) -> None:
        with database.transaction() as db:
            group = Group(name="sellers", permissions=[UserPermission(name="shop.sell")])
            user = db.get_one(User, amira)
            user.groups.append(group)
        log_in(client)
        assert client.get("/sell/").text == "sold"
        with database.transaction() as db:
            db.scalars(select(Group)).one().permissions = []
        assert client.get("/sell/").status_code == 403

    def test_s23_logging_out_takes_a_post_and_cookies_keep_to_the_site(self, site: Application) -> None:
        client = Client(site, host="localhost", https=True)
        client.csrf_post(
            "/auth/login/",
            {"identifier": "amira", "password": PASSWORD},
            headers={"Referer": "https://localhost/auth/login/"},
        )
        answer = client.csrf_post(
            "/auth/logout/", headers={"Referer": "https://localhost/"}, environ={"HTTP_X_NOTHING": ""}
        )
        assert client.get("/auth/logout/").status_code == 405
        assert all("SameSite=Lax" in cookie and "Secure" in cookie for cookie in answer.cookies_set)
        assert all(cookie.startswith("__Host-") for cookie in answer.cookies_set)
        assert "x-csrf-token" not in answer.headers


class TestSecrets:
    def test_s4_every_project_has_keys_of_its_own(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        other = create_project("shop", tmp_path / "other")
        keys = [Project(place).config.SECRET_KEY for place in (folder, other)]
        assert keys[0] != keys[1]
        assert min(map(len, keys)) >= 32

    def test_s15_s16_the_admin_neither_shows_nor_searches_hashes(
        self, client: Client, database: DatabaseManager, amira: int
    ) -> None:
        with database.transaction() as db:
            db.get_one(User, amira).is_superuser = True
            bilal = UserManager().create(db, "bilal", PASSWORD)
            kept, address = bilal.password_hash, f"/admin/user/{bilal.id}/change/"
        log_in(client)
        for shown in ("/admin/user/", address):
            assert kept[:20] not in client.get(shown).text
        assert address not in client.get(f"/admin/user/?q={kept[-20:]}").text
        assert address in client.get("/admin/user/?q=bilal").text

    def test_s21_the_settings_files_are_read_and_not_written(self, folder: Path, site: Application) -> None:
        before = {file: file.read_bytes() for file in (folder / "config.json", folder / ".env", folder / "settings.py")}
        Client(site, host="localhost").get("/whoami/")
        assert {file: file.read_bytes() for file in before} == before
        assert ".env" in (folder / ".gitignore").read_text()

    def test_s22_no_cookie_and_no_token_is_logged(
        self, client: Client, amira: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        log_in(client)
        client.get("/whoami/")
        assert not any(value in caplog.text for value in client.cookies.values())
        assert PASSWORD not in caplog.text

    def test_s25_templates_get_no_secrets(self, folder: Path, client: Client, site: Application) -> None:
        (folder / "templates").mkdir(exist_ok=True)
        (folder / "templates" / "secrets.html").write_text("[{{ config.SECRET_KEY }}{{ config.EMAIL_PASSWORD }}]")
        assert site.config.SECRET_KEY not in client.get("/secrets/").text


class TestConfiguration:
    def test_s5_s6_debug_is_off_and_the_environment_has_the_last_word(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert Project(folder).config.DEBUG is False
        with (folder / "settings.py").open("a") as settings:
            settings.write("DEBUG = True\n")
        monkeypatch.setenv("DEBUG", "false")
        assert Project(folder).config.DEBUG is False

    def test_s5_a_large_body_is_refused_and_there_is_no_console(self, client: Client) -> None:
        answer = client.post("/auth/api/login/", b"x" * 11_000_000, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert "Traceback" not in answer.text
        assert client.get("/console").status_code == 404

    def test_s11_the_host_is_checked(self, site: Application) -> None:
        assert Client(site, host="evil.example").get("/whoami/").status_code == 400

    def test_s12_no_other_site_reads_an_answer(self, client: Client) -> None:
        answer = client.get("/whoami/", headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control")]

    def test_s12_every_origin_with_credentials_is_refused(self, make_site: Callable[..., Application]) -> None:
        cors = {
            "class": "lback.middlewares.cors.CORSMiddleware",
            "params": {"allow_origins": ["*"], "allow_credentials": True},
        }
        with pytest.raises(ConfigurationError):
            make_site(MIDDLEWARES=[cors])

    def test_s13_a_middleware_that_is_not_there_stops_the_start(self, make_site: Callable[..., Application]) -> None:
        with pytest.raises(ConfigurationError, match="CSRFMiddlewear"):
            make_site(MIDDLEWARES=["lback.middlewares.csrf.CSRFMiddlewear"])

    def test_s28_a_proxy_is_not_everybody(self, make_site: Callable[..., Application]) -> None:
        client = Client(make_site(TRUSTED_PROXIES=1, AUTH_LIMITS={"login_ip": "1/1000 days"}), host="localhost")
        token = client.csrf_token()
        statuses = [
            client.post(
                "/auth/login/",
                {"identifier": "nobody", "password": PASSWORD},
                headers={"X-CSRF-Token": token, "X-Forwarded-For": address},
            ).status_code
            for address in ("192.0.2.1", "192.0.2.2", "192.0.2.2")
        ]
        assert statuses == [401, 401, 429]


class TestFilesAndPages:
    @pytest.mark.parametrize("name", ["static", "media/uploads"])
    @pytest.mark.parametrize("dots", ["..", "%2e%2e", "%252e%252e"])
    def test_s7_nothing_beside_a_folder_is_served(self, folder: Path, client: Client, name: str, dots: str) -> None:
        beside = folder / f"{name}_secret"
        beside.mkdir(parents=True)
        (beside / "k.txt").write_text("secret text")
        answer = client.get(f"/{name}/{dots}/{beside.name}/k.txt")
        assert answer.status_code in (400, 404)
        assert "secret text" not in answer.text

    def test_s9_s10_what_is_entered_comes_back_escaped(self, client: Client) -> None:
        answer = client.csrf_post("/auth/login/", {"identifier": '"><script>alert(1)</script>', "password": "x"})
        assert answer.status_code == 401
        assert "<script>alert" not in answer.text

    def test_s14_an_innocent_query_is_answered(self, client: Client) -> None:
        assert client.get("/whoami/?q=select+one").status_code == 200


@pytest.mark.usefixtures("amira")
class TestAnswers:
    def test_s19_an_unconfirmed_account_answers_like_a_wrong_password(
        self, client: Client, database: DatabaseManager
    ) -> None:
        with database.transaction() as db:
            UserManager().register(db, "carla", "carla@example.org", PASSWORD)

        def answer(name: str, password: str) -> tuple[int, str]:
            page = client.csrf_post("/auth/login/", {"identifier": name, "password": password})
            return page.status_code, re.sub(r'value="[^"]*"', "", page.text)

        assert answer("carla", PASSWORD) == answer("amira", "wrong password") == answer("nobody", PASSWORD)

    def test_s20_guesses_and_resets_are_limited(self, client: Client) -> None:
        guesses = [
            client.csrf_post("/auth/login/", {"identifier": "amira", "password": "wrong password"}).status_code
            for _ in range(12)
        ]
        mails = [
            client.csrf_post("/auth/request-reset-password/", {"email": "amira@example.org"}).status_code
            for _ in range(7)
        ]
        assert 429 in guesses
        assert 429 in mails

    def test_s24_nothing_cheap_fails_or_fills_the_database(self, client: Client, database: DatabaseManager) -> None:
        for _ in range(3):
            client.cookies.clear()
            client.get("/auth/login/")
            client.get("/whoami/")
        broken = client.post("/auth/api/login/", b"{", headers={"Content-Type": "application/json"})
        assert broken.status_code == 400
        with database.transaction(immediate=False) as db:
            assert db.scalar(select(func.count()).select_from(SessionRow)) == 0

    def test_s24_a_page_of_a_list_has_a_limit(self, client: Client, database: DatabaseManager, amira: int) -> None:
        with database.transaction() as db:
            db.get_one(User, amira).is_superuser = True
            db.add_all(User(username=f"user{number}", password_hash="x") for number in range(300))
        log_in(client)
        assert client.get("/admin/user/?per_page=1000000").text.count("user2") < 150

    def test_s27_what_a_refused_request_wrote_is_undone(self, client: Client, database: DatabaseManager) -> None:
        assert client.csrf_post("/refused/").status_code == 409
        with database.transaction(immediate=False) as db:
            assert db.scalar(select(func.count()).select_from(Group)) == 0


def test_s8_an_uploaded_page_is_saved_and_not_shown(folder: Path, client: Client) -> None:
    uploads = folder / "media" / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    (uploads / "evil.html").write_text("<script>alert(1)</script>")
    answer = client.get("/media/uploads/evil.html")
    if answer.status_code == 200:
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
    else:
        assert answer.status_code == 404


@pytest.mark.parametrize("password", ["x", "password", "aaaaaaaa"])
def test_s26_no_way_to_an_account_takes_a_weak_password(client: Client, password: str) -> None:
    data = {"username": "bilal", "email": "bilal@example.org", "password": password}
    assert client.csrf_post("/auth/register/", {**data, "password_confirm": password}).status_code == 400
    answer = client.post("/auth/api/register/", json=data)
    assert "password" in json.loads(answer.body)["errors"]
