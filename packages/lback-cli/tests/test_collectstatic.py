"""``manage.py collectstatic`` with the settings of the README, where STATIC_ROOT is also in STATIC_DIRS."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lback.core.project import Project

Manage = Callable[..., "subprocess.CompletedProcess[str]"]

SETTINGS = """
import os
STATIC_URL = "/static/"
STATIC_ROOT = os.path.join(BASE_DIR, "static")
STATIC_DIRS = [os.path.join(BASE_DIR, "static")]
"""


@pytest.fixture
def site(project: Project) -> Path:
    folder = project.base_dir
    with (folder / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    (folder / "static" / "css").mkdir(parents=True, exist_ok=True)
    (folder / "static" / "css" / "style.css").write_text("body { color: red }\n")
    return folder


def test_it_says_what_it_wrote_and_a_second_run_writes_nothing(manage: Manage, site: Path) -> None:
    first = manage("collectstatic")
    assert (first.returncode, first.stdout.startswith("Wrote ")) == (0, True), first
    assert list((site / "static" / "css").glob("style.*.css"))
    assert manage("collectstatic").stdout.startswith("Wrote 0 files; ")


def test_a_dry_run_writes_nothing(manage: Manage, site: Path) -> None:
    before = sorted((site / "static").rglob("*"))
    assert manage("collectstatic", "--dry-run").stdout.startswith("Would write ")
    assert sorted((site / "static").rglob("*")) == before


def test_clear_removes_what_nothing_needs_any_more(manage: Manage, site: Path) -> None:
    manage("collectstatic")
    (site / "static" / "css" / "style.css").write_text("body { color: blue }\n")
    assert "removed 1" in manage("collectstatic", "--clear").stdout
    assert len(list((site / "static" / "css").glob("style.*.css"))) == 1


def test_a_reference_to_nothing_is_a_warning(manage: Manage, site: Path) -> None:
    (site / "static" / "css" / "style.css").write_text("a { background: url(nowhere.png) }\n")
    done = manage("collectstatic")
    assert (done.returncode, "css/style.css refers to nowhere.png, which is nowhere" in done.stderr) == (0, True)


def test_a_link_that_leads_out_is_a_warning(manage: Manage, site: Path) -> None:
    (site / "static" / "css" / "out.css").symlink_to(site / "settings.py")
    done = manage("collectstatic")
    assert (done.returncode, "out.css leads out of its folder and is left out" in done.stderr) == (0, True)


def test_without_a_target_it_says_which_setting_is_missing(manage: Manage, site: Path) -> None:
    with (site / "settings.py").open("a") as settings:
        settings.write("STATIC_ROOT = None\n")
    done = manage("collectstatic")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Set STATIC_ROOT" in done.stderr
    assert "Traceback" not in done.stderr
