"""The fixtures that pytest finds once lback-core is installed."""

import subprocess
import sys
from pathlib import Path

SETTINGS = "DEBUG = True\nROOT_URLCONF = 'shop_urls'\nMIDDLEWARES = []\nALLOWED_HOSTS = ['.example.org', 'shop.test']\n"
URLS = "from lback.utils.urls import path\nurlpatterns = [path('/', lambda request: request.host)]\n"


def run(folder: Path, **files: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest over the files of a folder, as somebody would who has installed the package."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_test_of_a_project_gets_its_application_and_a_client(tmp_path: Path) -> None:
    test = "def test_home(client, app):\n    assert client.get('/').text == 'shop.test' == client.host\n"
    done = run(tmp_path, settings=SETTINGS, shop_urls=URLS, test_shop=test)
    assert "1 passed" in done.stdout


def test_another_application_is_tested_by_a_fixture_of_that_name(tmp_path: Path) -> None:
    conftest = (
        "import pytest\n"
        "from lback.core.testing import make_app\n"
        "from lback.utils.urls import path\n\n"
        "@pytest.fixture\n"
        "def app():\n"
        "    return make_app([path('/', lambda request: 'another one')])\n"
    )
    test = "def test_home(client):\n    assert client.get('/').text == 'another one'\n"
    assert "1 passed" in run(tmp_path, conftest=conftest, test_shop=test).stdout


def test_a_project_that_can_not_start_says_why(tmp_path: Path) -> None:
    done = run(tmp_path, settings="DEBUG = True\n", test_shop="def test_home(client):\n    pass\n")
    assert "ConfigurationError: Set ROOT_URLCONF" in done.stdout


def test_tests_that_use_none_of_it_need_no_project(tmp_path: Path) -> None:
    assert "1 passed" in run(tmp_path, test_own="def test_own():\n    pass\n").stdout
