"""The signals that lback-auth sends."""

from lback.core.signals import Signal

_CHECK = ("request", "required_permissions", "user", "view_func_name")

_WHO = ("request", "user")

SIGNALS: tuple[Signal, ...] = (
    Signal("user_registered", "accounts.register", _WHO, "When somebody has made an account of their own."),
    Signal("user_email_verified", "accounts.confirm_email", _WHO, "When a user has followed the link to the address."),
    Signal("user_login_successful", "the login view", _WHO, "When a user has logged in, by page or for tokens."),
    Signal(
        "user_login_failed",
        "authentication",
        ("request", "username", "reason"),
        "When a login was refused; `username` is what was entered; `reason` is `invalid_credentials`, "
        "`email_not_confirmed`, or, with a `user`, `invalid_second_factor`.",
    ),
    Signal("user_logged_out", "the logout view", _WHO, "When a user has logged out."),
    Signal("user_session_ended", "the view", _WHO, "When a user has ended logins elsewhere."),
    Signal("user_password_changed", "accounts", _WHO, "When a user has changed the password."),
    Signal(
        "password_reset_requested",
        "accounts.request_reset",
        ("request", "username"),
        "When somebody asks for a link; `username` is the address they entered, `user` whose it is, if somebody's.",
    ),
    Signal("password_reset_successful", "accounts", _WHO, "When a password was set by the link of a mail."),
    Signal("second_factor_enabled", "the set-up view", _WHO, "When a user has set up a second factor."),
    Signal("second_factor_disabled", "the view", _WHO, "When a user has removed the second factor."),
    Signal("recovery_codes_replaced", "the view", _WHO, "When a user has made new recovery codes."),
    Signal(
        "refresh_token_reused", "tokens.refresh", _WHO, "When a used refresh token came again, which ended its login."
    ),
    Signal("permission_check_started", "PermissionRequired", _CHECK, "Before the permissions of a user are checked."),
    Signal("permission_check_succeeded", "PermissionRequired", _CHECK, "When a user has all permissions of a view."),
    Signal(
        "permission_check_failed",
        "PermissionRequired",
        (*_CHECK, "reason"),
        "When a user is refused; `reason` is `user_not_authenticated` or `permission_missing`.",
    ),
)
