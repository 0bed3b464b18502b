"""Fixtures for tests of the whole framework: the packages' metadata and their wheels, built once a run."""

import signal
import subprocess
import sys
import tomllib
import zipfile
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from .environments import Environment

# A shell has what it starts in the background ignore Ctrl-C, and that is handed on to the servers started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


class Package:
    """One of the distributions in ``packages/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def metadata(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]

    def __repr__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def version(self) -> str:
        return self.metadata["version"]

    @property
    def source(self) -> Path:
        return self.folder / "src"

    @property
    def owned(self) -> list[str]:
        """The folders below ``lback`` that the package brings."""
        base = self.source / "lback"
        return sorted(folder.name for folder in base.iterdir() if folder.is_dir()) if base.is_dir() else []


PACKAGES = [Package(folder) for folder in sorted((ROOT / "packages").iterdir()) if folder.is_dir()]
CODE_PACKAGES = [package for package in PACKAGES if package.name != "lback_framework"]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of all packages, by the package's name, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder)]
    subprocess.run([*command, *(str(package.folder) for package in PACKAGES)], check=True)
    return {
        package.name: next(folder.glob(f"{package.name.replace('-', '_')}-{package.version}-*.whl"))
        for package in PACKAGES
    }


@pytest.fixture(scope="session")
def wheel_files(wheels: dict[str, Path]) -> dict[str, list[str]]:
    """The paths inside each wheel, without its metadata."""
    found = {}
    for name, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            found[name] = [path for path in archive.namelist() if ".dist-info/" not in path]
    return found


@pytest.fixture(scope="session")
def installed(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment outside of the checkout with the whole framework, installed from its wheels."""
    return Environment.make(tmp_path_factory.mktemp("installed") / "env", *map(str, wheels.values()))


@pytest.fixture(scope="session")
def modules() -> list[str]:
    """The import paths of all modules of the framework."""
    paths = (path.relative_to(package.source) for package in CODE_PACKAGES for path in package.source.rglob("*.py"))
    return sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths)
