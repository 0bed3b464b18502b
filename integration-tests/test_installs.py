"""Both ways to install: a stray ``__init__.py`` breaks only editable installs, a file in two packages only wheels."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PACKAGES
from .environments import Environment

IMPORT_ALL = """\
import importlib, json, sys
failed = {}
for name in json.load(sys.stdin):
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failed))
"""


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment outside of the checkout with the packages installed in place."""
    requirements = [part for package in PACKAGES for part in ("--editable", str(package.folder))]
    return Environment.make(tmp_path_factory.mktemp("editable") / "env", *requirements)


# A module that needs what an extra brings, which these environments do not have.
OF_EXTRAS = [f"ModuleNotFoundError: No module named {name!r}" for name in ("redis", "alembic_postgresql_enum")]


def not_importable(environment: Environment, modules: list[str], cwd: Path) -> dict[str, str]:
    done = environment.run("python", "-c", IMPORT_ALL, cwd=cwd, stdin=json.dumps(modules))
    failed: dict[str, str] = json.loads(done.stdout)
    return {name: error for name, error in failed.items() if error not in OF_EXTRAS}


def test_every_module_can_be_imported_from_wheels(installed: Environment, modules: list[str], tmp_path: Path) -> None:
    assert not_importable(installed, modules, tmp_path) == {}


def test_every_module_can_be_imported_in_place(editable: Environment, modules: list[str], tmp_path: Path) -> None:
    assert not_importable(editable, modules, tmp_path) == {}


@pytest.mark.parametrize("way", ["installed", "editable"])
def test_what_is_installed_fits_together(way: str, request: pytest.FixtureRequest) -> None:
    environment: Environment = request.getfixturevalue(way)
    environment.run("pip", "check")


def test_a_package_goes_without_taking_files_of_another(
    wheels: dict[str, Path], modules: list[str], tmp_path: Path
) -> None:
    environment = Environment(tmp_path / "env")
    subprocess.run([sys.executable, "-m", "venv", str(environment.folder)], check=True)
    install = ("pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    environment.run(*install, *(str(wheel) for wheel in wheels.values()))
    environment.run("pip", "uninstall", "--quiet", "--yes", "lback-admin")
    lback = next(environment.folder.glob("lib/python*/site-packages/lback"))
    there = {path.relative_to(lback.parent).as_posix() for path in lback.rglob("*.py")}
    wanted = {name.replace(".", "/") for name in modules if not name.startswith("lback.admin")}
    assert wanted == {path.removesuffix(".py").removesuffix("/__init__") for path in there}
