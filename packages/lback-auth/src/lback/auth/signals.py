"""The signals that lback-auth sends."""

from lback.core.signals import Signal

_CHECK = ("request", "required_permissions", "user", "view_func_name")

SIGNALS: tuple[Signal, ...] = (
    Signal("user_login_successful", "the login view", ("request", "user"), "When a user has logged in."),
    Signal(
        "user_login_failed",
        "the login view",
        ("request", "username", "reason"),
        "When a login was refused; `username` is what was entered, `reason` is `invalid_credentials`.",
    ),
    Signal("user_logged_out", "the logout view", ("request", "user"), "When a user has logged out."),
    Signal("permission_check_started", "PermissionRequired", _CHECK, "Before the permissions of a user are checked."),
    Signal("permission_check_succeeded", "PermissionRequired", _CHECK, "When a user has all permissions of a view."),
    Signal(
        "permission_check_failed",
        "PermissionRequired",
        (*_CHECK, "reason"),
        "When a user is refused; `reason` is `user_not_authenticated` or `permission_missing`.",
    ),
)
