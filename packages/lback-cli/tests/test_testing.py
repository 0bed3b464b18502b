"""``manage.py test``."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lback.core.project import Project

Manage = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def suite(project: Project) -> Path:
    """The test file of the project: one test passes and one fails."""
    path = project.base_dir / "test_pages.py"
    path.write_text(
        "def test_home(client):\n"
        "    assert 'shop is running' in client.get('/').text\n\n"
        "def test_missing(client):\n"
        "    assert client.get('/missing/').status_code == 200\n"
    )
    return path


def test_passes_when_the_tests_pass(suite: Path, manage: Manage) -> None:
    result = manage("test", "-k", "home")
    assert result.returncode == 0
    assert "1 passed, 1 deselected" in result.stdout


def test_returns_the_exit_code_of_pytest(suite: Path, manage: Manage) -> None:
    result = manage("test")
    assert result.returncode == 1
    assert "1 failed, 1 passed" in result.stdout


def test_no_tests_are_told_apart_from_tests_that_pass(project: Project, manage: Manage) -> None:
    assert manage("test").returncode == 5


@pytest.mark.usefixtures("suite")
@pytest.mark.parametrize("options", [["-q", "--collect-only"], ["--collect-only", "-q", "-p", "no:cacheprovider"]])
def test_options_go_to_pytest(manage: Manage, options: list[str]) -> None:
    assert "2 tests collected" in manage("test", *options).stdout


@pytest.mark.usefixtures("suite")
def test_a_single_test_can_be_named(manage: Manage) -> None:
    assert "1 passed" in manage("test", "test_pages.py::test_home").stdout


@pytest.mark.usefixtures("suite")
def test_runs_in_the_project_wherever_it_is_called(manage: Manage, tmp_path: Path) -> None:
    assert "1 passed" in manage("test", "-k", "home", cwd=tmp_path).stdout


def test_help_is_about_the_command(manage: Manage) -> None:
    result = manage("test", "--help")
    assert result.returncode == 0
    assert "handed to pytest" in result.stdout
