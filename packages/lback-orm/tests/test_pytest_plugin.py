"""The fixtures that pytest finds once lback-orm is installed: a database for tests, and work that is undone."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

MODELS = """\
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column
from lback.models.base import BaseModel

class Note(BaseModel):
    __tablename__ = "notes"
    text: Mapped[str] = mapped_column(String(50))
"""
URLS = """\
from lback.utils.urls import path
from sqlalchemy import func, select
from notebook.models import Note

def add(request):
    request.db_session.add(Note(text=request.form["text"]))
    return "added"

def fail(request):
    request.db_session.add(Note(text="lost"))
    request.db_session.flush()
    raise RuntimeError("on purpose")

def count(request):
    return str(request.db_session.scalar(select(func.count(Note.id))))

urlpatterns = [path("/add/", add, ["POST"]), path("/fail/", fail, ["POST"]), path("/count/", count)]
"""
TESTS = """\
import pytest
from lback.core.project import Project
from sqlalchemy import func, select
from notebook.models import Note

def test_what_a_request_writes_the_session_sees(client, db_session):
    assert client.post("/add/", {"text": "by the request"}).text == "added"
    assert db_session.scalars(select(Note.text)).all() == ["by the request"]

@pytest.mark.parametrize("run", [1, 2])
def test_every_test_begins_with_nothing(client, db_session, run):
    db_session.add(Note(text="by the test"))
    db_session.flush()
    client.post("/add/", {"text": "by the request"})
    assert client.get("/count/").text == "2"

def test_a_view_that_fails_is_rolled_back_alone(client, db_session):
    db_session.add(Note(text="stays"))
    db_session.commit()
    assert client.post("/fail/").status_code == 500
    assert db_session.scalars(select(Note.text)).all() == ["stays"]
    assert client.get("/count/").text == "1"

def test_the_database_is_another_than_the_projects(settings, pytestconfig):
    assert settings.DATABASE_URL != Project(pytestconfig.rootpath).config.DATABASE_URL
"""


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Path:
    settings = (
        "DEBUG = True\nROOT_URLCONF = 'notebook_urls'\nINSTALLED_APPS = ['notebook']\n"
        "MIDDLEWARES = ['lback.models.middleware.SQLAlchemySessionMiddleware']\n"
        f"DATABASE_URL = {database_url!r}\n"
    )
    files = {"settings.py": settings, "notebook_urls.py": URLS, "test_notebook.py": TESTS}
    for name, content in files.items() | {"notebook/__init__.py": "", "notebook/models.py": MODELS}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def run(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", f"--rootdir={folder}"]
    environment = {**os.environ, **variables}
    return subprocess.run(
        [*command, str(folder)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def databases(url: str) -> set[str]:
    """The names of the databases on the server, or of the files beside an SQLite file."""
    at = make_url(url)
    if at.get_backend_name() == "sqlite":
        return {path.name for path in Path(at.database or "").parent.glob("*.sqlite")}
    statement = {"postgresql": "SELECT datname FROM pg_database", "mysql": "SHOW DATABASES"}[at.get_backend_name()]
    engine = create_engine(at)
    with engine.connect() as connection:
        names = set(connection.execute(text(statement)).scalars())
    engine.dispose()
    return {name for name in names if name.startswith("test_lback_test")}


def test_tests_of_a_project_work_on_a_database_of_their_own_and_leave_nothing(project: Path, database_url: str) -> None:
    done = run(project)
    assert "5 passed" in done.stdout, done.stdout
    assert databases(database_url) == set()


NOTES_ITS_DATABASE = """
import os
from pathlib import Path

def test_what_the_worker_works_on(settings, db_session):
    Path(os.environ["PYTEST_XDIST_WORKER"]).write_text(settings.DATABASE_URL)
"""


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_each_worker_of_xdist_has_a_database_of_its_own(project: Path, database_url: str) -> None:
    with (project / "test_notebook.py").open("a") as tests:
        tests.write(NOTES_ITS_DATABASE)
    workers = ("gw0", "gw1")
    with ThreadPoolExecutor(2) as threads:
        runs = list(threads.map(lambda worker: run(project, PYTEST_XDIST_WORKER=worker), workers))
    assert ["6 passed" in done.stdout for done in runs] == [True, True], runs[0].stdout
    assert len({(project / worker).read_text() for worker in workers} | {database_url}) == 3
    assert databases(database_url) == set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_is_away_is_told_in_one_sentence(project: Path) -> None:
    settings = project / "settings.py"
    settings.write_text(f"{settings.read_text()}DATABASE_URL = 'postgresql://nobody:s3cr3t-s3cr3t@127.0.0.1:1/own'\n")
    done = run(project)
    assert "ConfigurationError: The database for tests can't be made on 127.0.0.1" in done.stdout
    assert "s3cr3t" not in done.stdout
