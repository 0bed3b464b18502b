"""What stands after a migration that failed or was killed, and two that run at once."""

import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.pool import QueuePool

from lback.core.config import Config
from lback.migrations import locking
from lback.migrations.locking import LockError, locked, mysql_lock_name
from lback.migrations.planning import Step
from lback.migrations.runner import MigrationError, current_heads, downgrade, execute, upgrade
from lback.models.database import DatabaseManager

from .migration_project import MigrationProject

COURSE = """
class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
"""
REVISION = """
import sqlalchemy as sa
from alembic import op
revision = "school_0002_second"
down_revision = "{down}"
branch_labels = None
requires = []
tables = ["extra"]

def upgrade():
{steps}

def downgrade():
    op.drop_table("extra")
"""
RUN = """
import sys
sys.path.insert(0, {folder!r})
from lback.core.apps import App
from lback.core.config import Config
from lback.migrations.revisions import History
from lback.migrations.runner import upgrade
from lback.models.database import DatabaseManager
engine = DatabaseManager.from_config(Config({{"DATABASE_URL": {url!r}}})).engine
print(upgrade(engine, History([App("school", {module!r})])), flush=True)
"""
# Says that it has come to the middle, and stays there until it is killed or its input ends.
STAY = 'print("in the middle", flush=True)\n    import sys\n    sys.stdin.read()'


@pytest.fixture
def school(project: MigrationProject) -> MigrationProject:
    """A project whose first revision is applied."""
    project.models(school=COURSE)
    project.make()
    project.migrate()
    return project


def second(project: MigrationProject, *steps: str) -> Path:
    """Write a second revision of some steps; return its file."""
    path = project.file("school", "0002_second.py")
    code = textwrap.indent("\n".join(steps), "    ").replace("\n        ", "\n    ")
    path.write_text(REVISION.format(down=project.history.of("school")[0].id, steps=code))
    return path


MAKE_EXTRA = 'op.create_table("extra", sa.Column("id", sa.Integer, primary_key=True))'
ADD_ROW = "op.execute(\"INSERT INTO courses (name) VALUES ('half')\")"
MAKE_MORE = 'op.create_table("more", sa.Column("id", sa.Integer, primary_key=True))'
FAIL = 'op.execute("INSERT INTO nowhere VALUES (1)")'


def start(project: MigrationProject) -> subprocess.Popen[str]:
    """Migrate in a process of its own."""
    script = RUN.format(
        folder=str(project.folder),
        url=project.engine.url.render_as_string(hide_password=False),
        module=f"{project.name}.school",
    )
    return subprocess.Popen(
        [sys.executable, "-uB", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_in_the_middle(project: MigrationProject) -> None:
    with start(project) as process:
        assert process.stdout is not None
        while "in the middle" not in (line := process.stdout.readline()):
            assert line, process.stderr and process.stderr.read()
        process.kill()


def tables(project: MigrationProject) -> set[str]:
    return set(inspect(project.engine).get_table_names()) - {"alembic_version"}


def names(project: MigrationProject) -> list[Any]:
    with project.engine.connect() as connection:
        return list(connection.scalars(text("SELECT name FROM courses")))


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_killed_run_leaves_nothing_and_the_next_one_goes_on(school: MigrationProject) -> None:
    path = second(school, MAKE_EXTRA, ADD_ROW, STAY)
    kill_in_the_middle(school)
    assert (tables(school), names(school)) == ({"courses"}, [])
    assert school.applied() == {"school/0001_initial"}
    path.write_text(path.read_text().replace("sys.stdin.read()", "pass"))
    assert school.migrate() == 1
    assert (tables(school), names(school)) == ({"courses", "extra"}, ["half"])


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_after_a_killed_run_mariadb_says_exactly_what_stands_and_what_to_do(school: MigrationProject) -> None:
    path = second(school, MAKE_EXTRA, ADD_ROW, STAY)
    kill_in_the_middle(school)
    with pytest.raises(MigrationError) as told:
        school.migrate()
    sentence = str(told.value)
    assert "An earlier run ended while school 0002_second was being applied" in sentence
    # The row was never committed, so it is not among what stands.
    assert "These of its statements stand: `CREATE TABLE extra" in sentence
    assert "INSERT" not in sentence
    assert names(school) == []
    assert "undo them by hand and run migrate --retry" in sentence
    assert "sqlmigrate school 0002_second shows all" in sentence
    assert "migrate school 0002_second --fake" in sentence
    path.write_text(path.read_text().replace("sys.stdin.read()", "pass"))
    with school.engine.begin() as connection:
        connection.execute(text("DROP TABLE extra"))
    step = Step(school.history.of("school")[1], upgrading=True)
    assert execute(school.engine, school.history, lambda applied: [step], school.lines.append, retry=True) == 1
    assert (tables(school), names(school)) == ({"courses", "extra"}, ["half"])


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_what_was_finished_by_hand_is_recorded(school: MigrationProject) -> None:
    second(school, MAKE_EXTRA, FAIL)
    with pytest.raises(MigrationError, match=r"These of its statements stand: `CREATE TABLE extra .*failed at `INSERT"):
        school.migrate()
    with pytest.raises(MigrationError, match=r"An earlier run ended.*`CREATE TABLE extra"):
        school.migrate()
    step = Step(school.history.of("school")[1], upgrading=True)
    execute(school.engine, school.history, lambda applied: [step], school.lines.append, fake=True)
    assert school.applied() == {"school/0001_initial", "school/0002_second"}
    assert school.migrate() == 0
    assert "lback_migrating" not in tables(school)


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_rows_that_a_later_change_of_the_schema_committed_are_among_what_stands(school: MigrationProject) -> None:
    second(school, ADD_ROW, MAKE_EXTRA, ADD_ROW, FAIL)
    with pytest.raises(MigrationError) as told:
        school.migrate()
    sentence = str(told.value)
    assert sentence.index("INSERT INTO courses") < sentence.index("CREATE TABLE extra")
    assert sentence.count("INSERT INTO courses") == 1
    assert names(school) == ["half"]


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_on_mariadb_too_nothing_stands_of_rows_alone(school: MigrationProject) -> None:
    path = second(school, ADD_ROW, FAIL)
    with pytest.raises(MigrationError, match="Nothing of it stands"):
        school.migrate()
    assert names(school) == []
    path.write_text(path.read_text().replace("INSERT INTO nowhere VALUES (1)", "SELECT 1"))
    assert school.migrate() == 1


def test_a_step_that_is_undone_only_half_is_told_too(school: MigrationProject) -> None:
    path = second(school, MAKE_EXTRA)
    school.migrate()
    path.write_text(path.read_text() + "\n    op.drop_table('nowhere')\n")
    with pytest.raises(MigrationError) as told:
        school.undo(school.history.of("school")[1])
    assert "school 0002_second could not be undone" in str(told.value)
    if school.engine.dialect.name == "mysql":
        assert "`DROP TABLE extra`" in str(told.value)
        assert f"migrate school {school.history.of('school')[0].id} --fake" in str(told.value)
    else:
        assert "Nothing of it stands" in str(told.value)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_exception_without_words_is_named_by_its_kind(school: MigrationProject) -> None:
    second(school, "raise ValueError")
    with pytest.raises(MigrationError, match="could not be applied: ValueError"):
        school.migrate()


def test_of_two_runs_one_waits_and_says_so(school: MigrationProject) -> None:
    second(school, MAKE_EXTRA, STAY)
    with start(school) as first:
        assert first.stdout is not None
        assert first.stdin is not None
        while "in the middle" not in first.stdout.readline():
            pass
        with start(school) as other:
            if school.engine.dialect.name != "sqlite":
                assert other.stdout is not None
                assert other.stdout.readline() == f"{locking.WAITING}\n"
            first.stdin.close()
            assert other.communicate()[0].splitlines()[-1] == "0"
        assert first.stdout.read().splitlines()[-1] == "1"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_sqlite_it_waits_longer_than_requests_do(school: MigrationProject) -> None:
    second(school, MAKE_EXTRA, STAY)
    url = school.engine.url.render_as_string()
    database = DatabaseManager.from_config(Config({"DATABASE_URL": url, "SQLITE_BUSY_TIMEOUT": 0.01}))
    begun = threading.Event()
    done: list[Any] = []

    def begin(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement == "BEGIN IMMEDIATE":
            begun.set()

    def wait_and_migrate() -> None:
        try:
            done.append(upgrade(database.engine, school.history, report=school.lines.append))
        except Exception as error:
            done.append(error)

    event.listen(database.engine, "before_cursor_execute", begin)
    with start(school) as first:
        assert first.stdout is not None
        assert first.stdin is not None
        while "in the middle" not in first.stdout.readline():
            pass
        thread = threading.Thread(target=wait_and_migrate)
        thread.start()
        assert begun.wait(30)
        thread.join(0.2)
        assert done == []
        first.stdin.close()
        thread.join(30)
    assert done == [0]
    database.dispose()


def test_one_connection_is_enough(school: MigrationProject) -> None:
    second(school, MAKE_EXTRA)
    engine = create_engine(school.engine.url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=1)
    try:
        assert upgrade(engine, school.history, report=school.lines.append) == 1
        assert len(current_heads(engine)) == 1
    finally:
        engine.dispose()


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_the_lock_is_that_of_the_database_not_of_the_server(project: MigrationProject) -> None:
    other = create_engine(project.engine.url.set(database="mysql"))
    try:
        with locked(other, print), locked(project.engine, print) as connection:
            name = mysql_lock_name(connection)
            assert str(project.engine.url.database) in name
            assert connection.scalar(text("SELECT IS_USED_LOCK(:name)"), {"name": name}) is not None
        with project.engine.connect() as connection:
            assert connection.scalar(text("SELECT IS_USED_LOCK(:name)"), {"name": name}) is None
    finally:
        other.dispose()


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_a_long_name_of_a_database_makes_no_too_long_name_of_a_lock(project: MigrationProject) -> None:
    class Connection:
        class engine:  # noqa: N801
            url = project.engine.url.set(database="d" * 64)

    assert len(mysql_lock_name(Connection())) <= 64  # type: ignore[arg-type]


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_a_lock_that_is_not_given_is_an_error(project: MigrationProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "PATIENCE", 0)
    refused: list[BaseException] = []

    def attempt() -> None:
        try:
            with locked(project.engine, lambda line: None):
                pass
        except LockError as error:
            refused.append(error)

    with locked(project.engine, print):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert "Nothing was applied" in str(refused[0])


def test_what_was_applied_meanwhile_keeps_a_revision_from_being_undone(school: MigrationProject) -> None:
    second(school, MAKE_EXTRA)
    history = school.history
    falling = history.dependents(history.of("school")[0], history.applied(current_heads(school.engine)))
    school.migrate()
    with pytest.raises(MigrationError, match="0002_second was applied in the meantime and needs school 0001_initial"):
        downgrade(school.engine, history, falling, school.lines.append)
    assert tables(school) == {"courses", "extra"}
