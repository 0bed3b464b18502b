"""The commands for accounts: to make one, let it in or lock it out, set its password, and list them.

Passwords are never taken from the command line, where other users of the machine could read them.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lback.auth.models import User
    from lback.core.project import Project
    from lback.models.database import DatabaseManager

T = TypeVar("T")

PASSWORD_VARIABLE = "LBACK_SUPERUSER_PASSWORD"  # noqa: S105 - the name of a variable

_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
_noinput = click.option("--noinput", is_flag=True, help="Ask nothing; what is missing is an error.")
_username = click.option("--username", help="The user name. Asked for when it is not given.")


@click.command("create_superuser")
@_username
@click.option("--email", help="The e-mail address; may be empty.")
@_stdin
@_noinput
@click.pass_obj
def create_superuser(
    project: "Project", username: str | None, email: str | None, password_stdin: bool, noinput: bool
) -> None:
    """Create an account that may do everything, the admin included.

    The password is asked for, unless --password-stdin is given or the environment variable LBACK_SUPERUSER_PASSWORD
    is set.
    """
    from lback.auth.managers import AdminUserManager
    from lback.auth.names import normal_email, normal_username

    users = AdminUserManager()
    with _database(project) as database:

        def free_name(entered: str) -> str:
            name = normal_username(entered)
            with database.transaction(immediate=False) as db:
                users.check_free(db, name)
            return name

        def free_email(entered: str) -> str:
            address = normal_email(entered) if entered.strip() else ""
            if address:
                with database.transaction() as db:
                    users.check_free(db, "", address)
            return address

        name = _value("Username", "--username", username, free_name, noinput)
        address = _value("E-mail (may be empty)", "--email", "" if noinput and email is None else email, free_email)
        password = _new_password(password_stdin, noinput, os.environ.get(PASSWORD_VARIABLE))
        with _refusals(), database.transaction() as db:
            user = users.create(db, name, password, address or None, is_superuser=True)
            _write_down(db, user, "user_created")
    click.echo(f"Created the superuser {name}.")


@click.command("reset_password")
@_username
@_stdin
@_noinput
@click.pass_obj
def reset_password(project: "Project", username: str | None, password_stdin: bool, noinput: bool) -> None:
    """Set another password for a user; their sessions end."""
    with _database(project) as database:
        name = _value("Username", "--username", username, _existing(database), noinput)
        password = _new_password(password_stdin, noinput, None)
        with _refusals(), database.transaction() as db:
            user = _user(db, name)
            user.set_password(password)
            _write_down(db, user, "user_password_changed")
    click.echo(f"{name} has a new password, and is logged out everywhere.")


@click.command("activate_user")
@_username
@_noinput
@click.pass_obj
def activate_user(project: "Project", username: str | None, noinput: bool) -> None:
    """Let a user log in: one that was deactivated, or has not confirmed the e-mail address."""
    _set_active(project, username, noinput, active=True)


@click.command("deactivate_user")
@_username
@_noinput
@click.pass_obj
def deactivate_user(project: "Project", username: str | None, noinput: bool) -> None:
    """Lock a user out, at once and without deleting anything."""
    _set_active(project, username, noinput, active=False)


@click.command("remove_second_factor")
@_username
@_noinput
@click.pass_obj
def remove_second_factor(project: "Project", username: str | None, noinput: bool) -> None:
    """Ask a user for the password alone, whose phone and recovery codes are lost; their logins end."""
    from lback.auth.logins import SessionManager
    from lback.auth.second_factor import SecondFactors

    with _database(project) as database:
        name = _value("Username", "--username", username, _existing(database), noinput)
        with database.transaction() as db:
            user = _user(db, name)
            removed = SecondFactors.from_config(project.config).remove(db, user)
            if removed:
                SessionManager().end_all(db, user)
                _write_down(db, user, "second_factor_disabled")
    click.echo(f"{name} is asked for the password alone now." if removed else f"{name} has no second factor.")


@click.command("list_users")
@click.pass_obj
def list_users(project: "Project") -> None:
    """List all users, with their state and role."""
    from sqlalchemy import select
    from sqlalchemy.orm import selectinload

    from lback.auth.models import User

    with _database(project) as database, database.transaction(immediate=False) as db:
        count = 0
        users = select(User).order_by(User.username).options(selectinload(User.groups))
        for user in db.scalars(users.execution_options(yield_per=500)):
            count += 1
            state = "Active" if user.is_active else "Inactive"
            role = _role(user, project.config.SUPERUSER_GROUP)
            click.echo(f"- {user.username} ({user.email or 'no e-mail'}) | Status: {state} | Role: {role}")
    if not count:
        click.echo("There are no users yet. Make the first one with create_superuser.")


def _role(user: "User", superuser_group: str) -> str:
    if user.is_superuser or any(group.name == superuser_group for group in user.groups):
        return "Superuser"
    return "Staff" if user.is_staff else "Regular"


def _set_active(project: "Project", username: str | None, noinput: bool, *, active: bool) -> None:
    with _database(project) as database:
        name = _value("Username", "--username", username, _existing(database), noinput)
        with database.transaction() as db:
            user = _user(db, name)
            changed = user.is_active != active
            user.is_active = active
            if active and user.email and user.email_verified_at is None:
                user.email_verified_at = datetime.now(UTC)
                changed = True
            if changed:
                _write_down(db, user, "user_activated" if active else "user_deactivated")
    state = "active" if active else "deactivated"
    click.echo(f"{name} is {state} now." if changed else f"{name} was {state} already.")


def _write_down(db: "Session", user: "User", event: str) -> None:
    from lback.auth.models import AuthEvent

    db.add(AuthEvent(event=event, user_id=user.id, username=user.username, reason="command"))


@contextmanager
def _database(project: "Project") -> "Iterator[DatabaseManager]":
    """Open the project's database, and say so in one sentence when it has no tables yet."""
    from sqlalchemy import inspect
    from sqlalchemy.exc import OperationalError

    from lback.models.database import DatabaseManager

    project.load_models()
    if "auth_app" not in {app.label for app in project.apps}:
        raise click.ClickException("There are no users in this project: add 'auth_app' to INSTALLED_APPS.")
    database = DatabaseManager.from_config(project.config)
    try:
        try:
            ready = inspect(database.engine).has_table("users")
        except OperationalError as error:
            raise click.ClickException(f"The database can't be reached: {error.orig}") from error
        if not ready:
            raise click.ClickException("The database has no table for users. Run migrate first.")
        yield database
    finally:
        database.dispose()


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refused value into one sentence and exit code 1."""
    from sqlalchemy.exc import IntegrityError

    from lback.core.exceptions import ValidationError

    try:
        yield
    except ValidationError as error:
        raise click.ClickException(error.message) from error
    except IntegrityError as error:
        raise click.ClickException("Another user has taken that name or address in the meantime.") from error


def _value(label: str, option: str, given: str | None, checked: Callable[[str], T], noinput: bool = False) -> T:
    """Return what an option holds, or what is entered; an entry that is refused is asked for again."""
    from lback.core.exceptions import ValidationError

    if given is not None:
        with _refusals():
            return checked(given)
    if noinput:
        raise click.UsageError(f"{option} is missing, and --noinput asks nothing.")
    while True:
        entered = click.prompt(label, default="" if option == "--email" else None, show_default=False)
        try:
            return checked(entered)
        except ValidationError as error:
            click.echo(f"Error: {error.message}", err=True)


def _new_password(from_stdin: bool, noinput: bool, from_environment: str | None) -> str:
    from lback.auth.passwords import validate_password
    from lback.core.exceptions import ValidationError

    if from_stdin:
        given: str | None = sys.stdin.readline().rstrip("\r\n")
    else:
        given = from_environment
    if given is not None:
        with _refusals():
            validate_password(given)
        return given
    if noinput:
        raise click.UsageError("The password is missing. Send it with --password-stdin; --noinput asks nothing.")
    while True:
        password: str = click.prompt("Password", hide_input=True)
        try:
            validate_password(password)
        except ValidationError as error:
            click.echo(f"Error: {error.message}", err=True)
            continue
        again: str = click.prompt("Password (again)", hide_input=True)
        if compare_digest(again.encode(), password.encode()):
            return password
        click.echo("Error: The two passwords differ.", err=True)


def _existing(database: "DatabaseManager") -> Callable[[str], str]:
    """Return a check that a user of the entered name exists, which gives the name as it is kept."""

    def checked(entered: str) -> str:
        with database.transaction(immediate=False) as db:
            return _user(db, entered).username

    return checked


def _user(db: "Session", identifier: str) -> "User":
    from lback.auth.managers import UserManager
    from lback.core.exceptions import ValidationError

    user = UserManager().find(db, identifier.strip())
    if user is None:
        raise ValidationError("There is no user with that name or e-mail address.", "unknown_user")
    return user
