"""What the app does while an application is built: it gathers the models that the apps register."""

from lback.admin.registry import admin
from lback.core.app import Application


def register(application: Application) -> None:
    """Import ``admin.py`` of every app, and register users, groups and permissions where no app did it in its own way.

    Raises:
        ConfigurationError: A `ModelAdmin` names something that its model doesn't have.
    """
    from lback.admin.accounts import ACCOUNTS

    for app in application.apps:
        app.submodule("admin")
    for model, model_admin in ACCOUNTS:
        if model not in admin:
            admin.register(model, model_admin)
    for described in admin:
        described.check()
