"""The fixtures that pytest finds once lback-core is installed."""

import subprocess
import sys
from pathlib import Path

SETTINGS = "DEBUG = True\nROOT_URLCONF = 'shop_urls'\nMIDDLEWARES = []\nALLOWED_HOSTS = ['.example.org', 'shop.test']\n"
URLS = "from lback.utils.urls import path\nurlpatterns = [path('/', lambda request: request.host)]\n"
TEST = "def test_home(client, app):\n    assert client.get('/').text == 'shop.test' == client.host\n"


def test_a_test_of_a_project_gets_its_application_and_a_client(tmp_path: Path) -> None:
    for name, text in {"settings.py": SETTINGS, "shop_urls.py": URLS, "test_shop.py": TEST}.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
