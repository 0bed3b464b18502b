"""The tokens of links in mails, and where such links lead."""

from base64 import urlsafe_b64decode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lback.auth.links import LinkTokens, check_site_url
from lback.auth.models import User
from lback.auth_app.app import app
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.testing import TEST_KEY

OTHER_KEY = "another-key-8c7b6a5f4e3d2c1b0a9f8e7d6c5b"


def config(**changes):
    return Config({**app.settings, "SECRET_KEY": TEST_KEY, **changes})


@pytest.fixture
def tokens():
    return LinkTokens(config())


@pytest.fixture
def session(database):
    with database.transaction() as db:
        yield db


@pytest.fixture
def user(session, add_user):
    return session.get(User, add_user(email="amira@example.org"))


class TestTokens:
    @pytest.mark.parametrize("purpose", ["verify", "reset"])
    def test_say_whose_they_are_for_their_purpose_alone(self, tokens, session, user, purpose):
        token = tokens.make(purpose, user)
        assert tokens.read(purpose, token, session) is user
        assert tokens.read({"verify": "reset", "reset": "verify"}[purpose], token, session) is None

    def test_hold_neither_the_address_nor_anything_of_the_password(self, tokens, user):
        payload = tokens.make("reset", user).partition(".")[0]
        readable = urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
        assert "amira" not in readable
        assert user.password_hash[-10:] not in readable

    def test_of_another_address_confirm_nothing(self, tokens, session, user):
        token = tokens.make("verify", user)
        user.email = "other@example.org"
        assert tokens.read("verify", token, session) is None

    def test_survive_a_rotated_key_as_long_as_the_old_one_is_listed(self, tokens, session, user):
        token = tokens.make("reset", user)
        rotated = LinkTokens(config(SECRET_KEY=OTHER_KEY, SECRET_KEY_FALLBACKS=[TEST_KEY]))
        assert rotated.read("reset", token, session) is user
        assert LinkTokens(config(SECRET_KEY=OTHER_KEY)).read("reset", token, session) is None

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=st.text(max_size=600))
    def test_are_no_other_text(self, tokens, session, text):
        assert tokens.read("reset", text, session) is None


class TestSiteURL:
    @pytest.mark.parametrize("url", ["https://shop.example", "http://localhost:8000/", "https://[::1]:8443"])
    def test_is_the_address_of_the_site(self, url):
        check_site_url(config(SITE_URL=url))

    @pytest.mark.parametrize(
        "url",
        [
            "shop.example",
            "ftp://shop.example",
            "https://shop.example/path",
            "https://a@b",
            "javascript:alert(1)",
            "https://",
        ],
    )
    def test_has_no_path_and_no_other_scheme(self, url):
        with pytest.raises(ConfigurationError, match="SITE_URL is the address of the site without a path"):
            check_site_url(config(SITE_URL=url))

    @pytest.mark.parametrize("hosts", [["*"], [".shop.example"], []])
    def test_is_needed_where_no_host_is_named(self, hosts):
        with pytest.raises(ConfigurationError, match="Set SITE_URL"):
            check_site_url(config(ALLOWED_HOSTS=hosts))
        check_site_url(config(ALLOWED_HOSTS=hosts, DEBUG=True))
        check_site_url(config(ALLOWED_HOSTS=[*hosts, "shop.example"]))
