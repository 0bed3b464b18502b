"""``lback startproject``."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lback.commands import installed, skeleton
from lback.commands.startproject import create_project, startproject
from lback.core.app import Application
from lback.core.config import Config
from lback.core.exceptions import LbackError
from lback.core.project import Project
from lback.core.testing import Client


def lback(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from lback.commands.main import main; main()", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_everything_is_inside_the_new_folder(tmp_path: Path) -> None:
    assert lback("startproject", "shop", cwd=tmp_path).returncode == 0
    assert names_in(tmp_path) == ["shop"]
    files = {path.relative_to(tmp_path / "shop").as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        ".env",
        ".gitignore",
        "config.json",
        "manage.py",
        "settings.py",
        "shop/__init__.py",
        "shop/urls.py",
        "shop/wsgi.py",
        "static/css/home.css",
        "templates/home.html",
    }


def test_says_what_to_do_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(startproject, ["shop"])
    assert result.exit_code == 0
    assert "cd shop\n" in result.output
    assert "python manage.py runserver\n" in result.output


def test_an_existing_folder_is_left_as_it_is(tmp_path: Path) -> None:
    folder = create_project("shop", tmp_path)
    (folder / "settings.py").write_text("# mine\n")
    result = lback("startproject", "shop", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == f"Error: There is something at {folder} already. Choose another name, or remove it first.\n"
    assert (folder / "settings.py").read_text() == "# mine\n"


def test_a_bad_name_writes_nothing(tmp_path: Path) -> None:
    result = lback("startproject", "bad-name x", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: 'bad-name x' can't be the name of a project: use letters")
    assert names_in(tmp_path) == []


def test_nothing_is_left_when_a_file_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = skeleton._write

    def disk_full(path: Path, text: str) -> None:
        if path.name == "wsgi.py":
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(skeleton, "_write", disk_full)
    with pytest.raises(LbackError, match=r"No space left on device\. Nothing was written"):
        create_project("shop", tmp_path)
    assert names_in(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_the_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = create_project("shop", tmp_path)
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "settings.py").stat().st_mode) & 0o600 == 0o600
    assert os.access(folder / "manage.py", os.X_OK)


def test_every_project_has_secrets_of_its_own(tmp_path: Path) -> None:
    keys = {Config.load(create_project(name, tmp_path)).SECRET_KEY for name in ("shop", "blog")}
    assert len(keys) == 2
    assert all(len(key) >= 64 for key in keys)
    assert not [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name != ".env" and any(key.encode() in path.read_bytes() for key in keys)
    ]


def test_version_control_leaves_the_secrets_out(tmp_path: Path) -> None:
    assert ".env" in (create_project("shop", tmp_path) / ".gitignore").read_text().split()


def test_the_settings_are_for_what_is_installed(tmp_path: Path) -> None:
    config = Config.load(create_project("shop", tmp_path))
    assert installed.apps() == config.INSTALLED_APPS
    assert installed.middlewares() == config.MIDDLEWARES
    assert config.ROOT_URLCONF == "shop.urls"
    assert tmp_path / "shop" == config.BASE_DIR


def test_debug_is_off_until_the_development_server_switches_it_on(tmp_path: Path) -> None:
    folder = create_project("shop", tmp_path)
    assert Config.load(folder).DEBUG is False
    assert Config.load(folder, debug=True).DEBUG is True


def test_config_json_is_read(tmp_path: Path) -> None:
    folder = create_project("shop", tmp_path)
    settings = json.loads((folder / "config.json").read_text())
    settings["SESSION_TIMEOUT_MINUTES"] = 7
    (folder / "config.json").write_text(json.dumps(settings))
    assert Config.load(folder).SESSION_TIMEOUT_MINUTES == 7


def test_the_start_page_says_what_to_do_next(project: Project) -> None:
    client = Client(project.application, host="localhost")
    page = client.get("/")
    assert page.status_code == 200
    assert "shop is running on Lback" in page.text
    assert "python manage.py startapp courses" in page.text
    assert client.get("/static/css/home.css").status_code == 200


def test_the_start_page_leaves_out_what_is_not_there(project: Project) -> None:
    page = Client(project.application, host="localhost").get("/")
    assert "create_superuser" not in page.text
    assert "manage.py migrate" not in page.text


def test_wsgi_py_is_what_servers_run(project: Project) -> None:
    code = "from shop.wsgi import application; print(type(application).__name__, application.config.DEBUG)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=project.base_dir, capture_output=True, text=True, check=True
    )
    assert result.stdout == f"{Application.__name__} False\n"


def test_a_project_can_be_moved(project: Project, tmp_path: Path) -> None:
    moved = project.base_dir.rename(tmp_path / "elsewhere")
    result = subprocess.run(
        [sys.executable, "-c", "from shop.wsgi import application; print(application.config.BASE_DIR)"],
        cwd=moved,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == f"{moved}\n"
