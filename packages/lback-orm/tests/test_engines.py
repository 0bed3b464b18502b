"""What an engine promises, on SQLite above all: real transactions, foreign keys, and waiting its turn."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, bindparam, event, literal_column, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.models.database import DatabaseManager
from lback.models.engines import make_engine


def run(database: DatabaseManager, *statements: str, immediate: bool = True) -> None:
    with database.transaction(immediate=immediate) as session:
        for statement in statements:
            session.execute(text(statement))


def scalar(database: DatabaseManager, query: str) -> object:
    with database.session() as session:
        return session.execute(text(query)).scalar()


def test_a_failed_transaction_takes_its_tables_with_it(sqlite: DatabaseManager) -> None:
    with pytest.raises(OperationalError):
        run(sqlite, "CREATE TABLE a (x int)", "INSERT INTO a VALUES (1)", "this is no sql")
    assert scalar(sqlite, "SELECT count(*) FROM sqlite_master") == 0


def test_a_transaction_sees_the_same_rows_from_its_first_read_on(sqlite: DatabaseManager) -> None:
    run(sqlite, "CREATE TABLE a (x int)")
    with sqlite.session() as reader:
        assert reader.execute(text("SELECT count(*) FROM a")).scalar() == 0
        run(sqlite, "INSERT INTO a VALUES (1)")
        assert reader.execute(text("SELECT count(*) FROM a")).scalar() == 0


def test_foreign_keys_are_enforced(sqlite: DatabaseManager) -> None:
    run(sqlite, "CREATE TABLE a (id int primary key)", "CREATE TABLE b (a int references a(id))")
    with pytest.raises(IntegrityError):
        run(sqlite, "INSERT INTO b VALUES (7)")


def test_readers_do_not_wait_for_a_writer(sqlite: DatabaseManager) -> None:
    run(sqlite, "CREATE TABLE a (x int)")
    assert scalar(sqlite, "PRAGMA journal_mode") == "wal"
    with sqlite.session(immediate=True) as writer:
        writer.execute(text("INSERT INTO a VALUES (1)"))
        assert scalar(sqlite, "SELECT count(*) FROM a") == 0


def test_a_read_that_turns_into_a_write_fails_at_once_when_somebody_wrote_in_between(sqlite: DatabaseManager) -> None:
    """Why work that will write begins IMMEDIATE: here the busy timeout of five seconds does not help."""
    run(sqlite, "CREATE TABLE a (x int)")
    with sqlite.session(immediate=False) as session:
        session.execute(text("SELECT * FROM a")).all()
        run(sqlite, "INSERT INTO a VALUES (1)")
        with pytest.raises(OperationalError, match="database is locked"):
            session.execute(text("INSERT INTO a VALUES (2)"))


@pytest.mark.parametrize("address", ["sqlite:///counter.db", "sqlite://"])
def test_immediate_transactions_wait_for_each_other(tmp_path: Path, address: str) -> None:
    database = DatabaseManager.from_config(Config({"BASE_DIR": tmp_path, "DATABASE_URL": address}))
    run(database, "CREATE TABLE a (x int)", "INSERT INTO a VALUES (0)")

    def count_up() -> None:
        for _ in range(20):
            with database.transaction() as session:
                value = session.execute(text("SELECT x FROM a")).scalar_one()
                session.execute(text("UPDATE a SET x = :x"), {"x": value + 1})

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scalar(database, "SELECT x FROM a") == 80


@pytest.fixture
def memory() -> DatabaseManager:
    """A database in memory with an empty table."""
    database = DatabaseManager.from_config(Config({"DATABASE_URL": "sqlite://"}))
    run(database, "CREATE TABLE a (x int)")
    return database


def test_an_in_memory_database_is_one_for_all_sessions(memory: DatabaseManager) -> None:
    run(memory, "INSERT INTO a VALUES (1)")
    assert scalar(memory, "SELECT count(*) FROM a") == 1


def test_each_engine_has_an_in_memory_database_of_its_own(memory: DatabaseManager) -> None:
    other = DatabaseManager.from_config(Config({"DATABASE_URL": "sqlite:///:memory:"}))
    assert scalar(other, "SELECT count(*) FROM sqlite_master") == 0


def test_in_memory_one_session_may_read_while_another_writes(memory: DatabaseManager) -> None:
    with memory.session(immediate=True) as writer:
        writer.execute(text("INSERT INTO a VALUES (1)"))
        assert scalar(memory, "SELECT count(*) FROM sqlite_master") == 1
        writer.rollback()
    assert scalar(memory, "SELECT count(*) FROM a") == 0


def test_in_memory_one_session_may_write_while_another_reads(memory: DatabaseManager) -> None:
    with memory.session() as reader:
        reader.execute(text("SELECT * FROM a")).all()
        run(memory, "INSERT INTO a VALUES (1)")
    assert scalar(memory, "SELECT count(*) FROM a") == 1


def test_an_immediate_transaction_gives_up_after_the_busy_timeout() -> None:
    database = DatabaseManager.from_config(Config({"DATABASE_URL": "sqlite://", "SQLITE_BUSY_TIMEOUT": 0.05}))
    with database.session(immediate=True) as writer:
        writer.execute(text("CREATE TABLE a (x int)"))
        with pytest.raises(OperationalError, match="locked"):
            run(database, "SELECT 1")


def test_a_forked_process_opens_connections_of_its_own(sqlite: DatabaseManager) -> None:
    run(sqlite, "CREATE TABLE a (x int)")
    before = sqlite.engine.pool
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"other" if sqlite.engine.pool is not before else b"same")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"other"
    assert sqlite.engine.pool is before
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT count(*) FROM information_schema.tables"])
def test_servers_answer(postgresql_url: str, mysql_url: str, statement: str) -> None:
    for url in (postgresql_url, mysql_url):
        database = DatabaseManager.from_config(Config({"DATABASE_URL": url}))
        assert scalar(database, statement) is not None
        database.dispose()


def test_a_missing_driver_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"lback-orm\[postgresql\]"):
        make_engine(Config({"DB_ENGINE": "postgresql", "DB_NAME": "shop"}))


def test_the_extra_is_not_praised_for_a_driver_that_it_does_not_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(ConfigurationError, match=r"psycopg2: install it, or write postgresql\+psycopg and pip install"):
        make_engine(Config({"DATABASE_URL": "postgresql+psycopg2://me:s3cr3t@h/a"}))


@pytest.mark.parametrize("address", ["sqlite:///a.db", "sqlite://", "postgresql://h/a", "mysql://h/a"])
def test_the_settings_bound_the_pool_of_every_database(tmp_path: Path, address: str) -> None:
    settings = {"DB_POOL_SIZE": 2, "DB_MAX_OVERFLOW": 1, "DB_POOL_TIMEOUT": 0.5}
    pool = make_engine(Config({"BASE_DIR": tmp_path, "DATABASE_URL": address, **settings})).pool
    assert isinstance(pool, QueuePool)
    assert (pool.size(), pool._max_overflow, pool.timeout()) == (2, 1, 0.5)


@pytest.mark.parametrize(("query", "seconds"), [("", 3), ("?connect_timeout=7", 7)])
@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_connecting_takes_no_longer_than_waiting_for_a_connection_may(scheme: str, query: str, seconds: int) -> None:
    engine = make_engine(Config({"DATABASE_URL": f"{scheme}://h/a{query}", "DB_POOL_TIMEOUT": 2.5}))

    @event.listens_for(engine, "do_connect")
    def connecting(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
        raise ConnectionError(options["connect_timeout"])

    with pytest.raises(ConnectionError, match=f"^{seconds}$"):
        engine.connect()


def test_an_unknown_dialect_is_refused_with_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="no driver for nonsense"):
        make_engine(Config({"DATABASE_URL": "nonsense://host/name"}))


def test_nothing_is_connected_before_it_is_needed(tmp_path: Path) -> None:
    database = DatabaseManager.from_config(Config({"BASE_DIR": tmp_path}))
    assert list(tmp_path.iterdir()) == []
    database.dispose()


ANSWER = select(literal_column("2 * 21").label("answer")).where(bindparam("asked", type_=Boolean))


def test_a_row_is_read_without_a_session_and_its_connection_given_back(database: DatabaseManager) -> None:
    found = database.row(ANSWER, {"asked": True})
    assert found is not None
    assert found.answer == 42
    assert database.row(ANSWER, {"asked": False}) is None
    assert isinstance(database.engine.pool, QueuePool)
    assert database.engine.pool.checkedout() == 0


def test_a_row_of_work_that_will_be_undone_is_found_meanwhile(sqlite: DatabaseManager) -> None:
    run(sqlite, "CREATE TABLE a (x int)")
    rows = select(literal_column("x")).select_from(text("a"))
    with sqlite.rolled_back():
        run(sqlite, "INSERT INTO a VALUES (7)")
        found = sqlite.row(rows, {})
        assert found is not None
        assert found.x == 7
    assert sqlite.row(rows, {}) is None
