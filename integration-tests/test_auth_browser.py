"""Accounts in a real browser: the journeys of users, without scripts, and what assistive software makes of each page.

A project as ``startproject`` makes it, under gunicorn, with the mail settings of README.md.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lback.auth import passwords
from lback.auth.managers import UserManager
from lback.auth.models import User
from lback.auth.second_factor import SecondFactors
from lback.core.config import Config
from lback.models.database import DatabaseManager

from . import mail_server
from .chromium import Chromium, chromium
from .environments import Environment
from .mail_server import Inbox
from .servers import served
from .visitors import PASSWORD, Phone, Visitor

OTHER_PASSWORD = "and a finer one"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0"
SECRET_KEY = "a-key-for-tests-alone-0123456789-abcdefghij"
SETTINGS = """
SECRET_KEY = "{key}"
LOGIN_REDIRECT_URL = "/auth/account/"
# Windows that don't end in the middle of a test.
AUTH_LIMITS = {{"login_account": "3/1000 days", "login_ip": "50/1000 days"}}

SMTP_SERVER = "localhost"
SMTP_PORT = {inbox.port}
EMAIL_USERNAME = "{mail.USERNAME}"
EMAIL_PASSWORD = "{mail.PASSWORD}"
SENDER_EMAIL = "{mail.USERNAME}"
USE_TLS = True
SENDER_NAME = "The Shop"

# Cheap hashes, as a login takes most of its time for one.
from lback.auth import passwords
passwords.ROUNDS = 4
"""

Visit = Callable[..., Visitor]
AddUser = Callable[..., None]
AddPhone = Callable[[str], Phone]


# -- the site ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the project is, and beside it the authority of the mail server and the logs."""
    return tmp_path_factory.mktemp("accounts")


@pytest.fixture(scope="module")
def inbox(folder: Path) -> Iterator[Inbox]:
    with mail_server.mail_server(folder / "authority.pem") as inbox:
        yield inbox


@pytest.fixture(scope="module")
def project(browser: Chromium, folder: Path, inbox: Inbox) -> Path:
    """A project with tables; `browser` comes first, so that nothing is made where there is none."""
    environment = Environment(Path(sys.prefix))
    environment.run("lback", "startproject", "shop", cwd=folder)
    with (folder / "shop" / "settings.py").open("a") as settings:
        settings.write(SETTINGS.format(key=SECRET_KEY, inbox=inbox, mail=mail_server))
    environment.run("python", "manage.py", "migrate", cwd=folder / "shop")
    return folder / "shop"


@pytest.fixture(scope="module")
def site(project: Path) -> Iterator[str]:
    with served(project, SSL_CERT_FILE=str(project.parent / "authority.pem")) as site:
        yield site


@pytest.fixture(scope="module")
def strict_site(project: Path) -> Iterator[str]:
    """The same site, where staff need a second factor."""
    with served(project, LBACK_REQUIRE_STAFF_SECOND_FACTOR="true") as site:
        yield site


@pytest.fixture(scope="module")
def database(project: Path) -> Iterator[DatabaseManager]:
    database = DatabaseManager.from_config(Config({"DATABASE_URL": f"sqlite:///{project / 'db.sqlite'}"}))
    yield database
    database.dispose()


@pytest.fixture
def add_user(database: DatabaseManager, monkeypatch: pytest.MonkeyPatch) -> AddUser:
    """Return a function that makes a user, who has no address that would have to be confirmed unless one is given."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)

    def add(name: str, email: str | None = None, **flags: Any) -> None:
        with database.transaction() as db:
            UserManager().create(db, name, PASSWORD, email, **flags)

    return add


@pytest.fixture
def add_phone(database: DatabaseManager) -> AddPhone:
    """Return a function that sets up the second factor of a user."""
    factors = SecondFactors(Config({"SECRET_KEY": SECRET_KEY}))

    def add(name: str) -> Phone:
        with database.transaction() as db:
            user = db.scalars(select(User).where(User.username == name)).one()
            phone = Phone(factors.secret(db, user))
            assert factors.confirm(db, user, phone.code())
        return phone

    return add


@pytest.fixture
def visit(browser: Chromium, site: str) -> Iterator[Visit]:
    """Return a function that gives a browser with cookies of its own; by default it runs no scripts."""
    visitors = []
    with ExitStack() as stack:

        def start(scripts: bool = False, site: str = site, **options: Any) -> Visitor:
            context = browser.new_context(java_script_enabled=scripts, base_url=site, **options)
            stack.callback(context.close)
            visitors.append(Visitor(context))
            return visitors[-1]

        yield start
    assert [said for visitor in visitors for said in visitor.console if "Content Security Policy" in said] == []


# -- the journeys -----------------------------------------------------------------------------------------------------


def test_registering_then_logging_in_and_out(visit: Visit, inbox: Inbox) -> None:
    visitor = visit()
    visitor.go("/auth/login/")
    visitor.follow("Create an account")
    names = {"User name": "amira", "E-mail address": "amira@example.org"}
    visitor.send("Create the account", **names, Password=PASSWORD, The_password_again=PASSWORD)
    assert visitor.message == "Almost done: follow the link in the mail that is on its way to you."
    link = inbox.link("amira@example.org", "Confirm your e-mail address for shop")

    visitor.log_in("amira")
    assert "is not confirmed yet" in visitor.message
    visitor.go(link)
    assert visitor.message == "Your e-mail address is confirmed. You can log in now."
    visitor.log_in("amira@example.org")
    assert visitor.heading == "Your account"
    assert visitor.page.get_by_text("amira@example.org").is_visible()

    visitor.send("Log out")
    assert visitor.message == "You have logged out."
    visitor.go("/auth/account/")
    assert visitor.heading == "Log in"


def test_a_forgotten_password(visit: Visit, add_user: AddUser, inbox: Inbox) -> None:
    add_user("bilal", "bilal@example.org")
    visitor = visit()
    visitor.go("/auth/login/")
    visitor.follow("Forgot your password?")
    visitor.send("Send the link", **{"E-mail address": "bilal@example.org"})
    assert visitor.message.startswith("If there is an account with this address")
    link = inbox.link("bilal@example.org", "Set a new password for shop")

    visitor.go(link)
    assert "token" not in visitor.page.url
    visitor.send("Set the password", New_password=OTHER_PASSWORD, The_new_password_again=OTHER_PASSWORD)
    assert visitor.message == "Your password is changed. Log in with the new one."
    assert inbox.link("bilal@example.org", "Your password for shop was changed")
    visitor.log_in("bilal")
    assert "is not right" in visitor.message
    visitor.log_in("bilal", OTHER_PASSWORD)
    assert visitor.heading == "Your account"
    visitor.go(link)
    assert visitor.message == "This link has been used or is too old."


def test_a_second_factor_and_its_recovery_codes(visit: Visit, add_user: AddUser) -> None:
    add_user("chidi")
    visitor = visit()
    visitor.log_in("chidi")
    visitor.follow("Two-step login Off")
    visitor.follow("Set it up")
    phone, codes = visitor.set_up()
    visitor.follow("I have kept them")
    assert visitor.page.get_by_role("link", name="Two-step login On").is_visible()

    for code in (phone.code(), codes[0]):
        visitor.send("Log out")
        visitor.log_in("chidi")
        assert visitor.heading == "Enter your code"
        visitor.send("Log in", Code=code)
        assert visitor.heading == "Your account"
    visitor.follow("Two-step login")
    assert visitor.page.get_by_text("You have 9 recovery codes left").is_visible()


def test_one_login_ends_another(visit: Visit, add_user: AddUser) -> None:
    add_user("dana")
    here, there, elsewhere = visit(), visit(user_agent=FIREFOX), visit()
    for visitor in (here, there, elsewhere):
        visitor.log_in("dana")
    here.follow("Where you are logged in")
    here.send(re.compile("Log out.*Firefox on Windows"))
    assert here.message == "That login has ended."
    there.go("/auth/account/")
    elsewhere.go("/auth/account/")
    assert (there.heading, elsewhere.heading) == ("Log in", "Your account")

    here.send("Log out everywhere else")
    assert here.message == "You are logged out everywhere else."
    elsewhere.go("/auth/account/")
    assert elsewhere.heading == "Log in"


def test_another_password_ends_all_other_logins(visit: Visit, add_user: AddUser) -> None:
    add_user("emre")
    here, there = visit(), visit()
    here.log_in("emre")
    there.log_in("emre")
    here.follow("Change your password")
    new = {"New password": OTHER_PASSWORD, "The new password again": OTHER_PASSWORD}
    here.send("Change the password", Current_password=PASSWORD, **new)
    assert (here.heading, here.message) == (
        "Your account",
        "Your password is changed, and every other login has ended.",
    )
    there.go("/auth/account/")
    assert there.heading == "Log in"


def test_the_admin_asks_for_the_code_too(visit: Visit, add_user: AddUser, add_phone: AddPhone) -> None:
    add_user("root", is_superuser=True)
    phone = add_phone("root")
    visitor = visit()
    visitor.go("/admin/user/")
    assert visitor.path == "/admin/login/"
    visitor.send("Log in", User_name="root", Password=PASSWORD)
    assert visitor.heading == "Enter your code"
    visitor.send("Log in", Code=phone.code())
    assert (visitor.path, visitor.heading) == ("/admin/user/", "Users")


def test_staff_may_have_to_set_one_up_first(visit: Visit, add_user: AddUser, strict_site: str) -> None:
    add_user("second", is_superuser=True)
    visitor = visit(site=strict_site)
    visitor.go("/admin/user/")
    visitor.send("Log in", User_name="second", Password=PASSWORD)
    assert visitor.message == "This site asks its staff for a second step at the login. Set it up to go on."
    # The password alone opens nothing.
    visitor.go("/admin/user/")
    assert visitor.path == "/admin/login/"

    visitor.send("Log in", User_name="second", Password=PASSWORD)
    visitor.set_up()
    visitor.follow("I have kept them")
    assert (visitor.path, visitor.heading) == ("/admin/user/", "Users")


def test_a_keyboard_is_enough_to_log_in(visit: Visit, add_user: AddUser, add_phone: AddPhone) -> None:
    add_user("farah")
    phone = add_phone("farah")
    visitor = visit()
    visitor.go("/auth/login/")
    visitor.type("identifier", "farah", "Tab")
    visitor.type("password", PASSWORD, "Enter")
    visitor.type("code", phone.code(), "Tab", "Enter")
    visitor.page.wait_for_url("**/account/")


# -- what the pages look like -----------------------------------------------------------------------------------------


def test_nothing_is_wrong_with_the_login(visit: Visit) -> None:
    visitor = visit(scripts=True)
    visitor.go("/auth/login/")
    visitor.look("Log in")
    visitor.send("Log in")
    visitor.look("Log in")
    visitor.log_in("gustav")
    assert "is not right" in visitor.message
    visitor.look("Log in")
    for _ in range(3):
        visitor.log_in("gustav")
    assert visitor.message.startswith("There were too many attempts.")
    visitor.look("Log in")


def test_nothing_is_wrong_with_the_registration(visit: Visit) -> None:
    visitor = visit(scripts=True)
    visitor.go("/auth/register/")
    visitor.look("Create an account")
    names = {"User name": "x", "E-mail address": "no address"}
    visitor.send("Create the account", **names, Password="password", The_password_again="another")
    visitor.look("Create an account")
    names = {"User name": "hana", "E-mail address": "hana@example.org"}
    visitor.send("Create the account", **names, Password=PASSWORD, The_password_again=PASSWORD)
    visitor.look("Log in")
    visitor.go("/auth/verify-email/?token=forged")
    assert visitor.message.startswith("This link was used already")
    visitor.look("Log in")


def test_nothing_is_wrong_with_a_reset(visit: Visit, add_user: AddUser, inbox: Inbox) -> None:
    add_user("ines", "ines@example.org")
    visitor = visit(scripts=True)
    visitor.go("/auth/request-reset-password/")
    visitor.look("Reset your password")
    visitor.send("Send the link")
    visitor.look("Reset your password")
    visitor.send("Send the link", **{"E-mail address": "ines@example.org"})
    visitor.look("Reset your password")
    visitor.go(inbox.link("ines@example.org", "Set a new password for shop"))
    visitor.look("Set a new password")
    visitor.send("Set the password", New_password="short", The_new_password_again="other")
    visitor.look("Set a new password")
    visitor.go("/auth/reset-password-confirm/?token=forged")
    assert visitor.message.startswith("This link has been used")
    visitor.look("Set a new password")


def test_nothing_is_wrong_with_the_account(visit: Visit, add_user: AddUser) -> None:
    name = "j" * 60
    add_user(name, f"{name}@example.org", email_verified_at=datetime.now(UTC))
    visitor, other = visit(scripts=True), visit(user_agent="x" * 300)
    visitor.log_in(name)
    visitor.look("Your account")
    other.log_in(name)
    visitor.follow("Where you are logged in")
    visitor.look("Where you are logged in")
    visitor.go("/auth/change-password/")
    visitor.look("Change your password")
    new = {"New password": OTHER_PASSWORD, "The new password again": OTHER_PASSWORD}
    visitor.send("Change the password", Current_password="wrong", **new)
    visitor.look("Change your password")
    visitor.send("Change the password", Current_password=PASSWORD, **new)
    visitor.look("Your account")


def test_nothing_is_wrong_with_the_second_factor(visit: Visit, add_user: AddUser) -> None:
    add_user("kofi")
    visitor = visit(scripts=True)
    visitor.log_in("kofi")
    visitor.follow("Two-step login")
    visitor.look("Two-step login")
    visitor.follow("Set it up")
    visitor.look("Set up two-step login")
    visitor.send("Switch it on", Current_password=PASSWORD, Code="000000")
    visitor.look("Set up two-step login")
    visitor.set_up()
    visitor.look("Your recovery codes")
    visitor.go("/auth/second-factor/status/")
    visitor.look("Two-step login")
    visitor.send("Switch off", Current_password="wrong")
    visitor.look("Two-step login")
    visitor.follow("Back to your account")
    visitor.send("Log out")
    visitor.log_in("kofi")
    visitor.look("Enter your code")
    visitor.send("Log in", Code="000000")
    visitor.look("Enter your code")


def test_nothing_is_wrong_with_a_set_up_that_must_be(visit: Visit, add_user: AddUser, strict_site: str) -> None:
    add_user("lena", is_staff=True)
    visitor = visit(scripts=True, site=strict_site)
    visitor.log_in("lena")
    visitor.look("Set up two-step login")


def test_nothing_is_wrong_with_the_login_of_the_admin(visit: Visit) -> None:
    visitor = visit(scripts=True)
    visitor.go("/admin/login/")
    visitor.look("Administration")
    visitor.send("Log in", User_name="nobody", Password=PASSWORD)
    assert "do not belong to an account of the staff" in visitor.message
    visitor.look("Administration")
