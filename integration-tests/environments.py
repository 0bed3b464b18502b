"""Virtual environments outside of the checkout, with the packages in them as users have them."""

import os
import subprocess
import sys
from pathlib import Path


class Environment:
    """A virtual environment.

    Args:
        folder: Where it is, or is to be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.python = self.programs / "python"

    @classmethod
    def make(cls, folder: Path, *requirements: str) -> "Environment":
        """Make an environment and install into it."""
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        made = cls(folder)
        made.run("pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
        return made

    def variables(self) -> dict[str, str]:
        """The environment of a process that has activated it, without what this test run has set for itself."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "LBACK"))}
        return kept | {"VIRTUAL_ENV": str(self.folder), "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"}

    def run(
        self, *command: str, cwd: Path | None = None, check: bool = True, stdin: str = "", **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run one of its programs; with `check`, a failure shows what was printed."""
        done = subprocess.run(
            [str(self.programs / command[0]), *command[1:]],
            cwd=cwd or self.folder,
            env=self.variables() | variables,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        shown = f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert not check or done.returncode == 0, shown
        return done
