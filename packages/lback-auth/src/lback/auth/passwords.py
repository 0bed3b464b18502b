"""Passwords: how they are kept, how one is checked, and which ones are accepted.

A password is first put through HMAC-SHA256, keyed with the salt, and the digest, in base64, goes to bcrypt. That is
the construction of passlib's ``bcrypt_sha256`` in its version 2: bcrypt alone reads 72 bytes and stops there, and
because the salt is the key, digests stolen from another site are worth nothing here ("shucking"). The hashes carry a
scheme name of their own in front of bcrypt's text. Plain bcrypt hashes, as Lback 1.0 wrote them, still verify.
"""

import hashlib
import hmac
import re
import unicodedata
from base64 import b64encode
from functools import cache
from importlib.resources import files

from lback.core.exceptions import ValidationError

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 1024
#: The cost of a new hash: 2 to this power rounds, about a quarter of a second on a small server.
ROUNDS = 12

SCHEME = "bcrypt-hmac-sha256"
BCRYPT_LIMIT = 72
_SALT_LENGTH, _DIGEST_LENGTH = 22, 31
# What is cut off or was changed by hand is no hash: some versions of bcrypt crash on it.
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")


def hash_password(password: str) -> str:
    """Return the text to keep for a password, with a fresh salt.

    Raises:
        ValidationError: It is longer than 1,024 characters. The other rules are those of `validate_password`.
    """
    if len(password) > MAXIMUM_LENGTH:
        raise _too_long()
    import bcrypt

    setting = bcrypt.gensalt(ROUNDS)
    salt = setting[-_SALT_LENGTH:]
    return SCHEME + bcrypt.hashpw(_digest(password, salt), setting).decode("ascii")


def verify_password(password: str, encoded: str) -> bool:
    """Tell whether `password` is the one that `encoded` was made from.

    It computes one hash in every case, so that the time it takes tells nothing about the account: for an account that
    doesn't exist, pass an empty text. Only a password over 1,024 characters is refused without one.
    """
    if len(password) > MAXIMUM_LENGTH:
        return False
    scheme, usable = "", _BCRYPT.fullmatch(encoded)
    if usable is None:
        scheme, usable = SCHEME, _BCRYPT.fullmatch(encoded.removeprefix(SCHEME))
    if usable is None:
        _matches(password, SCHEME, _nobody())
        return False
    return _matches(password, scheme, usable[0])


def needs_upgrade(encoded: str) -> bool:
    """Tell whether a hash is of an older scheme or cost and should be made anew from the password, at a login."""
    return not encoded.startswith(f"{SCHEME}$2b${ROUNDS:02}$")


def validate_password(password: str) -> None:
    """Accept a new password: 8 to 1,024 characters, and none of the best known ones. Any mix of characters will do.

    Raises:
        ValidationError: It is refused; the code is ``password_too_short``, ``password_too_long``,
            ``password_too_common`` or, for a character that no form takes, ``password_characters``.
    """
    if len(password) > MAXIMUM_LENGTH:
        raise _too_long()
    if len(password) < MINIMUM_LENGTH:
        raise ValidationError(
            "Use at least %(minimum)s characters for the password.", "password_too_short", {"minimum": MINIMUM_LENGTH}
        )
    if "\x00" in password or any("\ud800" <= character <= "\udfff" for character in password):
        raise ValidationError("The password can't hold this character.", "password_characters")
    if password.strip().casefold() in common_passwords() or len(set(password)) == 1:
        raise ValidationError(
            "This password is among the first that are tried. Choose another one.", "password_too_common"
        )


@cache
def common_passwords() -> frozenset[str]:
    """Return the best known passwords, in lower case; read from the package when first needed."""
    text = files("lback.auth").joinpath("data/common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _nobody() -> str:
    """Return what to check against where there is no hash: it costs as much as one, and no password fits."""
    return f"$2b${ROUNDS:02}$" + "." * (_SALT_LENGTH + _DIGEST_LENGTH)


def _matches(password: str, scheme: str, encoded: str) -> bool:
    """Hold a password against bcrypt's text, of our scheme or, with an empty one, of Lback 1.0."""
    import bcrypt

    if scheme:
        salt = encoded[-_SALT_LENGTH - _DIGEST_LENGTH : -_DIGEST_LENGTH].encode()
        secret, allowed = _digest(password, salt), True
    else:
        # 1.0 cut passwords off at 72 bytes, and took none with a NUL.
        secret = password.encode("utf-8", "surrogatepass")[:BCRYPT_LIMIT]
        allowed = "\x00" not in password
    try:
        return bcrypt.checkpw(secret if allowed else b"", encoded.encode()) and allowed
    except ValueError:
        # The salt has bits that bcrypt never writes.
        return False


def _digest(password: str, salt: bytes) -> bytes:
    # NFC, as RFC 8265 has it for passwords: keyboards differ in how they compose the same letter.
    normal = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return b64encode(hmac.digest(salt, normal, hashlib.sha256))


def _too_long() -> ValidationError:
    return ValidationError(
        "Use at most %(maximum)s characters for the password.", "password_too_long", {"maximum": MAXIMUM_LENGTH}
    )
