"""Databases that restart, run out of connections or lose their clients: what visitors get, and what is kept."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from lback.core.testing import Client, make_app
from lback.utils.urls import path

from .servers import Server, gunicorn, wait_for

SETTINGS = """\
SECRET_KEY = "a-key-for-tests-alone-0123456789-abcdefghij"
ROOT_URLCONF = "bank_urls"
INSTALLED_APPS = ["sessions"]
MIDDLEWARES = ["lback.models.middleware.SQLAlchemySessionMiddleware"]
DATABASE_URL = {url!r}
DB_POOL_SIZE = 4
DB_MAX_OVERFLOW = 4
DB_POOL_TIMEOUT = 2.0
SQLITE_BUSY_TIMEOUT = 5.0
"""
URLS = """\
import time
from lback.core.response import StreamingResponse
from lback.utils.urls import path
from sqlalchemy import text

def read(request):
    return str(request.db_session.scalar(text("SELECT sum(balance) FROM accounts")))

def transfer(request):
    session, form = request.db_session, request.form
    values = {"key": form["key"], "giver": int(form["giver"]), "taker": int(form["taker"])}
    session.execute(text("INSERT INTO transfers (id) VALUES (:key)"), values)
    for first, change in sorted([(values["giver"], -1), (values["taker"], 1)]):
        session.execute(text("UPDATE accounts SET balance = balance + :change WHERE id = :id"),
                        {"change": change, "id": first})
    return "done"

def count(request):
    request.db_session.execute(text("UPDATE accounts SET balance = balance + 1 WHERE id = 1"))
    return "counted"

def backend(request):
    return str(request.db_session.scalar(text("SELECT pg_backend_pid()")))

def slow(request):
    request.db_session.execute(text("SELECT 1"))
    time.sleep(1)
    return "slow"

def endless(request):
    def pieces():
        while True:
            yield 1000 * str(request.db_session.scalar(text("SELECT sum(balance) FROM accounts")))
    return StreamingResponse(pieces())

urlpatterns = [path("/read/", read), path("/transfer/", transfer, ["POST"]), path("/count/", count, ["POST"]),
               path("/slow/", slow), path("/endless/", endless), path("/backend/", backend)]
"""
WSGI = """\
from pathlib import Path
from lback.core.app import Application

application = Application.from_project(Path(__file__).parent)
"""
# What a project does that looks into its database when it is imported.
ASKS_AT_IMPORT = """
from lback.models.database import DatabaseManager
from sqlalchemy import text

with application.container.get(DatabaseManager).session() as session:
    session.execute(text("SELECT 1"))
"""
TABLES = (
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
    "CREATE TABLE transfers (id VARCHAR(40) PRIMARY KEY)",
)
ACCOUNTS = 10
BALANCE = 1000


def make_tables(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in TABLES:
            connection.execute(text(statement))
        for number in range(1, ACCOUNTS + 1):
            connection.execute(text(f"INSERT INTO accounts VALUES ({number}, {BALANCE})"))
    engine.dispose()


@contextlib.contextmanager
def bank(folder: Path, url: str, *options: str, wsgi: str = WSGI) -> Iterator[Server]:
    """A site under gunicorn that reads and moves what lies in accounts."""
    folder.mkdir(exist_ok=True)
    files = {"settings.py": SETTINGS.format(url=url), "bank_urls.py": URLS, "bank_wsgi.py": wsgi}
    for name, content in files.items():
        (folder / name).write_text(content)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        (folder / "gunicorn.log").open("w") as log,
        gunicorn(folder, "bank_wsgi:application", *options, f"--bind=127.0.0.1:{port}", log=log) as process,
    ):
        server = Server(process, port)
        try:
            wait_for(lambda: ask(server, "/read/") == 200)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=20)


def ask(server: Server, address: str, data: dict[str, Any] | None = None) -> int | str:
    """Return the status of an answer, or what went wrong with the connection."""
    body = None if data is None else "&".join(f"{key}={value}" for key, value in data.items()).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{address}", body)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except OSError as error:
        return type(error).__name__


class Load:
    """Threads that ask until they are stopped, and what they were answered, with the times."""

    def __init__(self, threads: int, ask_once: Callable[[], int | str]) -> None:
        self.answers: list[tuple[float, float, int | str]] = []
        self._ask = ask_once
        self._going = threading.Event()
        self._going.set()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self) -> None:
        while self._going.is_set():
            began = time.monotonic()
            answer = self._ask()
            self.answers.append((began, time.monotonic(), answer))

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going.clear()
        for thread in self._threads:
            thread.join()

    def statuses(self, since: float = 0) -> Counter[int | str]:
        return Counter(answer for began, _, answer in self.answers if began >= since)


# -- PostgreSQL -------------------------------------------------------------------------------------------------------


def absent(reason: str) -> None:
    if os.environ.get("LBACK_TEST_SERVICES") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


class Postgres:
    """A PostgreSQL of our own, on a free port, which may be stopped."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.data, self._programs = folder / "data", programs
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        # The server refuses to run as root.
        self._as_user = (
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        )
        if self._as_user:
            shutil.chown(folder, "postgres", "postgres")
            for place in (folder, *folder.parents[:3]):
                place.chmod(place.stat().st_mode | 0o011)
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", "postgres", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *options: str) -> None:
        command = [*self._as_user, str(self._programs / program), *options]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")

    def control(self, what: str, *options: str) -> None:
        self._run("pg_ctl", what, "-D", str(self.data), "-w", "-l", str(self.data / "log"), *options)

    def start(self) -> None:
        self.control("start", "-o", f"-p {self.port} -h 127.0.0.1 -k {self.data} -F")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        absent("no PostgreSQL server is installed below /usr/lib/postgresql")
    # Not below pytest's folder, which is for this user alone.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder), found[-1].parent)
        make_tables(server.url)
        yield server
        server.control("stop", "-m", "immediate")


def test_a_database_that_restarts_costs_503s_and_nothing_after_it(postgres: Postgres, tmp_path: Path) -> None:
    with bank(tmp_path / "bank", postgres.url, "--workers=2", "--threads=4") as server:
        workers = server.workers
        with Load(8, lambda: ask(server, "/read/")) as load:
            time.sleep(0.5)
            postgres.control("stop", "-m", "immediate")
            time.sleep(0.5)
            postgres.start()
            back = time.monotonic()
            time.sleep(1)
        assert set(load.statuses()) == {200, 503}, load.statuses()
        assert set(load.statuses(since=back)) == {200}, load.statuses(since=back)
        assert max(ended - began for began, ended, _ in load.answers) < 10
        assert server.workers == workers


def test_connections_that_are_cut_under_load_cost_their_requests_a_503(postgres: Postgres, tmp_path: Path) -> None:
    with bank(tmp_path / "bank", postgres.url, "--workers=2", "--threads=4") as server:
        workers = server.workers
        engine = create_engine(postgres.url)
        with Load(8, lambda: ask(server, "/read/")) as load:
            for _ in range(10):
                time.sleep(0.1)
                with engine.begin() as connection:
                    # Waits until they have ended.
                    connection.execute(
                        text(
                            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'postgres' "
                            "AND pid <> pg_backend_pid()"
                        )
                    )
            cut = time.monotonic()
            time.sleep(0.5)
        engine.dispose()
        assert set(load.statuses()) <= {200, 503}, load.statuses()
        assert set(load.statuses(since=cut)) == {200}, load.statuses(since=cut)
        assert server.workers == workers


def test_when_every_connection_is_in_use_others_are_asked_to_come_again(postgres: Postgres, tmp_path: Path) -> None:
    with bank(tmp_path / "bank", postgres.url, "--workers=1", "--threads=32") as server:
        with Load(24, lambda: ask(server, "/slow/")) as load:
            time.sleep(3)
        assert set(load.statuses()) == {200, 503}, load.statuses()
        assert max(ended - began for began, ended, _ in load.answers) < 6
        assert ask(server, "/read/") == 200


def test_workers_that_are_forked_from_one_with_a_connection_open_their_own(postgres: Postgres, tmp_path: Path) -> None:
    options = ("--preload", "--workers=4", "--threads=2")
    with bank(tmp_path / "bank", postgres.url, *options, wsgi=WSGI + ASKS_AT_IMPORT) as server:
        with Load(8, lambda: ask(server, "/read/")) as load:
            time.sleep(1)
        assert set(load.statuses()) == {200}, load.statuses()
        backends = {server.get("/backend/").rpartition(b"\r\n")[2] for _ in range(40)}
    assert len(backends) > 1


def test_clients_that_go_away_while_rows_are_sent_leave_no_transaction_open(postgres: Postgres, tmp_path: Path) -> None:
    with bank(tmp_path / "bank", postgres.url, "--workers=1", "--threads=16") as server:
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
                client.sendall(b"GET /endless/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert client.recv(1024).startswith(b"HTTP/1.1 200")
        engine = create_engine(postgres.url)
        with engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            others = text(
                "SELECT count(*) FROM pg_stat_activity WHERE usename IS NOT NULL AND xact_start IS NOT NULL "
                "AND pid <> pg_backend_pid()"
            )
            wait_for(lambda: connection.scalar(others) == 0)
        engine.dispose()
        assert ask(server, "/read/") == 200


def test_a_server_that_takes_connections_and_never_answers_is_a_503_in_time() -> None:
    pytest.importorskip("psycopg")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = make_app(
            [path("/", lambda request: str(request.db_session.scalar(text("SELECT 1"))))],
            MIDDLEWARES=["lback.models.middleware.SQLAlchemySessionMiddleware"],
            DATABASE_URL=f"postgresql://somebody@127.0.0.1:{silent.getsockname()[1]}/shop",
            DB_POOL_TIMEOUT=1.0,
        )
        began = time.monotonic()
        assert Client(app).get("/").status_code == 503
        assert time.monotonic() - began < 10


# -- SQLite -----------------------------------------------------------------------------------------------------------


def test_sqlite_serves_many_readers_and_some_writers_without_a_lock_that_anybody_sees(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bank.sqlite'}"
    make_tables(url)
    counted: list[int | str] = []
    turn = iter(range(10**9))

    def one() -> int | str:
        if next(turn) % 5:
            return ask(server, "/read/")
        answer = ask(server, "/count/", {})
        counted.append(answer)
        return answer

    with bank(tmp_path / "bank", url, "--workers=4", "--threads=8") as server:
        with Load(32, one) as load:
            time.sleep(4)
        assert set(load.statuses()) == {200}, load.statuses()
    engine = create_engine(url)
    with engine.connect() as connection:
        balance = connection.scalar(text("SELECT balance FROM accounts WHERE id = 1"))
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    engine.dispose()
    assert balance == BALANCE + len(counted)
    assert len(counted) > 20


# -- both --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_workers_that_are_killed_keep_every_acknowledged_transfer_and_no_half_one(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str
) -> None:
    if backend == "sqlite":
        url = f"sqlite:///{tmp_path / 'bank.sqlite'}"
        make_tables(url)
    else:
        url = request.getfixturevalue("postgres").url
    acknowledged: list[str] = []
    sent: list[str] = []
    chance = random.Random(7)

    def transfer() -> int | str:
        giver, taker = chance.sample(range(1, ACCOUNTS + 1), 2)
        key = f"{threading.get_ident()}-{time.monotonic_ns()}"
        sent.append(key)
        answer = ask(server, "/transfer/", {"key": key, "giver": giver, "taker": taker})
        if answer == 200:
            acknowledged.append(key)
        return answer

    with bank(tmp_path / "bank", url, "--workers=4", "--threads=2") as server:
        with Load(8, transfer) as load:
            for _ in range(10):
                time.sleep(0.4)
                with contextlib.suppress(ProcessLookupError, IndexError):
                    os.kill(chance.choice(server.workers), signal.SIGKILL)
        assert load.statuses()[200] > 100, load.statuses()
        engine = create_engine(url)
        with engine.connect() as connection:
            written = set(connection.scalars(text("SELECT id FROM transfers")))
            total = connection.scalar(text("SELECT sum(balance) FROM accounts"))
        engine.dispose()
    assert total == ACCOUNTS * BALANCE
    assert set(acknowledged) <= written <= set(sent)
