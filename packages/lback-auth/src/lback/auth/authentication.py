"""Who somebody is, by password and second factor: the one way in, for the pages, the JSON endpoints and the admin."""

from typing import TYPE_CHECKING

from lback.auth.events import announce, record
from lback.auth.managers import UserManager
from lback.auth.names import EMAIL_LENGTH, folded_email
from lback.auth.passwords import verify_password
from lback.auth.second_factor import SecondFactors
from lback.auth.throttling import Throttle

if TYPE_CHECKING:
    from lback.auth.models import User
    from lback.core.request import Request


class Refusal:
    """A login that was refused, and whose password was right nonetheless: `user` has yet to confirm the address."""

    def __init__(self, user: "User") -> None:
        self.user = user


def check_password(
    request: "Request", identifier: str, password: str, users: UserManager | None = None, failed: str = ""
) -> "User | Refusal | None":
    """Return the user whose name (or e-mail address) and password were entered, if they may log in.

    Attempts are counted before anything is looked up, per address and per account, and refused ones stay counted. Every
    refusal looks the same and takes as long.

    Args:
        request: It must not have begun to work with the database.
        identifier: What was entered as a name or an address.
        password: What was entered as a password.
        users: Whom to let in; every user unless given.
        failed: The name of the signal for a refusal, ``user_login_failed`` unless given.

    Raises:
        TooManyRequests: There were too many attempts.
    """
    users = users or UserManager(request.config.REQUIRE_CONFIRMED_EMAIL)
    throttle = request.app.container.get(Throttle)
    throttle.count_client(request, "login_ip")
    entered = f"name {folded_email(identifier[:EMAIL_LENGTH])}"
    throttle.count(request, "login_account", entered)
    # Over the limit of the account guesses are refused as ever: a 429 would tell that two names are one account.
    over = not throttle.allows("login_account", account_key(request, identifier, users))
    user = users.identify(request.db_session, "" if over else identifier, password)
    if user is not None and users.admits(user):
        throttle.forgive_client(request, "login_ip")
        throttle.forgive(request, "login_account", entered)
        throttle.forgive(request, "login_account", f"user {user.id}")
        return user
    unconfirmed = user is not None and users.confirmed_only and user.email_verified_at is None
    reason = "email_not_confirmed" if unconfirmed else "invalid_credentials"
    announce(request, failed or "user_login_failed", check_password, username=identifier, reason=reason)
    return Refusal(user) if user is not None and unconfirmed else None


def check_code(request: "Request", user: "User", code: str) -> bool:
    """Tell whether a code of the second factor is right; it is worth nothing from then on.

    Raises:
        TooManyRequests: There were too many attempts.
    """
    throttle = request.app.container.get(Throttle)
    account = f"user {user.id}"
    release(request)
    throttle.count(request, "code_account", account)
    if request.app.container.get(SecondFactors).accept(request.db_session, user, code):
        throttle.forgive(request, "code_account", account)
        return True
    announce(
        request, "user_login_failed", check_code, user=user, username=user.username, reason="invalid_second_factor"
    )
    return False


def check_own_password(request: "Request", user: "User", password: str) -> bool:
    """Tell whether somebody who is logged in knows the password too, which changing what protects the account asks for.

    Raises:
        TooManyRequests: There were too many attempts.
    """
    throttle = request.app.container.get(Throttle)
    account, encoded = f"user {user.id}", user.password_hash
    release(request)
    throttle.count(request, "login_account", account)
    if verify_password(password, encoded):
        throttle.forgive(request, "login_account", account)
        return True
    record(request, "password_check_failed", user=user)
    return False


def needs_code(request: "Request", user: "User") -> bool:
    """Tell whether the user has a second factor, and is asked for it after the password."""
    return request.app.container.get(SecondFactors).is_on(request.db_session, user)


def must_set_up(request: "Request", user: "User") -> bool:
    """Tell whether the site asks this user for a second factor that is not there yet."""
    return bool(request.config.REQUIRE_STAFF_SECOND_FACTOR) and (user.is_staff or user.bypasses_permissions)


def account_key(request: "Request", identifier: str, users: UserManager) -> str:
    """Return what attempts on an account are counted under beside what was entered: one key for name and address.

    Where there is no account something is counted as well, so that the time doesn't tell.
    """
    user = users.find(request.db_session, identifier)
    key = f"nobody {identifier[:EMAIL_LENGTH]}" if user is None else f"user {user.id}"
    release(request)
    return key


def release(request: "Request") -> None:
    """Give back the transaction of the request, in which a view of logins has only read so far.

    On SQLite it keeps others from writing, the counters of attempts among them, and a hash takes long. What a
    middleware may have written before is kept.
    """
    request.db_session.commit()
