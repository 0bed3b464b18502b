"""A project of its own for every test, made by startproject."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lback.commands.startproject import create_project
from lback.core.project import Project

# A shell has what it starts in the background ignore Ctrl-C, and that is handed on to the servers started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

Manage = Callable[..., "subprocess.CompletedProcess[str]"]


# What the project names of packages that lback-cli does not declare.
OF_OTHER_PACKAGES = ('"admin"', '"auth_app"', '"lback.auth', '"lback.models', "include(")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A new project called shop, on lback-core and lback-cli alone, whatever else is installed here."""
    folder = create_project("shop", tmp_path)
    for path in (folder / "settings.py", folder / "shop" / "urls.py"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.strip().startswith(OF_OTHER_PACKAGES)))
    path_before = list(sys.path)
    yield Project(folder)
    # A test that built the application here has imported the project, and the next test has another one.
    sys.path[:] = path_before
    for name in [name for name in sys.modules if name.partition(".")[0] in ("shop", "courses")]:
        del sys.modules[name]


@pytest.fixture
def manage(project: Project) -> Manage:
    """Run ``manage.py`` of the project as a process and return what came of it."""

    def run(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(project.base_dir / "manage.py"), *arguments]
        return subprocess.run(command, cwd=cwd or project.base_dir, capture_output=True, text=True, check=False)

    return run
