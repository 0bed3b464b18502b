"""The texts of the mails that the login app sends."""

import re

import pytest

from lback.core.testing import make_app

LINK = "https://shop.example/auth/x/?token=a&b=c"
NAMES = ["verify_email", "already_registered", "reset_password", "password_changed"]


@pytest.fixture
def mail(settings):
    """Return a function that renders a mail, with changes to what it is given."""

    def mail(name, **changes):
        context = {"username": "amira", "site": "Bean & Leaf's", "link": LINK, "hours": 24} | changes
        return make_app(**settings).templates.render(f"auth/mail/{name}.txt", context)

    return mail


@pytest.mark.parametrize("name", NAMES)
def test_begins_with_a_subject_and_an_empty_line(mail, name):
    subject, empty, *body = mail(name).split("\n")
    assert re.fullmatch(r"Subject: [A-Z].* Bean & Leaf's.*", subject)
    assert empty == ""
    assert body[0] == "Hello,"


@pytest.mark.parametrize("name", NAMES)
def test_has_the_link_on_a_line_of_its_own_and_not_as_html(mail, name):
    text = mail(name)
    assert f"\n\n{LINK}\n" in text + "\n"
    assert "&amp;" not in text
    assert "&#39;" not in text


@pytest.mark.parametrize("name", NAMES)
def test_says_what_to_do_if_it_was_somebody_else(mail, name):
    assert "If it wasn't you," in mail(name)


@pytest.mark.parametrize("name", NAMES)
def test_says_nothing_that_a_stranger_chose(mail, name):
    assert "evil.example" not in mail(name, username="https://evil.example/")


@pytest.mark.parametrize("name", ["verify_email", "already_registered", "reset_password"])
@pytest.mark.parametrize(("hours", "words"), [(24, "24 hours"), (1, "1 hour")])
def test_says_how_long_the_link_works(mail, name, hours, words):
    assert re.search(rf"\b{words}\b", mail(name, hours=hours))


@pytest.mark.parametrize("name", NAMES)
def test_is_short(mail, name):
    lines = mail(name).splitlines()
    assert len(lines) <= 16
    assert max(map(len, lines)) < 100
