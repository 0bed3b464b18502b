"""What an engine promises, on SQLite above all: real transactions, foreign keys, and waiting its turn."""

import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

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


def test_immediate_transactions_wait_for_each_other(sqlite: DatabaseManager) -> None:
    run(sqlite, "CREATE TABLE a (x int)", "INSERT INTO a VALUES (0)")

    def count_up() -> None:
        for _ in range(20):
            with sqlite.transaction() as session:
                value = session.execute(text("SELECT x FROM a")).scalar_one()
                session.execute(text("UPDATE a SET x = :x"), {"x": value + 1})

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scalar(sqlite, "SELECT x FROM a") == 80


def test_an_in_memory_database_is_one_for_all_sessions() -> None:
    database = DatabaseManager.from_config(Config({"DATABASE_URL": "sqlite://"}))
    run(database, "CREATE TABLE a (x int)")
    assert scalar(database, "SELECT count(*) FROM a") == 0
    database.dispose()


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


def test_an_unknown_dialect_is_refused_with_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="no driver for nonsense"):
        make_engine(Config({"DATABASE_URL": "nonsense://host/name"}))


def test_nothing_is_connected_before_it_is_needed(tmp_path: Path) -> None:
    database = DatabaseManager.from_config(Config({"BASE_DIR": tmp_path}))
    assert list(tmp_path.iterdir()) == []
    database.dispose()
