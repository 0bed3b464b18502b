"""What the framework costs before it does anything: what it brings along, and what is imported for a help text."""

import json
from pathlib import Path

import pytest

from .conftest import PACKAGES
from .environments import Environment

LIMIT = 30
OURS = {package.name for package in PACKAGES}
# What an environment has before anything is installed in it.
FROM_THE_START = {"pip", "setuptools", "wheel"}

LOADED_FOR_HELP = """\
import runpy, sys
sys.argv = ["manage.py", "--help"]
try:
    runpy.run_path("manage.py", run_name="__main__")
except SystemExit:
    print("LOADED", *sys.modules)
"""


def test_brings_few_distributions_along(installed: Environment) -> None:
    listed = json.loads(installed.run("pip", "list", "--format", "json", "--disable-pip-version-check").stdout)
    names = {package["name"] for package in listed}
    assert names >= OURS
    third_party = names - OURS - FROM_THE_START
    assert len(third_party) <= LIMIT, sorted(third_party)


@pytest.fixture(scope="module")
def loaded_for_help(installed: Environment, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that ``manage.py --help`` imports in a new project."""
    folder: Path = tmp_path_factory.mktemp("help")
    installed.run("lback", "startproject", "shop", cwd=folder)
    output = installed.run("python", "-c", LOADED_FOR_HELP, cwd=folder / "shop").stdout
    assert "create_superuser" in output
    assert "makemigrations" in output
    return set(output.partition("LOADED")[2].split())


def test_help_knows_every_command(loaded_for_help: set[str]) -> None:
    assert {"lback.migrations.commands", "lback.auth.commands", "lback.commands.runserver"} <= loaded_for_help


def test_help_imports_no_library_but_click(loaded_for_help: set[str], installed: Environment) -> None:
    site_packages = next(installed.folder.glob("lib/python*/site-packages"))
    libraries = {path.name.removesuffix(".py") for path in site_packages.iterdir()} - {"lback", "_distutils_hack"}
    assert {name.partition(".")[0] for name in loaded_for_help} & libraries == {"click"}


def test_help_reads_no_settings_and_builds_no_application(loaded_for_help: set[str]) -> None:
    assert loaded_for_help & {"lback.core.config", "lback.core.app", "lback.models.base", "shop.urls"} == set()


def test_help_imports_few_modules(loaded_for_help: set[str]) -> None:
    # Python itself and click are about 130; an import that drags a library in brings dozens more.
    assert len(loaded_for_help) < 180
