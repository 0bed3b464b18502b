"""``clear_sessions``: the sessions that nobody can use any more, or all of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Table

from lback.core.exceptions import LbackError
from lback.core.project import Project
from lback.models.commands import clear_sessions
from lback.models.database import DatabaseManager
from lback.models.session import Session
from lback.models.session_store import DatabaseSessionStore


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "settings.py").write_text("DEBUG = True\nINSTALLED_APPS = ['sessions']\n")
    return Project(tmp_path)


@pytest.fixture
def store(project: Project) -> Iterator[DatabaseSessionStore]:
    database = DatabaseManager.from_config(project.config)
    table = Session.__table__
    assert isinstance(table, Table)
    table.create(database.engine)
    yield DatabaseSessionStore(database)
    database.dispose()


def run(project: Project, *arguments: str) -> Result:
    return CliRunner().invoke(clear_sessions, arguments, obj=project)


def test_expired_sessions_are_deleted_and_the_others_stay(project: Project, store: Any) -> None:
    cookie = store.save(None, {"a": 1}, 60)
    store.save(None, {"a": 1}, -1)
    assert run(project).output == "Deleted 1 session.\n"
    assert store.load(cookie) == {"a": 1}


def test_all_sessions_can_be_deleted(project: Project, store: Any) -> None:
    cookies = [store.save(None, {"a": 1}, 60) for _ in range(2)]
    assert run(project, "--all").output == "Deleted 2 sessions.\n"
    assert [store.load(cookie) for cookie in cookies] == [None, None]


def test_without_the_table_it_says_what_to_run(project: Project) -> None:
    error = run(project).exception
    assert isinstance(error, LbackError)
    assert "no such table" in str(error)
    assert "run migrate" in str(error)
