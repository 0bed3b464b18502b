"""A project as commands see it: a folder, and what is made from it when it is asked for."""

import sys
from pathlib import Path

import pytest

from lback.core.app import Application
from lback.core.exceptions import ConfigurationError
from lback.core.project import Project
from lback.core.testing import Client

SETTINGS = """
DEBUG = True
INSTALLED_APPS = ["app_of_project"]
ROOT_URLCONF = "app_of_project.urls"
MIDDLEWARES = []
"""
URLS = """
from lback.utils.urls import path

urlpatterns = [path("/", lambda request: "the shop")]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project with one app, which is not on the import path."""
    for name, text in {
        "settings.py": SETTINGS,
        "app_of_project/__init__.py": "",
        "app_of_project/urls.py": URLS,
        "app_of_project/models.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for module in [name for name in sys.modules if name.partition(".")[0] == "app_of_project"]:
        monkeypatch.delitem(sys.modules, module)
    return tmp_path


def test_a_project_is_read_from_its_folder_wherever_the_process_was_started(folder: Path) -> None:
    project = Project(folder)
    assert project.config.DEBUG is True
    assert [app.label for app in project.apps] == ["app_of_project"]


def test_its_parts_are_made_once(folder: Path) -> None:
    project = Project(folder)
    assert project.application is project.application
    assert project.application.config is project.config


def test_nothing_is_read_until_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("raise RuntimeError")
    project = Project(tmp_path)
    assert project.base_dir == tmp_path
    with pytest.raises(ConfigurationError, match=r"settings\.py, line 1: RuntimeError"):
        project.config  # noqa: B018


def test_its_models_are_imported_on_demand(folder: Path) -> None:
    project = Project(folder)
    project.apps  # noqa: B018
    assert "app_of_project.models" not in sys.modules
    project.load_models()
    assert "app_of_project.models" in sys.modules


def test_a_wsgi_module_gets_the_application_by_one_call(folder: Path) -> None:
    application = Application.from_project(str(folder))
    assert Client(application, host="localhost").get("/").text == "the shop"


def test_a_folder_that_is_not_there_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder"):
        Project(tmp_path / "nowhere").config  # noqa: B018
