from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.admin import columns


@pytest.mark.parametrize(
    "name",
    ["password", "password_hash", "PasswordHash", "api_token", "token", "tokens", "reset_token_hash", "client_secret",
     "hash", "api_key", "private_key", "passphrase"],
)  # fmt: skip
def test_names_of_secrets(name):
    assert columns.is_secret(name)


@pytest.mark.parametrize("name", ["name", "hashtag", "passenger", "compass", "key", "monkey", "seed"])
def test_names_that_only_look_like_secrets(name):
    assert not columns.is_secret(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [("UserPermission", "User permission"), ("created_at", "Created at"), ("HTTPLog", "HTTP log"), ("a", "A")],
)
def test_names_become_words(name, words):
    assert columns.words(name) == words


@pytest.mark.parametrize(
    ("one", "many"), [("Course", "Courses"), ("Category", "Categories"), ("Day", "Days"), ("Box", "Boxes")]
)
def test_plurals(one, many):
    assert columns.plural(one) == many


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_a_key_of_text_survives_the_address(models, code):
    text = columns.key_text(models.Voucher(code=code))
    assert text
    assert "/" not in text
    assert text not in (".", "..")
    assert columns.parse_key(models.Voucher, text) == (code,)


def test_a_key_of_several_columns_and_a_uuid_survive_the_address(models):
    seat = models.Seat(row="a,b/c", number=-3)
    assert columns.parse_key(models.Seat, columns.key_text(seat)) == ("a,b/c", -3)
    device = models.Device(id=UUID(int=5))
    assert columns.parse_key(models.Device, columns.key_text(device)) == (UUID(int=5),)


@pytest.mark.parametrize(
    "text", ["", "x", "1,2", "1.0", " 1", "\uff11", "9" * 19, "99999999999999999999", "1e3", "%31%32x"]
)
def test_what_can_be_no_key_is_none(models, text):
    assert columns.parse_key(models.Course, text) is None


@pytest.mark.parametrize("text", ["zz", "%00", ""])
def test_what_can_be_no_uuid_is_none(models, text):
    assert columns.parse_key(models.Device, text) is None
