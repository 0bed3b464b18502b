"""Signed values: what leaves for a cookie or a link and must come back unchanged."""

import hashlib
import hmac
import re
import secrets
import zlib
from functools import cache

from itsdangerous import Signer, URLSafeSerializer

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError

MINIMUM_LENGTH = 32
# What stands in examples, until somebody puts a key there.
_PLACEHOLDER = re.compile(r"(change|replace).?(me|this)|your.?(secret|key)|insecure|placeholder", re.IGNORECASE)


def check_secret_key(config: Config) -> None:
    """Refuse to run a site whose secret can be guessed; with ``DEBUG`` on, an empty one is made up for the process.

    Raises:
        ConfigurationError: ``SECRET_KEY`` is missing or too simple, or ``SECRET_KEY_FALLBACKS`` is no list of texts.
    """
    key = config.SECRET_KEY
    if not all(isinstance(item, str) and len(item) >= MINIMUM_LENGTH for item in config.SECRET_KEY_FALLBACKS):
        raise ConfigurationError(
            f"SECRET_KEY_FALLBACKS must be a list of earlier keys, each of at least {MINIMUM_LENGTH} characters."
        )
    if not key and config.DEBUG:
        return
    if len(key) < MINIMUM_LENGTH or is_simple(key):
        raise ConfigurationError(
            f"SECRET_KEY must be at least {MINIMUM_LENGTH} random characters; it is "
            f"{'missing' if not key else 'too short or too simple'}. Put the output of "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))' into .env."
        )


def is_simple(key: str) -> bool:
    """Tell whether a key repeats itself, or is the placeholder of an example."""
    # Random text does not get shorter when it is compressed; what repeats itself does.
    return len(zlib.compress(key.encode())) < MINIMUM_LENGTH or _PLACEHOLDER.search(key) is not None


@cache
def _process_key() -> str:
    return secrets.token_urlsafe(48)


def _keys(config: Config) -> list[str]:
    # itsdangerous signs with the last key and tries all of them to verify.
    return [*config.SECRET_KEY_FALLBACKS, config.SECRET_KEY or _process_key()]


def derived_keys(config: Config, purpose: str) -> list[bytes]:
    """Return a key of 64 bytes for one purpose alone, made from ``SECRET_KEY``; then those of the earlier keys."""
    return [hmac.digest(key.encode(), purpose.encode(), hashlib.sha512) for key in reversed(_keys(config))]


def signer(config: Config, purpose: str) -> Signer:
    """Return a signer of texts, whose signatures are worth nothing for another purpose."""
    return Signer(_keys(config), salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256)


def serializer(config: Config, purpose: str) -> URLSafeSerializer:
    """Return a serializer of JSON data into signed text, for one purpose alone."""
    return URLSafeSerializer(
        _keys(config), salt=purpose, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
