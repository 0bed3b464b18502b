"""How passwords are kept, checked and chosen."""

import hashlib
import hmac
from base64 import b64encode

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lback.auth import passwords
from lback.auth.passwords import (
    common_passwords,
    hash_password,
    needs_upgrade,
    validate_password,
    verify_password,
)
from lback.core.exceptions import ValidationError

LONG = "correct horse battery staple, " * 10


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def hashes(monkeypatch):
    """Count the hashes that are really computed."""
    computed = []
    for name in ("checkpw", "hashpw"):
        real = getattr(bcrypt, name)
        monkeypatch.setattr(bcrypt, name, lambda *args, real=real: computed.append(real) or real(*args))
    return computed


def test_a_password_verifies_against_its_hash_and_no_other_does():
    encoded = hash_password("tr0ub4dor&3")
    assert verify_password("tr0ub4dor&3", encoded)
    assert not verify_password("tr0ub4dor&4", encoded)
    assert not verify_password("", encoded)


def test_two_hashes_of_one_password_differ():
    assert hash_password("the same") != hash_password("the same")


def test_the_construction_is_bcrypt_over_hmac_sha256_keyed_with_the_salt():
    encoded = hash_password("pa55 phrase")
    scheme, plain = encoded[: encoded.index("$")], encoded[encoded.index("$") :]
    salt = plain.split("$")[3][:22].encode()
    key = b64encode(hmac.digest(salt, b"pa55 phrase", hashlib.sha256))
    assert scheme == "bcrypt-hmac-sha256"
    assert bcrypt.checkpw(key, plain.encode())


@pytest.mark.parametrize(
    ("password", "salt", "digest"),
    [
        ("correct horse", "gzePIcU6CGeOW2bJYc9IDe", "7rRya9/xWgM9IwuIFZ3DleqIbwP/Uey"),
        ("x" * 100 + "é", "nHyQ0zowkj8Bu1Q0bgtRne", "bZXnWsyQsRrBT5hzUjvLBjXzH.M.frK"),
    ],
)
def test_the_construction_gives_what_passlib_gives(password, salt, digest):
    # Made by passlib 1.7.4, bcrypt_sha256 with 5 rounds: $bcrypt-sha256$v=2,t=2b,r=5$<salt>$<digest>
    assert verify_password(password, f"bcrypt-hmac-sha256$2b$05${salt}{digest}")


def test_the_cost_is_written_into_the_hash():
    assert "$2b$04$" in hash_password("whatever it is")


def test_a_new_hash_has_cost_12(monkeypatch):
    monkeypatch.undo()
    assert "$2b$12$" in hash_password("whatever it is")


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_hashed_and_verifies(text):
    assert verify_password(text, hash_password(text))


class TestLongPasswords:
    def test_what_follows_the_72nd_byte_counts(self):
        encoded = hash_password(LONG)
        assert verify_password(LONG, encoded)
        assert not verify_password(LONG[:72], encoded)
        assert not verify_password(LONG + "x", encoded)

    def test_73_bytes_are_no_error(self):
        assert verify_password("x" * 73, hash_password("x" * 73))

    def test_1024_characters_are_the_most(self):
        assert verify_password("é" * 1024, hash_password("é" * 1024))
        with pytest.raises(ValidationError, match=r"1024"):
            hash_password("é" * 1025)

    def test_a_megabyte_is_refused_before_any_hash(self, hashes):
        huge = "x" * 1_000_000
        assert not verify_password(huge, "")
        with pytest.raises(ValidationError):
            hash_password(huge)
        with pytest.raises(ValidationError):
            validate_password(huge)
        assert hashes == []


class TestOddCharacters:
    def test_a_nul_and_what_follows_it_count(self):
        encoded = hash_password("begin\x00end")
        assert verify_password("begin\x00end", encoded)
        assert not verify_password("begin", encoded)
        assert not verify_password("begin\x00other", encoded)

    def test_a_lone_surrogate_is_no_error(self):
        assert verify_password("odd \ud800", hash_password("odd \ud800"))

    def test_one_letter_composed_in_two_ways_is_one_password(self):
        assert verify_password("cafe\u0301 noir", hash_password("caf\u00e9 noir"))

    def test_case_and_spaces_count(self):
        encoded = hash_password(" Spaces Count ")
        assert not verify_password("Spaces Count", encoded)
        assert not verify_password(" spaces count ", encoded)


class TestHashesOfLback1:
    def test_a_plain_bcrypt_hash_verifies(self):
        encoded = bcrypt.hashpw(b"old password", bcrypt.gensalt(4)).decode()
        assert verify_password("old password", encoded)
        assert not verify_password("new password", encoded)

    def test_a_long_password_verifies_as_it_did_then(self):
        encoded = bcrypt.hashpw(LONG.encode()[:72], bcrypt.gensalt(4)).decode()
        assert verify_password(LONG, encoded)

    def test_a_nul_never_cuts_the_password_short(self, hashes):
        encoded = bcrypt.hashpw(b"", bcrypt.gensalt(4)).decode()
        hashes.clear()
        assert not verify_password("\x00anything", encoded)
        assert len(hashes) == 1

    def test_it_is_due_for_an_upgrade(self):
        assert needs_upgrade(bcrypt.hashpw(b"old", bcrypt.gensalt(4)).decode())


def test_a_hash_of_another_cost_is_due_for_an_upgrade(monkeypatch):
    encoded = hash_password("a fine password")
    assert not needs_upgrade(encoded)
    monkeypatch.setattr(passwords, "ROUNDS", 5)
    assert needs_upgrade(encoded)


@pytest.mark.parametrize("encoded", ["", "!", "plain text", "md5$abc", "bcrypt-hmac-sha256x$2b$04$aaa"])
def test_without_a_usable_hash_nothing_verifies_and_one_hash_is_computed_all_the_same(encoded, hashes):
    assert not verify_password("anything", encoded)
    assert not verify_password(encoded, encoded)
    assert len(hashes) == 2


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_mutilated_hash_lets_nobody_in(cut, hashes):
    encoded = hash_password("a fine password")
    plain = bcrypt.hashpw(b"a fine password", bcrypt.gensalt(4)).decode()
    hashes.clear()
    assert not verify_password("a fine password", encoded[: len(passwords.SCHEME) + cut])
    assert not verify_password("a fine password", plain[:cut])
    assert len(hashes) == 2


@pytest.mark.parametrize("cost", ["00", "03", "32", "99", "xx", "4$"])
def test_a_cost_that_bcrypt_does_not_know_is_no_hash(cost):
    encoded = hash_password("a fine password").replace("$04$", f"${cost}$")
    assert not verify_password("a fine password", encoded)


class TestRules:
    @pytest.mark.parametrize(
        "password",
        ["a8c defg", "eight ch", "just lower case letters", "0987654321a", "пароль на русском", "🔥" * 7 + "x", LONG],
    )
    def test_accepted(self, password):
        validate_password(password)

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            ("", "password_too_short"),
            ("seven77", "password_too_short"),
            ("password", "password_too_common"),
            ("PassWord", "password_too_common"),
            ("password1", "password_too_common"),
            (" 12345678 ", "password_too_common"),
            ("aaaaaaaaaaaaaaaa", "password_too_common"),
            ("summer2026!", "password_too_common"),
            ("x" * 1025, "password_too_long"),
            ("with a \x00 nul", "password_characters"),
            ("half a \ud800 letter", "password_characters"),
        ],
    )
    def test_refused(self, password, code):
        with pytest.raises(ValidationError) as caught:
            validate_password(password)
        assert caught.value.code == code

    def test_the_refusal_says_what_to_do_and_not_what_was_entered(self):
        with pytest.raises(ValidationError) as caught:
            validate_password("hunter2")
        assert str(caught.value) == "Use at least 8 characters for the password."

    def test_the_list_holds_thousands_in_lower_case_and_no_comments(self):
        listed = common_passwords()
        assert len(listed) > 4000
        assert all(word == word.casefold() and len(word) >= 8 for word in listed)
        assert not any("MIT License" in word for word in listed)
