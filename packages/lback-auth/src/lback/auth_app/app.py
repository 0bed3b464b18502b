"""The description of the app, for ``INSTALLED_APPS``."""

from lback.core.apps import App

app = App(
    label="auth_app",
    module="lback.auth_app",
    requires=("sessions",),
    models_module="lback.auth.models",
    register="lback.auth_app.setup:register",
    initial_data="lback.auth_app.initial:default_groups",
    settings={
        "LOGIN_REDIRECT_URL": "/",
        "SUPERUSER_GROUP": "admin",
        "SITE_URL": "",
        "REGISTRATION_OPEN": True,
        "REQUIRE_CONFIRMED_EMAIL": True,
        "REQUIRE_STAFF_SECOND_FACTOR": False,
        "AUTH_LIMITS": {},
        "JWT_SECRET_KEY": "",
        "JWT_KEY_FALLBACKS": [],
        "JWT_ALGORITHM": "HS256",
        "JWT_ISSUER": "",
        "JWT_AUDIENCE": "",
        "JWT_ACCESS_MINUTES": 15,
        "JWT_REFRESH_DAYS": 14,
    },
)
