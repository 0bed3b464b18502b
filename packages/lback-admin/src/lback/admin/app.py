"""The admin as an app: ``"admin"`` in ``INSTALLED_APPS``."""

from lback.core.apps import App

app = App(
    label="admin",
    module="lback.admin",
    requires=("auth_app",),
    register="lback.admin.setup:register",
    settings={"ADMIN_TITLE": "Administration"},
)
