"""``manage.py startapp``."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lback.commands import installed
from lback.commands.startapp import IMPORTS, create_app
from lback.core.exceptions import LbackError
from lback.core.project import Project

Manage = Callable[..., "subprocess.CompletedProcess[str]"]

FILES = {
    "__init__.py",
    "admin.py",
    "migrations/__init__.py",
    "models.py",
    "serializer.py",
    "serializers.py",
    "urls.py",
    "views.py",
}


def in_project(project: Project, code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=project.base_dir, capture_output=True, text=True, check=True).stdout


def test_writes_the_files_of_an_app(project: Project, manage: Manage) -> None:
    assert manage("startapp", "courses").returncode == 0
    app = project.base_dir / "courses"
    assert {path.relative_to(app).as_posix() for path in app.rglob("*") if path.is_file()} == FILES


def test_makes_the_app_in_the_project_wherever_it_is_called(project: Project, manage: Manage, tmp_path: Path) -> None:
    assert manage("startapp", "courses", cwd=tmp_path).returncode == 0
    assert (project.base_dir / "courses" / "models.py").is_file()


def test_says_which_lines_to_add_and_adds_none(project: Project, manage: Manage) -> None:
    before = (project.base_dir / "settings.py").read_text(), (project.base_dir / "shop" / "urls.py").read_text()
    output = manage("startapp", "courses").stdout
    assert 'In settings.py, add to INSTALLED_APPS:  "courses",' in output
    assert 'In shop/urls.py, add to urlpatterns:  include("courses.urls", prefix="/"),' in output
    assert before == (
        (project.base_dir / "settings.py").read_text(),
        (project.base_dir / "shop" / "urls.py").read_text(),
    )


def test_an_existing_app_is_left_as_it_is(project: Project, manage: Manage) -> None:
    create_app(project, "courses")
    (project.base_dir / "courses" / "models.py").write_text("# mine\n")
    result = manage("startapp", "courses")
    assert result.returncode == 1
    assert result.stderr.startswith("Error: There is something at ")
    assert (project.base_dir / "courses" / "models.py").read_text() == "# mine\n"


@pytest.mark.parametrize("name", ["shop", "settings", "json", "my-app"])
def test_bad_names_are_refused(project: Project, manage: Manage, name: str) -> None:
    result = manage("startapp", name)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1


def test_a_short_name_of_an_installed_app_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lback.core.plugins.plugins", lambda group: {"inventory": None})
    with pytest.raises(LbackError, match="INSTALLED_APPS means an installed package"):
        create_app(project, "inventory")


def test_every_module_of_a_new_app_can_be_imported(project: Project) -> None:
    create_app(project, "courses")
    there = [what for what, module, _ in IMPORTS if installed.has(module)]
    names = ["urls", "views", *(["models"] if "BaseModel" in there else [])]
    in_project(project, "; ".join(f"import courses.{name}" for name in names))


def test_a_new_app_can_be_listed_at_once(project: Project) -> None:
    create_app(project, "courses")
    settings = project.base_dir / "settings.py"
    settings.write_text(settings.read_text().replace("INSTALLED_APPS = [", 'INSTALLED_APPS = ["courses", '))
    urls = project.base_dir / "shop" / "urls.py"
    urls.write_text(
        "from lback.core.urls_utils import include\n"
        + urls.read_text().replace('name="home"),', 'name="home"), include("courses.urls", prefix="/"),')
    )
    assert in_project(project, "from shop.wsgi import application; print(application.apps[-1].label)") == "courses\n"


@pytest.mark.parametrize("module", ["serializer", "serializers"])
def test_serializers_are_found_under_both_names(project: Project, module: str) -> None:
    create_app(project, "courses")
    (project.base_dir / "courses" / "serializers.py").write_text("class CourseSerializer: pass\n")
    code = f"from courses.{module} import CourseSerializer; print(CourseSerializer.__module__)"
    assert in_project(project, code) == "courses.serializers\n"


def test_files_for_packages_that_are_missing_say_what_to_install(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "has", lambda module: False)
    create_app(project, "courses")
    text = (project.base_dir / "courses" / "models.py").read_text()
    assert "pip install lback-orm" in text
    assert "import" not in text.replace("imports", "")
    monkeypatch.syspath_prepend(project.base_dir)
    for name in ("models", "admin", "serializers", "serializer"):
        importlib.import_module(f"courses.{name}")
