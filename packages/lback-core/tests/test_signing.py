"""Signed values, and the key that signs them."""

import secrets

import pytest
from itsdangerous import BadSignature

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.signing import check_secret_key, derived_keys, serializer, signer
from lback.core.testing import TEST_KEY, Client, make_app
from lback.utils.urls import path

OLD = "an-old-key-0123456789-abcdefghijklmnop"


def config(**settings: object) -> Config:
    return Config({"SECRET_KEY": TEST_KEY, **settings})


# -- the key ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "",
        "abc123",
        "x" * 31,
        "a" * 64,
        "ab" * 32,
        "0123456789abcdef" * 2,
        "changeme-changeme-changeme-changeme",
        "please-change-me-0123456789-abcdefghijklm",
        "your-secret-key-0123456789-abcdefghijklm",
        "django-insecure-0123456789-abcdefghijklm",
    ],
)
def test_a_key_that_can_be_guessed_stops_the_start_with_debug_off(key: str) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY must be at least 32 random characters") as caught:
        check_secret_key(config(SECRET_KEY=key))
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("make", [secrets.token_urlsafe, secrets.token_hex])
def test_a_random_key_will_do(make: object) -> None:
    for _ in range(100):
        check_secret_key(config(SECRET_KEY=make(24)))  # type: ignore[operator]


def test_the_advice_of_the_message_gives_a_key_that_will_do() -> None:
    check_secret_key(config(SECRET_KEY=secrets.token_urlsafe(48)))


def test_with_debug_on_a_missing_key_is_made_up() -> None:
    app = make_app([path("/", lambda request: "x")], SECRET_KEY="", DEBUG=True)
    assert Client(app).get("/").status_code == 200


def test_a_made_up_key_signs_for_the_whole_process() -> None:
    made_up = config(SECRET_KEY="", DEBUG=True)
    assert signer(made_up, "a").unsign(signer(made_up, "a").sign("x")) == b"x"


def test_an_application_does_not_start_with_a_weak_key() -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        make_app([], SECRET_KEY="secret")


@pytest.mark.parametrize("earlier", ["abc", ["short"], [7]])
def test_earlier_keys_are_a_list_of_keys(earlier: object) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY_FALLBACKS"):
        check_secret_key(config(SECRET_KEY_FALLBACKS=earlier))


# -- values -----------------------------------------------------------------------------------------------------------


def test_what_was_signed_comes_back() -> None:
    assert signer(config(), "a").unsign(signer(config(), "a").sign("x")) == b"x"
    assert serializer(config(), "a").loads(serializer(config(), "a").dumps({"n": 1})) == {"n": 1}


def test_a_signature_is_worth_nothing_for_another_purpose() -> None:
    with pytest.raises(BadSignature):
        signer(config(), "other").unsign(signer(config(), "one").sign("x"))
    with pytest.raises(BadSignature):
        serializer(config(), "other").loads(serializer(config(), "one").dumps({"n": 1}))


def test_the_new_key_signs_and_the_earlier_one_still_verifies() -> None:
    before = signer(config(SECRET_KEY=OLD), "a").sign("x")
    rotated = config(SECRET_KEY_FALLBACKS=[OLD])
    assert signer(rotated, "a").unsign(before) == b"x"
    after = signer(rotated, "a").sign("x")
    assert signer(config(), "a").unsign(after) == b"x"
    with pytest.raises(BadSignature):
        signer(config(SECRET_KEY=OLD), "a").unsign(after)


def test_a_key_for_one_purpose_tells_nothing_of_another_and_the_new_one_comes_first() -> None:
    settings = config(SECRET_KEY_FALLBACKS=[OLD])
    new, old = derived_keys(settings, "tokens")
    assert [new] == derived_keys(config(), "tokens")
    assert [old] == derived_keys(config(SECRET_KEY=OLD), "tokens")
    assert len({new, old, *derived_keys(settings, "codes")}) == 4
    assert len(new) == 64
