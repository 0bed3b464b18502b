"""The signals that the admin sends."""

from lback.core.signals import Signal

SIGNALS: tuple[Signal, ...] = (
    Signal("admin_login_successful", "the login view", ("request", "user"), "When a member of staff has logged in."),
    Signal(
        "admin_login_failed",
        "the login view",
        ("request", "username", "reason"),
        "When a login was refused; `username` is what was entered, `reason` is `invalid_credentials`.",
    ),
    Signal(
        "admin_object_added", "the mapped class", ("request", "object"), "When a new row is written, not yet committed."
    ),
    Signal(
        "admin_object_changed", "the mapped class", ("request", "object"), "When a row is changed, not yet committed."
    ),
    Signal(
        "admin_object_deleted", "the mapped class", ("request", "object"), "When a row is deleted, not yet committed."
    ),
)
