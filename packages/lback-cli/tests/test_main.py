"""The command line: which commands there are, and what is said when something is wrong."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lback.commands.main import project_commands
from lback.core.exceptions import LbackError
from lback.core.plugins import COMMANDS, plugins
from lback.core.project import Project

Manage = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _fresh_plugins() -> Iterator[None]:
    plugins.cache_clear()
    yield
    plugins.cache_clear()


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a distribution that brings a command, for this test."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(distribution: str, line: str) -> None:
        folder = tmp_path / f"{distribution}-1.0.dist-info"
        folder.mkdir()
        (folder / "entry_points.txt").write_text(f"[{COMMANDS}]\n{line}\n")

    return install


def test_help_lists_the_commands_with_what_they_do(manage: Manage) -> None:
    result = manage("--help")
    assert result.returncode == 0
    assert "Usage: python manage.py" in result.stdout
    for line in ("runserver", "startapp", "test"):
        assert f"\n  {line} " in result.stdout
    assert "Run the development server." in result.stdout


def test_the_version_is_told(manage: Manage) -> None:
    assert manage("--version").stdout.startswith("Lback 2.")


def test_a_command_has_its_own_help(manage: Manage) -> None:
    result = manage("runserver", "--help")
    assert result.returncode == 0
    assert "--no-reload" in result.stdout


def test_help_imports_nothing_heavy(project: Project) -> None:
    code = (
        "import sys\n"
        "from lback.commands.main import manage\n"
        "try:\n    manage('.', ['--help'])\n"
        "except SystemExit:\n    print('|', *sys.modules, sep='|')\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=project.base_dir, capture_output=True, text=True, check=True
    ).stdout
    loaded = set(output.split("|"))
    assert "lback.commands.runserver" in loaded
    heavy = {"jinja2", "sqlalchemy", "alembic", "watchfiles", "pytest", "importlib.metadata", "logging", "socketserver"}
    assert loaded & heavy == set()
    assert not loaded & {"lback.core.app", "lback.core.config", "settings"}


def test_help_works_in_a_project_with_broken_settings(project: Project, manage: Manage) -> None:
    (project.base_dir / "settings.py").write_text("DEBUG = \n")
    assert manage("--help").returncode == 0


def test_an_unknown_command_brings_up_the_near_one(manage: Manage) -> None:
    result = manage("runsever")
    assert result.returncode == 2
    assert "There is no command 'runsever'. Did you mean 'runserver'?" in result.stderr


def test_an_unknown_command_without_a_near_one(manage: Manage) -> None:
    result = manage("xyzzy")
    assert result.returncode == 2
    assert "There is no command 'xyzzy'." in result.stderr
    assert "Did you mean" not in result.stderr


def test_manage_py_works_from_any_folder(manage: Manage, tmp_path: Path) -> None:
    assert manage("--help", cwd=tmp_path).returncode == 0


def test_the_lback_command_points_to_manage_py(tmp_path: Path) -> None:
    code = "from lback.commands.main import main; main(['runserver'])"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "Inside a project, try: python manage.py runserver" in result.stderr


def test_a_distribution_brings_a_command_of_its_own(
    project: Project, plugin: Callable[[str, str], None], tmp_path: Path
) -> None:
    plugin("greetings", "greet = greetings_commands:greet")
    (tmp_path / "greetings_commands.py").write_text(
        "import click\n"
        "@click.command()\n"
        "@click.pass_obj\n"
        "def greet(project):\n"
        "    'Say hello.'\n"
        "    print('Hello from', project.config.PROJECT_NAME)\n"
    )
    assert "Say hello." in CliRunner().invoke(project_commands(), ["--help"]).output
    assert CliRunner().invoke(project_commands(), ["greet"], obj=project).output == "Hello from shop\n"


def test_two_claimants_of_a_name_stop_the_start(project: Project, plugin: Callable[[str, str], None]) -> None:
    plugin("impostor", "runserver = impostor:runserver")
    result = CliRunner().invoke(project_commands(), ["startapp", "courses"], obj=project)
    assert result.exit_code == 1
    assert "both claim the name 'runserver'" in result.stderr
    assert "impostor (impostor:runserver)" in result.stderr
    assert not (project.base_dir / "courses").exists()


def test_a_command_that_cannot_be_imported_spoils_its_own_line_alone(
    project: Project, plugin: Callable[[str, str], None]
) -> None:
    plugin("broken", "broken = module_that_is_not_there:command")
    output = CliRunner().invoke(project_commands(), ["--help"], obj=project).output
    assert "(not available: ModuleNotFoundError" in output
    assert "Run the development server." in output


def test_something_else_than_a_command_is_refused(project: Project, plugin: Callable[[str, str], None]) -> None:
    plugin("strange", "strange = string:digits")
    result = CliRunner().invoke(project_commands(), ["strange"], obj=project)
    assert result.exit_code == 1
    assert "The command 'strange' must be a click command" in result.stderr


def test_an_error_of_the_framework_is_one_sentence(project: Project) -> None:
    commands = project_commands()

    @commands.command()
    def fail() -> None:
        raise LbackError("The cellar is flooded.")

    commands.get_command = lambda ctx, name: fail  # type: ignore[method-assign]
    result = CliRunner().invoke(commands, ["fail"], obj=project)
    assert result.exit_code == 1
    assert result.stderr == "Error: The cellar is flooded.\n"
    assert isinstance(fail, click.Command)


def test_an_environment_without_lback_is_told_in_words(project: Project) -> None:
    result = subprocess.run(
        [sys.executable, "-I", "-S", "manage.py", "--help"],
        cwd=project.base_dir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "Activate the environment in which Lback is installed" in result.stderr
    assert "Traceback" not in result.stderr
