"""Making engines, and having SQLite keep the promises that other databases keep by themselves.

Python's sqlite3 begins a transaction only before some statements and ends it before others, so a failed migration
would stay half done and a read would not be repeatable. Here every transaction is begun by us: deferred, or, for work
that will write, ``IMMEDIATE``. A deferred transaction that reads first and writes later fails at once when somebody
else wrote in between, whatever the busy timeout; an immediate one waits its turn.
"""

import os
import weakref
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import StaticPool

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.models.urls import database_url

IMMEDIATE = "lback_immediate"
# For the moment after a fork alone.
_engines: weakref.WeakSet[Engine] = weakref.WeakSet()

EXTRAS = {"postgresql": "lback-orm[postgresql]", "mysql": "lback-orm[mysql]"}


def make_engine(config: Config) -> Engine:
    """Return the engine for the database of the settings; it connects when it is first used.

    Raises:
        ConfigurationError: The address is wrong, or the driver for the database is not installed.
    """
    url = database_url(config)
    try:
        engine = create_engine(url, echo=config.DATABASE_ECHO, hide_parameters=not config.DEBUG, **_pool(url, config))
    except (ImportError, NoSuchModuleError) as error:
        extra = EXTRAS.get(url.get_backend_name())
        advice = f"pip install '{extra}'" if extra else "install its SQLAlchemy dialect"
        raise ConfigurationError(f"There is no driver for {url.drivername}: {advice}.") from error
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, config.SQLITE_BUSY_TIMEOUT)
    _engines.add(engine)
    return engine


def _pool(url: URL, config: Config) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            # One connection for everybody, or each would have a database of its own.
            return {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        return {"connect_args": {"check_same_thread": False}}
    return {
        "pool_pre_ping": True,
        "pool_size": config.DB_POOL_SIZE,
        "max_overflow": config.DB_MAX_OVERFLOW,
        "pool_timeout": config.DB_POOL_TIMEOUT,
        "pool_recycle": config.DB_POOL_RECYCLE,
    }


def _prepare_sqlite(engine: Engine, busy_timeout: float) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        # The driver begins no transactions of its own any more; `begun` does.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        immediate = connection.get_execution_options().get(IMMEDIATE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _forget_connections() -> None:
    """Have a forked process open connections of its own: two processes on one connection garble each other's."""
    for engine in tuple(_engines):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)
