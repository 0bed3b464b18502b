"""Making engines, and having SQLite keep the promises that other databases keep by themselves.

Python's sqlite3 begins a transaction only before some statements and ends it before others, so a failed migration
would stay half done and a read would not be repeatable. Here every transaction is begun by us: deferred, or, for work
that will write, ``IMMEDIATE``. A deferred transaction that reads first and writes later fails at once when somebody
else wrote in between, whatever the busy timeout; an immediate one waits its turn.
"""

import math
import os
import secrets
import sqlite3
import time
import weakref
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError, OperationalError
from sqlalchemy.pool import QueuePool

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.models.urls import database_url

IMMEDIATE = "lback_immediate"
# Connections for the short transactions beside those of requests.
BESIDE_SIZE = 2
# For the moment after a fork alone.
_engines: weakref.WeakSet[Engine] = weakref.WeakSet()

EXTRAS = {
    "postgresql+psycopg": "lback-orm[postgresql]",
    "mysql+pymysql": "lback-orm[mysql]",
    "mariadb+pymysql": "lback-orm[mysql]",
}


def make_engine(config: Config, beside: Engine | None = None) -> Engine:
    """Return the engine for the database of the settings; it connects when it is first used.

    Args:
        config: The settings.
        beside: An engine for the same database. The new one gets a small pool of its own, for short work of requests
            that hold a connection of the other: were it the same pool, they could all wait for each other.

    Raises:
        ConfigurationError: The address is wrong, or the driver for the database is not installed.
    """
    url = database_url(config)
    pool = _pool(url, config, beside)
    try:
        engine = create_engine(url, echo=config.DATABASE_ECHO, hide_parameters=not config.DEBUG, **pool)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigurationError(f"There is no driver for {url.drivername}: {_advice(url)}.") from error
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, config.SQLITE_BUSY_TIMEOUT)
    if not _in_memory(url):
        _engines.add(engine)
    return engine


def _advice(url: URL) -> str:
    extra = EXTRAS.get(url.drivername)
    if extra:
        return f"pip install '{extra}'"
    backend = url.get_backend_name()
    ours = next((driver for driver in EXTRAS if driver.startswith(f"{backend}+")), None)
    if ours:
        return f"install it, or write {ours} and pip install '{EXTRAS[ours]}'"
    return "install its SQLAlchemy dialect"


def _in_memory(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def _pool(url: URL, config: Config, beside: Engine | None) -> dict[str, Any]:
    pool = {
        "poolclass": QueuePool,
        "pool_size": config.DB_POOL_SIZE if beside is None else min(config.DB_POOL_SIZE, BESIDE_SIZE),
        "max_overflow": config.DB_MAX_OVERFLOW if beside is None else 0,
        "pool_timeout": config.DB_POOL_TIMEOUT,
    }
    if _in_memory(url):
        return {**pool, "creator": _memory() if beside is None else beside.pool._creator}
    if url.get_backend_name() == "sqlite":
        return {**pool, "connect_args": {"check_same_thread": False}}
    pool |= {"pool_pre_ping": True, "pool_recycle": config.DB_POOL_RECYCLE}
    if url.drivername in EXTRAS and "connect_timeout" not in url.query:
        # A server that accepts and says nothing would be waited for as long as one likes. libpq knows no less than 2.
        pool["connect_args"] = {"connect_timeout": max(2, math.ceil(config.DB_POOL_TIMEOUT))}
    return pool


def _memory() -> Callable[[], sqlite3.Connection]:
    """Return what connects to a new database in memory, one for all connections of its engine.

    It lasts as long as one of them is open, so until the engine is disposed of. They don't share a connection: a
    request has its session open while another looks into the table of the visitors' sessions.
    """
    address = f"file:lback-{secrets.token_hex(8)}?mode=memory&cache=shared"
    return lambda: sqlite3.connect(address, uri=True, check_same_thread=False)


def _prepare_sqlite(engine: Engine, busy_timeout: float) -> None:
    in_memory = _in_memory(engine.url)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        # The driver begins no transactions of its own any more; `begun` does.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        if in_memory:
            # There is no write-ahead log in memory; without this, readers and a writer would refuse each other.
            cursor.execute("PRAGMA read_uncommitted = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        if not connection.get_execution_options().get(IMMEDIATE, False):
            # It locks nothing yet, so it neither waits nor fails, and can do without all that SQLAlchemy puts around a
            # statement: nearly every request begins so.
            connection.connection.driver_connection.execute("BEGIN")  # type: ignore[union-attr]
        elif in_memory:
            _begin_in_memory(connection, busy_timeout)
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_in_memory(connection: Connection, patience: float) -> None:
    """Wait for another writer to end, which SQLite itself does for files only."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
            time.sleep(0.001)
        else:
            return


def _forget_connections() -> None:
    """Have a forked process open connections of its own: two processes on one connection garble each other's."""
    for engine in tuple(_engines):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)
