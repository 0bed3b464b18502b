"""The commands as a project runs them: what they print, and with which code they end."""

import itertools
import os
import pty
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lback.core.exceptions import LbackError
from lback.core.project import Project
from lback.migrations import commands, making_commands

_numbers = itertools.count()

MODELS = """
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column
from lback.models.base import BaseModel

class Book(BaseModel):
    __tablename__ = "{app}_books"
    title: Mapped[str] = mapped_column(String(100))

class Page(BaseModel):
    __tablename__ = "{app}_pages"
    book_id: Mapped[int] = mapped_column(ForeignKey(Book.id))
"""


class Site:
    """A project on disk, with one app whose name no other test has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = f"library_{next(_numbers)}"
        (folder / self.app).mkdir()
        (folder / self.app / "__init__.py").write_text("")
        (folder / self.app / "models.py").write_text(MODELS.format(app=self.app))
        self.settings()

    def settings(self, **more: Any) -> None:
        values = {"DEBUG": True, "INSTALLED_APPS": ["sessions", self.app], **more}
        text = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        (self.folder / "settings.py").write_text(text)

    def run(self, name: str, *arguments: str) -> Result:
        return CliRunner().invoke(
            getattr(making_commands if name == "makemigrations" else commands, name),
            arguments,
            obj=Project(self.folder),
        )

    def refused(self, name: str, *arguments: str) -> str:
        """Return the sentence with which a command ends; `manage.py` prints it and exits with 1."""
        result = self.run(name, *arguments)
        assert isinstance(result.exception, LbackError), result.output
        return str(result.exception)

    def in_process(self, *arguments: str, stdin: Any = subprocess.DEVNULL) -> Any:
        """Run a command in a process of its own, which reads the models anew."""
        script = RUN.format(name=arguments[0], arguments=list(arguments[1:]))
        command = [sys.executable, "-B", "-c", script]
        return subprocess.run(command, cwd=self.folder, stdin=stdin, capture_output=True, text=True, check=False)

    def at_terminal(self, typed: str, *arguments: str, code: int = 0) -> str:
        """Run a command with a terminal for its input and return what it prints."""
        ours, theirs = pty.openpty()
        try:
            os.write(ours, typed.encode())
            done = self.in_process(*arguments, stdin=theirs)
        finally:
            os.close(ours)
            os.close(theirs)
        assert done.returncode == code, done.stderr
        return str(done.stdout)

    def execute(self, sql: str) -> None:
        connection = sqlite3.connect(self.folder / "db.sqlite", isolation_level=None)
        connection.executescript(sql)
        connection.close()

    def select(self, sql: str) -> list[Any]:
        connection = sqlite3.connect(self.folder / "db.sqlite")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def refused_by_database(self, sql: str) -> str:
        with pytest.raises(sqlite3.Error) as refused:
            self.select(sql)
        return str(refused.value)


RUN = """
import sys
from pathlib import Path
from lback.core.exceptions import LbackError
from lback.core.project import Project
from lback.migrations import commands, making_commands
command = getattr(making_commands if {name!r} == "makemigrations" else commands, {name!r})
try:
    command({arguments!r}, obj=Project(Path.cwd()))
except LbackError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    # Models that are written again within a second, at the same length, would be read from what was compiled before.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Site(tmp_path)


@pytest.fixture
def migrated(site: Site) -> Site:
    for name in ("makemigrations", "migrate"):
        assert site.run(name).exit_code == 0
    return site


def test_makemigrations_names_the_files_it_wrote_and_writes_for_the_project_alone(site: Site) -> None:
    # Warnings go elsewhere: other tests in this process have models of no app here.
    assert site.run("makemigrations").stdout == f"Wrote {site.app}/migrations/0001_initial.py\n"
    assert not (site.folder / "db.sqlite").exists()


def test_makemigrations_says_when_there_is_nothing_to_write(migrated: Site) -> None:
    assert migrated.run("makemigrations").stdout == "No changes detected.\n"
    assert migrated.run("makemigrations", "--check").exit_code == 0


def test_check_ends_with_an_error_when_something_changed(site: Site) -> None:
    assert site.app in site.refused("makemigrations", "--check")
    assert not (site.folder / site.app / "migrations").exists()


def test_a_message_becomes_part_of_the_name(site: Site) -> None:
    assert "0001_first_shelf.py" in site.run("makemigrations", "-m", "First shelf!").output


def test_the_app_of_a_package_brings_its_own(site: Site) -> None:
    assert "belongs to an installed package" in site.refused("makemigrations", "sessions")


def test_an_unknown_app_is_refused_with_those_there_are(site: Site) -> None:
    assert f"it has sessions, {site.app}" in site.refused("migrate", "nowhere")


def test_migrate_shows_each_step_and_how_many_there_were(site: Site) -> None:
    site.run("makemigrations")
    assert site.run("migrate").output == (
        f"Applying sessions 0001_initial\nApplying {site.app} 0001_initial\nApplied 2 migrations.\n"
    )
    assert site.run("migrate").output == "Nothing to apply.\n"


def add_column(site: Site) -> None:
    """Add a column to the models: as the models of this process can't be read anew, by another process."""
    models = site.folder / site.app / "models.py"
    models.write_text(models.read_text().replace("class Page", "    pages: Mapped[int | None]\n\nclass Page"))
    done = site.in_process("makemigrations")
    assert done.returncode == 0, done.stderr


def test_migrate_moves_an_app_back_and_forth(migrated: Site) -> None:
    add_column(migrated)
    assert migrated.run("migrate", migrated.app, "0002").output.endswith("Applied 1 migration.\n")
    assert migrated.run("migrate", migrated.app, "0001_initial").output == (
        f"Undoing {migrated.app} 0002_add_pages_to_{migrated.app}_books\nUndone 1 migration.\n"
    )
    plan = migrated.run("migrate", migrated.app, "zero", "--plan").output
    assert plan == f"Would undo {migrated.app} 0001_initial\n"
    assert migrated.run("migrate", migrated.app, "zero").output.endswith("Undone 1 migration.\n")
    assert migrated.run("migrate", migrated.app, "zero").output == "Nothing to apply.\n"


def test_an_unknown_or_ambiguous_revision_is_refused_with_those_there_are(migrated: Site) -> None:
    add_column(migrated)
    assert "has no migration '0009'; it has 0001_initial, 0002_add" in migrated.refused("migrate", migrated.app, "0009")
    assert "may be each of 0001_initial, 0002_add" in migrated.refused("migrate", migrated.app, "000")


def test_fake_records_without_running(site: Site) -> None:
    site.run("makemigrations")
    assert site.run("migrate", "--fake").output.endswith("Recorded 2 migrations.\n")
    assert "[x] 0001_initial" in site.run("showmigrations", site.app).output
    assert "no such table" in site.refused_by_database(f"SELECT * FROM {site.app}_books")
    assert site.run("migrate", site.app, "zero", "--fake").output.endswith("Undone 1 migration.\n")
    assert site.run("migrate").output.endswith("Applied 1 migration.\n")


def test_the_sql_of_what_would_be_applied_does_the_same_when_it_is_run(site: Site) -> None:
    site.run("makemigrations")
    sql = site.run("migrate", "--sql").output
    assert "CREATE TABLE alembic_version" in sql
    assert sql.count("BEGIN;") == sql.count("COMMIT;") == 2
    site.execute(sql)
    assert site.run("migrate", "--sql").output == "-- Nothing to apply.\n"
    assert site.run("migrate").output == "Nothing to apply.\n"
    assert site.in_process("makemigrations", "--check").returncode == 0


def test_the_sql_of_a_migration_that_makes_a_table_anew_keeps_its_rows(migrated: Site) -> None:
    site = migrated
    add_column(site)
    models = site.folder / site.app / "models.py"
    site.run("migrate")
    models.write_text(models.read_text().replace("pages: Mapped[int | None]", "pages: Mapped[str | None]"))
    assert site.in_process("makemigrations").returncode == 0
    site.execute(f"INSERT INTO {site.app}_books (title, created_at, updated_at, pages) VALUES ('a', '', '', 3)")
    site.execute(site.run("sqlmigrate", site.app, "0003").output)
    assert site.select(f"SELECT title, pages FROM {site.app}_books") == [("a", "3")]
    site.execute(site.run("sqlmigrate", site.app, "0003", "--backwards").output)
    assert site.select(f"SELECT title, pages FROM {site.app}_books") == [("a", 3)]
    assert "(none)" not in site.run("showmigrations").output


def test_an_empty_migration_is_filled_in_by_hand(migrated: Site) -> None:
    assert "--empty needs" in migrated.run("makemigrations", "--empty").output
    written = migrated.run("makemigrations", "--empty", migrated.app, "-m", "Fill titles").output
    assert written == f"Wrote {migrated.app}/migrations/0002_fill_titles.py\n"
    assert migrated.run("migrate").output.endswith("Applied 1 migration.\n")


def two_heads(site: Site) -> None:
    """Give the app two revisions that follow its first one, as two people may write them."""
    first = (site.folder / site.app / "migrations" / "0001_initial.py").read_text()
    first_id = re.search(r'revision = "(.*)"', first)[1]
    for name in ("mine", "yours"):
        (site.folder / site.app / "migrations" / f"0002_{name}.py").write_text(
            f"revision = '{site.app}_{name}'\ndown_revision = '{first_id}'\nbranch_labels = None\n"
            f"tables = ['{name}']\ndef upgrade(): pass\ndef downgrade(): pass\n"
        )


@pytest.mark.parametrize("command", ["makemigrations", "migrate"])
def test_two_last_migrations_of_an_app_are_refused_and_joining_them_is_offered(migrated: Site, command: str) -> None:
    two_heads(migrated)
    sentence = migrated.refused(command)
    assert "has 2 last migrations" in sentence
    assert "makemigrations --merge" in sentence


def test_merge_joins_two_last_migrations(migrated: Site) -> None:
    assert migrated.run("makemigrations", "--merge").output == "No app has several last migrations.\n"
    two_heads(migrated)
    written = migrated.run("makemigrations", "--merge").output
    assert written == f"Wrote {migrated.app}/migrations/0003_merge.py\n"
    assert migrated.run("migrate").output.endswith("Applied 3 migrations.\n")
    assert migrated.run("makemigrations").stdout == "No changes detected.\n"
    assert migrated.run("migrate", migrated.app, "0001").output.endswith("Undone 3 migrations.\n")
    assert migrated.run("migrate").output.endswith("Applied 3 migrations.\n")


def test_on_a_terminal_the_merge_is_asked_about(migrated: Site) -> None:
    two_heads(migrated)
    output = migrated.at_terminal("y\n", "makemigrations")
    assert "Join them with a migration that follows them all?" in output
    assert "0003_merge.py" in output


def test_on_a_terminal_a_rename_is_asked_about(migrated: Site) -> None:
    models = migrated.folder / migrated.app / "models.py"
    models.write_text(models.read_text().replace("title:", "name:"))
    output = migrated.at_terminal("y\n", "makemigrations")
    assert f"Was the column {migrated.app}_books.title renamed to name?" in output
    assert f"0002_rename_title_to_name_in_{migrated.app}_b" in output


def test_without_a_terminal_a_rename_is_given_by_an_option(migrated: Site) -> None:
    models = migrated.folder / migrated.app / "models.py"
    models.write_text(models.read_text().replace("title:", "name:"))
    done = migrated.in_process("makemigrations")
    assert done.returncode == 1
    assert f"--rename {migrated.app}_books.title:name" in done.stderr
    assert migrated.in_process("makemigrations", "--rename", f"{migrated.app}_books.title:name").returncode == 0


def test_what_holds_something_is_dropped_with_the_flag_and_a_word_on_it(migrated: Site) -> None:
    migrated.execute(f"INSERT INTO {migrated.app}_books (title, created_at, updated_at) VALUES ('a', '', '')")
    models = migrated.folder / migrated.app / "models.py"
    models.write_text(models.read_text().replace("    title: Mapped[str] = mapped_column(String(100))\n", ""))
    refused = migrated.in_process("makemigrations")
    assert refused.returncode == 1
    assert f"delete the column {migrated.app}_books.title with 1 row" in refused.stderr
    done = migrated.in_process("makemigrations", "--allow-data-loss")
    assert done.returncode == 0
    assert f"Applied here, that deletes the column {migrated.app}_books.title with 1 row." in done.stdout


@pytest.mark.parametrize(("answer", "applied"), [("y", " "), ("n", "x")])
def test_on_a_terminal_a_wider_rollback_is_asked_about(migrated: Site, answer: str, applied: str) -> None:
    output = migrated.at_terminal(f"{answer}\n", "rollback", f"{migrated.app}_books", code=0 if answer == "y" else 1)
    assert f"(tables: {migrated.app}_books, {migrated.app}_pages)" in output
    assert "Go on?" in output
    assert migrated.run("showmigrations", migrated.app).output.endswith(f"[{applied}] 0001_initial\n")


def test_on_a_terminal_a_value_for_rows_is_asked_for(migrated: Site) -> None:
    migrated.execute(f"INSERT INTO {migrated.app}_books (title, created_at, updated_at) VALUES ('a', '', '')")
    models = migrated.folder / migrated.app / "models.py"
    models.write_text(models.read_text().replace("class Page", "    pages: Mapped[int]\n\nclass Page"))
    assert "Which value shall they get?" in migrated.at_terminal("12\n", "makemigrations")
    assert migrated.run("migrate").output.endswith("Applied 1 migration.\n")
    assert migrated.select(f"SELECT pages FROM {migrated.app}_books") == [(12,)]


def test_options_that_exclude_each_other_are_refused(site: Site) -> None:
    result = site.run("makemigrations", "--check", "--merge")
    assert result.exit_code == 2
    assert "exclude each other" in result.output
    assert site.run("makemigrations", "--default", "pages").exit_code == 2


def test_tables_of_no_app_are_told_on_the_error_stream(site: Site) -> None:
    (site.folder / "other.py").write_text(MODELS.format(app="other"))
    (site.folder / site.app / "models.py").write_text("import other\n")
    done = site.in_process("makemigrations")
    assert "The table other_books belongs to no installed app" in done.stderr
    assert done.stdout == "No changes detected.\n"


def test_init_db_migrates_and_makes_the_rows_that_every_installation_begins_with(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import text

    import lback.core.apps as apps
    from lback.core.apps import App

    def first_book(session: Any, config: Any) -> list[str]:
        if session.scalar(text(f"SELECT count(*) FROM {site.app}_books")):
            return []
        session.execute(
            text(f"INSERT INTO {site.app}_books (title, created_at, updated_at) VALUES (:title, '', '')"),
            {"title": config.FIRST_BOOK},
        )
        return ["Made the first book."]

    site.run("makemigrations")
    site.settings(FIRST_BOOK="Emma")
    known = dict(apps.installed_apps())
    known[site.app] = App(site.app, site.app, initial_data=first_book)
    monkeypatch.setattr(apps, "installed_apps", lambda: known)
    assert site.run("init_db").output.endswith("Applied 2 migrations.\nMade the first book.\nThe database is ready.\n")
    assert site.run("init_db").output == "Nothing to apply.\nThe database is ready.\n"
    assert site.select(f"SELECT title FROM {site.app}_books") == [("Emma",)]


def test_migrate_may_be_of_one_app(site: Site) -> None:
    site.run("makemigrations")
    assert site.run("migrate", site.app).output.endswith("Applied 1 migration.\n")


def test_a_plan_applies_nothing(site: Site) -> None:
    site.run("makemigrations")
    assert f"Would apply {site.app} 0001_initial" in site.run("migrate", "--plan").output
    assert site.run("migrate").output.endswith("Applied 2 migrations.\n")
    assert site.run("migrate", "--plan").output == "Nothing to apply.\n"


def test_showmigrations_marks_what_is_applied(migrated: Site) -> None:
    lines = migrated.run("showmigrations").output.splitlines()
    assert lines == ["sessions", "  [x] 0001_initial", migrated.app, "  [x] 0001_initial"]


def test_rollback_undoes_the_last_migration_of_a_table(migrated: Site) -> None:
    result = migrated.run("rollback", "sessions")
    assert result.output == "Undoing sessions 0001_initial\nUndone: sessions 0001_initial.\n"
    assert "[ ] 0001_initial" in migrated.run("showmigrations").output


def test_rollback_lists_what_else_it_touches_and_without_a_terminal_refuses(migrated: Site) -> None:
    sentence = migrated.refused("rollback", f"{migrated.app}_books")
    assert f"touches {migrated.app}_books, {migrated.app}_pages. Use --yes" in sentence
    assert migrated.run("rollback", f"{migrated.app}_books", "--yes").exit_code == 0


def test_rollback_of_an_unknown_table_offers_the_nearest(migrated: Site) -> None:
    assert "Did you mean 'sessions'?" in migrated.refused("rollback", "session")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"DB_ENGINE": "oracle8"}, "DB_ENGINE is 'oracle8'"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL can't be read"),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all/db.sqlite"}, "refused: unable to open database file"),
        ({"DATABASE_URL": "postgresql://root:s3cr3t@127.0.0.1:1/none"}, "refused"),
        ({"DATABASE_URL": "oracle://root:s3cr3t@127.0.0.1/none"}, "There is no driver for oracle"),
        ({"DATABASE_URL": "postgresql+asyncpg://root:s3cr3t@127.0.0.1/none"}, "pip install 'lback-orm[postgresql]'"),
    ],
)
def test_a_database_that_can_not_be_used_is_one_sentence_without_the_password(
    site: Site, settings: dict[str, str], reason: str
) -> None:
    site.settings(**settings)
    sentence = site.refused("migrate")
    assert reason in sentence
    assert "s3cr3t" not in sentence


@pytest.mark.parametrize("service", ["postgresql_url", "mysql_url"])
def test_a_database_that_is_not_there_is_told_with_what_to_do(
    site: Site, request: pytest.FixtureRequest, service: str
) -> None:
    from sqlalchemy.engine import make_url

    url = make_url(request.getfixturevalue(service)).set(database="lback_nowhere")
    site.settings(DATABASE_URL=url.render_as_string(hide_password=False))
    for command in ("migrate", "makemigrations", "showmigrations"):
        assert site.refused(command) == (
            "There is no database 'lback_nowhere' on 127.0.0.1. Make it with CREATE DATABASE, or correct DB_NAME or "
            "DATABASE_URL."
        )
