"""The address of the database, from the settings."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError

DRIVERS = {
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}


def database_url(config: Config) -> URL:
    """Return the address that ``DATABASE_URL`` gives, or else ``DB_ENGINE``, ``DB_NAME`` and their like.

    A relative SQLite file lies below ``BASE_DIR``, wherever the process was started.

    Raises:
        ConfigurationError: The engine is unknown, or the address can't be read. The password is never shown.
    """
    url = _given_url(config) if config.DATABASE_URL else _assembled_url(config)
    if url.get_backend_name() == "sqlite":
        return url.set(database=_below(config.BASE_DIR, url.database))
    if url.get_backend_name() in ("mysql", "mariadb") and "charset" not in url.query:
        return url.update_query_dict({"charset": "utf8mb4"})
    return url


def _below(base_dir: Path, database: str | None) -> str | None:
    # What is in memory has no place, and a URI of SQLite's own says itself where it is.
    if not database or database == ":memory:" or database.startswith("file:"):
        return database
    return str(Path(base_dir) / database)


def _given_url(config: Config) -> URL:
    try:
        url = make_url(config.DATABASE_URL)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "DATABASE_URL can't be read; expected something like postgresql://user:password@host:5432/name."
        ) from None
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def _assembled_url(config: Config) -> URL:
    engine: str = config.DB_ENGINE
    driver = DRIVERS.get(engine.lower())
    if driver is None:
        raise ConfigurationError(f"DB_ENGINE is {engine!r}; expected one of {', '.join(sorted(DRIVERS))}.")
    if driver == "sqlite":
        return URL.create(driver, database=config.DB_NAME)
    return URL.create(
        driver,
        username=config.DB_USER or None,
        password=config.DB_PASSWORD or None,
        host=config.DB_HOST,
        port=config.DB_PORT or DEFAULT_PORTS[driver.partition("+")[0]],
        database=config.DB_NAME,
    )
