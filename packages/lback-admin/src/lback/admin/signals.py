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
    Signal("admin_object_added", "the mapped class", ("request", "object"), "When the admin has written a new row."),
    Signal("admin_object_changed", "the mapped class", ("request", "object"), "When the admin has changed a row."),
    Signal("admin_object_deleted", "the mapped class", ("request", "object"), "When the admin has deleted a row."),
)
