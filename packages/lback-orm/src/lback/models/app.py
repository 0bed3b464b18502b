"""The description of the app, for ``INSTALLED_APPS``: it keeps sessions in the database."""

from lback.core.apps import App

app = App(
    label="sessions",
    module="lback.models",
    models_module="lback.models.session",
    register="lback.models.registration:register",
    settings={
        "DATABASE_URL": "",
        "DATABASE_ECHO": False,
        "DB_ENGINE": "sqlite",
        "DB_NAME": "db.sqlite",
        "DB_HOST": "localhost",
        "DB_PORT": 0,
        "DB_USER": "",
        "DB_PASSWORD": "",
        "DB_POOL_SIZE": 5,
        "DB_MAX_OVERFLOW": 10,
        "DB_POOL_TIMEOUT": 10.0,
        "DB_POOL_RECYCLE": 1800,
        "SQLITE_BUSY_TIMEOUT": 5.0,
    },
)
