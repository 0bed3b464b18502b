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


def test_a_mark_puts_settings_over_those_of_the_project_for_its_test_alone(tmp_path: Path) -> None:
    test = (
        "import pytest\n"
        "pytestmark = pytest.mark.settings(LOCALE='ar', PROJECT_NAME='module')\n\n"
        "@pytest.mark.settings(PROJECT_NAME='test', ALLOWED_HOSTS=['other.test'])\n"
        "def test_marked(client, settings):\n"
        "    assert client.get('/').text == 'other.test'\n"
        "    assert (settings.LOCALE, settings.PROJECT_NAME, settings.DEBUG) == ('ar', 'test', True)\n\n"
        "def test_of_the_module(client, app):\n"
        "    assert client.get('/').text == 'shop.test'\n"
        "    assert app.config.PROJECT_NAME == 'module'\n"
    )
    done = run(tmp_path, settings=SETTINGS, shop_urls=URLS, test_shop=test)
    assert "2 passed" in done.stdout, done.stdout


def test_a_marked_setting_of_the_wrong_type_is_told(tmp_path: Path) -> None:
    test = "import pytest\n@pytest.mark.settings(DEBUG='perhaps')\ndef test_home(client):\n    pass\n"
    done = run(tmp_path, settings=SETTINGS, shop_urls=URLS, test_shop=test)
    assert "ConfigurationError: The setting DEBUG must be true or false" in done.stdout


def test_mail_of_a_test_stays_in_memory(tmp_path: Path) -> None:
    urls = (
        "from lback.core.mail import EmailSender\n"
        "from lback.utils.urls import path\n\n"
        "def welcome(request, mail: EmailSender):\n"
        "    request.after_response(lambda: mail.send_email('ada@example.org', 'Welcome', 'Hello'))\n"
        "    return 'sent'\n\n"
        "urlpatterns = [path('/', welcome)]\n"
    )
    test = (
        "def test_welcome(client, outbox):\n"
        "    assert outbox == []\n"
        "    client.get('/')\n"
        "    assert [message['Subject'] for message in outbox] == ['Welcome']\n"
    )
    settings = SETTINGS + "EMAIL_BACKEND = 'smtp'\nSMTP_SERVER = 'mail.example.org'\n"
    done = run(tmp_path, settings=settings, shop_urls=urls, test_shop=test)
    assert "1 passed" in done.stdout, done.stdout
