"""The commands as a project runs them: what they print, and with which code they end."""

import itertools
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


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return Site(tmp_path)


@pytest.fixture
def migrated(site: Site) -> Site:
    for name in ("makemigrations", "migrate"):
        assert site.run(name).exit_code == 0
    return site


def test_makemigrations_names_the_files_it_wrote_and_writes_for_the_project_alone(site: Site) -> None:
    result = site.run("makemigrations")
    assert result.output == f"Wrote {site.app}/migrations/0001_initial.py\n"
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
    ],
)
def test_a_database_that_can_not_be_used_is_one_sentence_without_the_password(
    site: Site, settings: dict[str, str], reason: str
) -> None:
    site.settings(**settings)
    sentence = site.refused("migrate")
    assert reason in sentence
    assert "s3cr3t" not in sentence
