"""The examples of the package's README, run as printed, and that it names everything there is."""

import re
from pathlib import Path

import pytest

from lback.auth.signals import SIGNALS
from lback.auth.throttling import LIMITS
from lback.auth_app.app import app
from lback.auth_app.urls import urlpatterns
from lback.core.testing import Client
from lback.utils.urls import path

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def names():
    """What all blocks define, one after the other."""
    defined = {"__name__": "readme"}
    for block in BLOCKS:
        exec(block, defined)
    return defined


@pytest.fixture
def readers(make_site, names):
    """A client of the site of the README, with its views."""
    settings = {name: value for name, value in names.items() if name.isupper()}
    views = [path("/greet/", names["greet"]), path("/out/", names["log_out_everywhere"])]
    return Client(make_site([*views, path("/blog/", names["view_blog_posts"])], **settings))


def test_its_settings_and_views_work(readers, add_user, log_in, names):
    add_user()
    assert names["urlpatterns"][0].prefix == "/auth/"
    assert readers.get("/greet/").text == "Hello"
    assert readers.get("/blog/").location == "/auth/login/?next=%2Fblog%2F"
    log_in(client=readers)
    assert readers.get("/greet/").text == "Hello amira"
    assert readers.get("/blog/").status_code == 403
    assert readers.get("/out/").text == "You are logged out everywhere."
    assert readers.get("/greet/").text == "Hello"


@pytest.mark.parametrize("name", [*app.settings, *LIMITS, *(signal.name for signal in SIGNALS)])
def test_it_names_every_setting_limit_and_signal(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("pattern", [route.pattern for route in urlpatterns if route.pattern.startswith("/api/")])
def test_it_names_every_endpoint(pattern):
    assert f"/auth{pattern.replace('{login_id}', '{id}')}`" in README


def test_it_tells_the_limits_that_there_are():
    assert dict(re.findall(r"^\| `(\w+)` \| (\d+/[\w ]+) \|", README, re.MULTILINE)) == LIMITS
