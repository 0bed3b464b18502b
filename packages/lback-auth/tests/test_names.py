"""Which user names and e-mail addresses are accepted, and in which form they are kept."""

import pytest

from lback.auth.names import folded_email, normal_email, normal_username
from lback.core.exceptions import ValidationError


@pytest.mark.parametrize("name", ["ali", "amira.k", "x-1", "ибрагим", "山田太郎", "a" * 150])
def test_accepted_names_stay_as_they_are(name):
    assert normal_username(name) == name


def test_letters_that_only_look_different_become_the_same():
    assert normal_username("\uff41\uff4c\uff49") == "ali"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "username_length"),
        ("ab", "username_length"),
        ("a" * 151, "username_length"),
        ("\ufdfa" * 150, "username_length"),
        ("two words", "username_characters"),
        (" ali", "username_characters"),
        ("ali\x00", "username_characters"),
        ("ali\u200b", "username_characters"),
        ("ali\u202egnp", "username_characters"),
        ("ali\nadmin", "username_characters"),
        ("victim@example.com", "username_characters"),
        ("victim\uff20example.com", "username_characters"),
    ],
)
def test_refused_names(name, code):
    with pytest.raises(ValidationError) as caught:
        normal_username(name)
    assert caught.value.code == code


def test_an_address_is_kept_in_lower_case():
    assert normal_email(" Amira@Example.ORG ") == "amira@example.org"


def test_an_address_as_kept_and_as_looked_up_are_the_same():
    for address in ("Amira@Example.ORG", "JOSE\u0301@example.org", "x+y@sub.example.org"):
        assert normal_email(address) == folded_email(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "amira",
        "@example.com",
        "amira@",
        "a b@example.com",
        "a@b@c",
        "a@example.com\nBcc: x@y.org",
        "a" * 250 + "@x.org",
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValidationError) as caught:
        normal_email(address)
    assert caught.value.code == "email_invalid"


def test_a_megabyte_is_refused_at_once():
    huge = "\ufdfa" * 1_000_000
    for check in (normal_username, normal_email):
        with pytest.raises(ValidationError):
            check(huge)
    assert len(folded_email(huge)) <= 255
