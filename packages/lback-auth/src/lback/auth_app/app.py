"""The description of the app, for ``INSTALLED_APPS``."""

from lback.core.apps import App

app = App(
    label="auth_app",
    module="lback.auth_app",
    requires=("sessions",),
    models_module="lback.auth.models",
    register="lback.auth_app.setup:register",
    initial_data="lback.auth_app.initial:default_groups",
    settings={"LOGIN_REDIRECT_URL": "/", "SUPERUSER_GROUP": "admin"},
)
