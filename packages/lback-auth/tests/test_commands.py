"""The commands for accounts, as they are typed."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from lback.auth import commands
from lback.auth.logins import fingerprint
from lback.auth.managers import UserManager
from lback.auth.models import AuthEvent, Group, Login, SecondFactor
from lback.core.config import Config
from lback.core.project import Project
from lback.models.base import BaseModel
from lback.models.database import DatabaseManager

PASSWORD = "a fine password"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "settings.py").write_text(
        'INSTALLED_APPS = ["auth_app"]\n'
        f'DATABASE_URL = "sqlite:///{tmp_path / "db.sqlite"}"\n'
        'SECRET_KEY = "a-key-for-tests-alone-0123456789-abcdefghij"\n'
    )
    return Project(tmp_path)


@pytest.fixture
def database(project):
    project.load_models()
    database = DatabaseManager.from_config(project.config)
    BaseModel.metadata.create_all(database.engine)
    yield database
    database.dispose()


@pytest.fixture
def run(project):
    """Return a function that runs a command, with entries for its questions and variables of the environment."""

    def run(name, *arguments, entered=None, environ=None):
        environ = {"LBACK_SUPERUSER_PASSWORD": None, **(environ or {})}
        return CliRunner().invoke(getattr(commands, name), arguments, obj=project, input=entered, env=environ)

    return run


@pytest.fixture
def find(database):
    def find(name):
        session = database.session()
        user = UserManager().find(session, name)
        session.close()
        return user

    return find


@pytest.fixture
def amira(database):
    with database.transaction() as db:
        UserManager().create(db, "amira", PASSWORD, "amira@example.com")


class TestCreateSuperuser:
    def test_asks_for_name_address_and_password(self, run, find):
        result = run("create_superuser", entered=f"boss\nboss@example.com\n{PASSWORD}\n{PASSWORD}\n")
        assert result.exit_code == 0, result.output
        assert "Created the superuser boss." in result.output
        boss = find("boss")
        assert boss.is_superuser
        assert boss.is_staff
        assert boss.is_active
        assert boss.email == "boss@example.com"
        assert boss.check_password(PASSWORD)

    def test_the_address_may_be_empty(self, run, find):
        assert run("create_superuser", entered=f"boss\n\n{PASSWORD}\n{PASSWORD}\n").exit_code == 0
        assert find("boss").email is None

    def test_the_password_is_never_shown(self, run, database):
        result = run("create_superuser", entered=f"boss\n\n{PASSWORD}\n{PASSWORD}\n")
        assert PASSWORD not in result.output

    def test_a_taken_name_is_told_before_the_password_is_asked_for(self, run, find, amira):
        result = run("create_superuser", entered=f"Amira\nboss\n\n{PASSWORD}\n{PASSWORD}\n")
        assert result.exit_code == 0
        told = result.output.index("There is a user named Amira already.")
        assert told < result.output.index("Username", 10) < result.output.index("Password")
        assert find("boss").is_superuser
        assert not find("amira").is_superuser

    def test_a_refused_entry_is_asked_for_again(self, run, find):
        entries = [
            "ab",
            "boss",
            "nonsense",
            "boss@example.com",
            "short",
            "password",
            PASSWORD,
            "typo",
            PASSWORD,
            PASSWORD,
        ]
        result = run("create_superuser", entered="\n".join(entries) + "\n")
        assert result.exit_code == 0, result.output
        for reason in ("3 to 150 characters", "e-mail address, such as", "at least 8", "among the first", "differ"):
            assert reason in result.output
        assert find("boss").check_password(PASSWORD)

    def test_by_options_and_the_environment(self, run, find):
        environ = {"LBACK_SUPERUSER_PASSWORD": PASSWORD}
        result = run("create_superuser", "--username=boss", "--email=b@example.com", "--noinput", environ=environ)
        assert result.exit_code == 0, result.output
        assert find("b@example.com").check_password(PASSWORD)

    def test_by_standard_input(self, run, find):
        result = run("create_superuser", "--username=boss", "--noinput", "--password-stdin", entered=f"{PASSWORD}\n")
        assert result.exit_code == 0, result.output
        assert find("boss").check_password(PASSWORD)

    @pytest.mark.parametrize(
        ("arguments", "password", "code", "sentence"),
        [
            (["--noinput"], PASSWORD, 2, "--username is missing"),
            (["--noinput", "--username=boss"], None, 2, "The password is missing"),
            (["--noinput", "--username=amira"], PASSWORD, 1, "There is a user named amira already."),
            (["--noinput", "--username=boss", "--email=AMIRA@example.com"], PASSWORD, 1, "this e-mail address already"),
            (["--noinput", "--username=boss", "--email=x"], PASSWORD, 1, "Enter an e-mail address"),
            (["--noinput", "--username=boss"], "short", 1, "Use at least 8 characters"),
            (["--noinput", "--username=boss"], "password", 1, "among the first"),
            (["--noinput", "--username=boss"], "x" * 1025, 1, "at most 1024"),
            (["--noinput", "--username=b"], PASSWORD, 1, "Use 3 to 150 characters"),
            (["--password=secret"], PASSWORD, 2, "No such option"),
        ],
    )
    def test_refusals(self, run, find, amira, arguments, password, code, sentence):
        result = run("create_superuser", *arguments, environ={"LBACK_SUPERUSER_PASSWORD": password})
        assert result.exit_code == code
        assert sentence in result.output
        assert find("boss") is None

    def test_when_the_input_ends_nothing_is_made(self, project, find):
        code = (
            "from lback.auth.commands import create_superuser; from lback.core.project import Project; "
            f"create_superuser([], obj=Project({str(project.base_dir)!r}))"
        )
        done = subprocess.run([sys.executable, "-c", code], input="boss\n\n", capture_output=True, text=True)
        assert done.returncode == 1
        assert "Aborted" in done.stderr
        assert find("boss") is None


class TestWithoutTables:
    @pytest.mark.parametrize(
        "name", ["create_superuser", "reset_password", "activate_user", "deactivate_user", "list_users"]
    )
    def test_one_sentence_says_to_migrate(self, run, name):
        result = run(name)
        assert result.exit_code == 1
        assert result.output == "Error: The database has no table for users. Run migrate first.\n"

    def test_without_the_app_one_says_to_install_it(self, run, project, tmp_path):
        project.config = Config({"BASE_DIR": tmp_path})
        result = run("list_users")
        assert result.exit_code == 1
        assert "add 'auth_app' to INSTALLED_APPS" in result.output


class TestResetPassword:
    def test_sets_another_one(self, run, find, amira):
        result = run("reset_password", entered="amira\nanother fine one\nanother fine one\n")
        assert result.exit_code == 0, result.output
        assert find("amira").check_password("another fine one")

    def test_finds_the_user_by_address(self, run, find, amira):
        arguments = ["--username=amira@example.com", "--password-stdin"]
        assert run("reset_password", *arguments, entered="another fine one\n").exit_code == 0
        assert find("amira").check_password("another fine one")

    def test_the_rules_hold(self, run, find, amira):
        result = run("reset_password", "--username=amira", "--password-stdin", entered="short\n")
        assert result.exit_code == 1
        assert find("amira").check_password(PASSWORD)

    def test_an_unknown_user(self, run, database):
        result = run("reset_password", "--username=nobody", "--noinput")
        assert result.exit_code == 1
        assert "There is no user with that name" in result.output


class TestActivate:
    def test_and_deactivate(self, run, find, amira):
        assert run("deactivate_user", entered="amira\n").output.endswith("amira is deactivated now.\n")
        assert not find("amira").is_active
        assert "was deactivated already" in run("deactivate_user", "--username=amira").output
        assert "amira is active now." in run("activate_user", "--username=amira").output
        assert find("amira").is_active

    def test_lets_in_who_never_confirmed_the_address(self, run, find, database):
        with database.transaction() as db:
            UserManager().register(db, "bilal", "bilal@example.org", PASSWORD)
        assert not UserManager().admits(find("bilal"))
        assert "bilal is active now." in run("activate_user", "--username=bilal").output
        assert UserManager().admits(find("bilal"))

    def test_an_unknown_user(self, run, database):
        assert run("deactivate_user", "--username=nobody").exit_code == 1


class TestListUsers:
    def test_a_line_for_each(self, run, database, amira):
        with database.transaction() as db:
            UserManager().create(db, "boss", PASSWORD, is_superuser=True)
            chief = UserManager().create(db, "chief", PASSWORD)
            chief.groups.append(Group(name="admin"))
            UserManager().create(db, "clerk", PASSWORD, is_staff=True, is_active=False)
        assert run("list_users").output.splitlines() == [
            "- amira (amira@example.com) | Status: Active | Role: Regular",
            "- boss (no e-mail) | Status: Active | Role: Superuser",
            "- chief (no e-mail) | Status: Active | Role: Superuser",
            "- clerk (no e-mail) | Status: Inactive | Role: Staff",
        ]

    def test_none_yet(self, run, database):
        assert "There are no users yet." in run("list_users").output


def test_what_they_do_is_written_down(run, database, amira):
    run("create_superuser", "--username=boss", "--noinput", environ={"LBACK_SUPERUSER_PASSWORD": PASSWORD})
    run("reset_password", "--username=amira", "--password-stdin", entered="another fine one\n")
    run("deactivate_user", "--username=amira")
    run("deactivate_user", "--username=amira")
    run("activate_user", "--username=amira")
    with database.transaction(immediate=False) as db:
        rows = [(row.event, row.username, row.reason) for row in db.scalars(select(AuthEvent).order_by(AuthEvent.id))]
    assert rows == [
        ("user_created", "boss", "command"),
        ("user_password_changed", "amira", "command"),
        ("user_deactivated", "amira", "command"),
        ("user_activated", "amira", "command"),
    ]


@pytest.mark.parametrize("arguments", [("reset_password", "--password-stdin"), ("deactivate_user",)])
def test_they_end_every_login_of_the_user(run, database, amira, arguments):
    with database.transaction() as db:
        user = UserManager().find(db, "amira")
        far = datetime.now(UTC) + timedelta(days=1)
        db.add(Login(id="x", user_id=user.id, kind="session", fingerprint=fingerprint(user), expires_at=far))
    name, *options = arguments
    assert run(name, "--username=amira", *options, entered="another fine one\n").exit_code == 0
    with database.transaction(immediate=False) as db:
        assert db.scalars(select(Login)).all() == []


def test_a_lost_second_factor_is_removed(run, database, amira):
    assert "has no second factor" in run("remove_second_factor", "--username=amira").output
    with database.transaction() as db:
        user = UserManager().find(db, "amira")
        db.add(SecondFactor(user_id=user.id, salt="00", confirmed_at=datetime.now(UTC), last_step=0))
    assert "is asked for the password alone now" in run("remove_second_factor", "--username=amira").output
    with database.transaction(immediate=False) as db:
        assert db.scalars(select(SecondFactor)).all() == []
        assert db.scalars(select(AuthEvent.event)).all() == ["second_factor_disabled"]


def test_importing_the_commands_imports_nothing_heavy():
    heavy = "{'sqlalchemy', 'jinja2', 'alembic', 'bcrypt', 'email_validator'}"
    code = f"import sys, lback.auth.commands, lback.auth_app.app; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
