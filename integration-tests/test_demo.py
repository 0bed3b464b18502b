"""The README's first command, in a checkout of its own: from nothing to a site one can log in to, twice."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import Browser
from .conftest import ROOT
from .environments import Environment

LEFT_OUT = shutil.ignore_patterns(".*_cache", "__pycache__", ".hypothesis", "tests")


class Demo:
    """A run of the command, served until `stop`."""

    def __init__(self, checkout: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        # A process group of its own, for a Ctrl-C that reaches the command and the server, as a terminal's does.
        self.process = subprocess.Popen(
            [sys.executable, "scripts/demo.py", "--port", str(port)],
            cwd=checkout,
            env=Environment(Path(sys.prefix)).variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.said = ""
        while "Serving on" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        self.browser = Browser(f"http://127.0.0.1:{port}")

    def log_in(self) -> str:
        """Log in with what was printed and return the path one arrives at."""
        found = re.search(r"user (\S+), password (\S+)", self.said)
        assert found, self.said
        form = self.browser.get("/admin/", follow=True).form("username", "password")
        return self.browser.submit(form, username=found[1], password=found[2]).path

    def stop(self) -> int:
        """Press Ctrl-C and return the exit code."""
        assert self.process.stdout is not None
        os.killpg(self.process.pid, signal.SIGINT)
        with self.process.stdout:
            self.said += self.process.stdout.read()
        return self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout that nothing was run in yet."""
    folder = tmp_path_factory.mktemp("demo") / "checkout"
    folder.mkdir()
    for name in ("packages", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    shutil.copy(ROOT / "README.md", folder)
    return folder


@pytest.fixture(scope="module")
def first(checkout: Path) -> Iterator[Demo]:
    demo = Demo(checkout)
    yield demo
    if demo.process.poll() is None:
        demo.stop()


def test_says_what_it_is_doing(first: Demo) -> None:
    steps = re.findall(r"^==> (.*)$", first.said, re.MULTILINE)
    assert len(steps) >= 6, first.said
    assert steps[0] == "Making an environment in .venv-demo/"
    assert steps[-1] == "The demo site is ready"


def test_serves_the_courses_of_the_readme(first: Demo) -> None:
    assert first.browser.get("/courses/").text.count("<li>") == 12
    assert len(first.browser.get("/api/courses/").json()) == 12


def test_prints_an_account_for_the_admin(first: Demo) -> None:
    assert first.log_in() == "/admin/dashboard/"
    assert first.browser.get("/admin/dashboard/").link("Courses")


def test_works_a_second_time(first: Demo, checkout: Path) -> None:
    assert first.stop() == 0
    assert "Traceback" not in first.said
    second = Demo(checkout)
    try:
        assert "Using the environment in .venv-demo/" in second.said
        assert second.browser.get("/courses/").text.count("<li>") == 12
        assert second.log_in() == "/admin/dashboard/"
    finally:
        assert second.stop() == 0


def test_a_port_in_use_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=LEFT_OUT)
        done = subprocess.run(
            [sys.executable, str(tmp_path / "scripts" / "demo.py"), "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} can't be used" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"scripts"}
