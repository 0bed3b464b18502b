"""``manage.py runserver`` as it is used: a process, a browser's requests, and files that change."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from lback.commands.reloader import SourceFilter
from lback.core.project import Project

Manage = Callable[..., "subprocess.CompletedProcess[str]"]

URLS = """\
from lback.core.config import Config
from lback.utils.urls import path

def debug(request, config: Config):
    return str(config.DEBUG)

def number(request):
    return "{number}"

urlpatterns = [path("/debug/", debug), path("/number/", number)]
"""


class Server:
    """A running ``manage.py runserver``."""

    def __init__(self, project: Project, *options: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "runserver", "--port", "0", *options],
            cwd=project.base_dir,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        greeting = self.process.stdout.readline()
        found = re.search(r"http://\S+/", greeting)
        assert found, greeting + (self.process.stderr.read() if self.process.stderr else "")
        self.url = found[0]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path.lstrip("/"), timeout=30) as response:
            return str(response.read().decode())

    def wait_for_log(self, text: str) -> str:
        """Read the log up to the line with `text`."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if text in line:
                return line
        raise AssertionError(f"the server ended without saying {text!r}")

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def answers(self) -> bool:
        parts = urlsplit(self.url)
        try:
            socket.create_connection((parts.hostname, parts.port), timeout=5).close()
        except ConnectionRefusedError:
            return False
        return True

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def start(project: Project) -> Iterator[Callable[..., Server]]:
    """Start the server of the project; it ends with the test."""
    (project.base_dir / "shop" / "urls.py").write_text(URLS.replace("{number}", "1"))
    servers: list[Server] = []

    def run(*options: str, **environment: str) -> Server:
        servers.append(Server(project, *options, **environment))
        return servers[-1]

    yield run
    for server in servers:
        server.close()


Start = Callable[..., Server]


@pytest.mark.parametrize("options", [[], ["--no-reload"]], ids=["reloading", "not reloading"])
def test_serves_the_site_on_this_machine_alone(start: Start, options: list[str]) -> None:
    server = start(*options)
    assert server.url.startswith("http://127.0.0.1:")
    assert server.get("/number/") == "1"


def test_the_default_address() -> None:
    from lback.commands.runserver import runserver

    assert {option.name: option.default for option in runserver.params if option.name in ("host", "port")} == {
        "host": "127.0.0.1",
        "port": 8000,
    }


def test_debug_is_on(start: Start) -> None:
    assert start("--no-reload").get("/debug/") == "True"


def test_debug_is_off_when_the_environment_says_so(start: Start) -> None:
    assert start("--no-reload", DEBUG="false").get("/debug/") == "False"


def test_debug_is_off_when_a_file_says_so(start: Start, project: Project) -> None:
    with (project.base_dir / ".env").open("a") as file:
        file.write("DEBUG=false\n")
    assert start("--no-reload").get("/debug/") == "False"


def test_an_error_of_a_view_does_not_end_the_server(start: Start, project: Project) -> None:
    (project.base_dir / "shop" / "urls.py").write_text(URLS.replace('"{number}"', "1 / 0"))
    server = start("--no-reload")
    with pytest.raises(HTTPError, match="500") as caught:
        server.get("/number/")
    caught.value.close()
    assert server.get("/debug/") == "True"


def test_a_changed_file_is_taken_up(start: Start, project: Project) -> None:
    server = start()
    assert server.get("/number/") == "1"
    # Of another length, because Python takes a file of the same second and length for the one it has compiled.
    (project.base_dir / "shop" / "urls.py").write_text(URLS.replace("{number}", "second"))
    assert f"Changed: {Path('shop', 'urls.py')}." in server.wait_for_log("Changed")
    assert server.get("/number/") == "second"


def test_a_mistake_is_told_and_put_right_without_a_new_start(start: Start, project: Project) -> None:
    settings = project.base_dir / "settings.py"
    right = settings.read_text()
    settings.write_text(f"{right}\nDEBUG = 'perhaps'\n")
    server = start()
    assert "The setting DEBUG must be true or false; settings.py has 'perhaps'." in server.wait_for_log("Error:")
    settings.write_text(right)
    assert server.get("/number/") == "1"


def test_a_file_that_does_not_compile_is_told_and_put_right(start: Start, project: Project) -> None:
    server = start()
    assert server.get("/number/") == "1"
    urls = project.base_dir / "shop" / "urls.py"
    urls.write_text("def broken(:\n")
    server.wait_for_log("SyntaxError")
    urls.write_text(URLS.replace("{number}", "third"))
    assert server.get("/number/") == "third"


def test_without_reloading_a_mistake_ends_the_command(project: Project, manage: Manage) -> None:
    with (project.base_dir / "settings.py").open("a") as file:
        file.write("DEBUG = 'perhaps'\n")
    result = manage("runserver", "--no-reload", "--port", "0")
    assert result.returncode == 1
    assert result.stderr == "Error: The setting DEBUG must be true or false; settings.py has 'perhaps'.\n"


def test_a_port_in_use_is_one_sentence(start: Start, manage: Manage) -> None:
    port = urlsplit(start("--no-reload").url).port
    result = manage("runserver", "--port", str(port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: Port {port} on 127.0.0.1 is in use.")
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("options", [[], ["--no-reload"]], ids=["reloading", "not reloading"])
def test_ends_cleanly(start: Start, number: signal.Signals, options: list[str]) -> None:
    server = start(*options)
    server.get("/number/")
    assert server.end(number) == 0
    assert not server.answers()
    assert server.process.stderr is not None
    assert "Traceback" not in server.process.stderr.read()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_nothing_is_left_when_the_command_is_killed(start: Start) -> None:
    server = start()
    server.get("/number/")
    server.end(signal.SIGKILL)
    # The log ends when the last process that holds it has ended.
    assert server.process.stderr is not None
    server.process.stderr.read()
    assert not server.answers()


@pytest.mark.parametrize("path", ["settings.py", ".env", "config.json", "courses/models.py", "courses/migrations/a.py"])
def test_sources_are_watched(tmp_path: Path, path: str) -> None:
    assert SourceFilter(tmp_path)(None, str(tmp_path / path))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    ["db.sqlite3", "templates/home.html", "static/a.py", ".venv/lib/x.py", "venv/lib/x.py", "a/__pycache__/x.py"],
)
def test_other_files_are_not_watched(tmp_path: Path, path: str) -> None:
    assert not SourceFilter(tmp_path)(None, str(tmp_path / path))  # type: ignore[arg-type]


def test_a_project_in_a_folder_of_an_odd_name_is_watched(tmp_path: Path) -> None:
    base_dir = tmp_path / "static" / ".hidden"
    assert SourceFilter(base_dir)(None, str(base_dir / "settings.py"))  # type: ignore[arg-type]
