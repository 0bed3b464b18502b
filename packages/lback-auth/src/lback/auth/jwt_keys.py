"""The keys of JSON Web Tokens: which ones are fit for an algorithm, and by which name (``kid``) a token calls one."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from lback.core.exceptions import ConfigurationError
from lback.core.signing import is_simple

#: RFC 7518, 3.2: a key has at least as many bytes as the hash.
SECRET_LENGTHS = {"HS256": 32, "HS384": 48, "HS512": 64}
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
#: RFC 7518, 3.4: each algorithm has its curve.
CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
ALGORITHMS = (*SECRET_LENGTHS, *RSA, *CURVES, "EdDSA")
RSA_BITS = 2048
_KID_LENGTH = 16


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key that is fit for the algorithm.

    Args:
        kid: Its name in the header of tokens; it tells nothing about a secret.
        verifying: What signatures are checked with.
        signing: What tokens are signed with, or None for a public key.
    """

    kid: str
    verifying: Any
    signing: Any | None


def check_algorithm(algorithm: str) -> None:
    """Refuse an algorithm that isn't known, ``none`` above all.

    Raises:
        ConfigurationError: It is none of `ALGORITHMS`.
    """
    if algorithm not in ALGORITHMS:
        raise ConfigurationError(f"JWT_ALGORITHM must be one of {', '.join(ALGORITHMS)}, not {algorithm!r}.")


def load_key(text: str, algorithm: str, setting: str) -> Key:
    """Read a key: a secret for ``HS...``, and the PEM text of a private or public key otherwise.

    Args:
        text: The key.
        algorithm: What it is for.
        setting: Where it comes from, for the message; the key itself is in none.

    Raises:
        ConfigurationError: It is too weak, or of another kind than the algorithm needs.
    """
    return _secret(text, algorithm, setting) if algorithm in SECRET_LENGTHS else _pair(text, algorithm, setting)


def _secret(text: str, algorithm: str, setting: str) -> Key:
    if "-----BEGIN" in text or text.startswith(("ssh-", "ecdsa-")) or _is_json(text):
        # With a public key as the secret, anybody could sign.
        raise ConfigurationError(f"{setting} holds a key for another algorithm than {algorithm}; see JWT_ALGORITHM.")
    length = SECRET_LENGTHS[algorithm]
    if len(text.encode()) < length or is_simple(text):
        raise ConfigurationError(
            f"{setting} must have at least {length} random characters for {algorithm}; it is too short or too simple. "
            "Take the output of python -c 'import secrets; print(secrets.token_urlsafe(64))', or leave it empty: then "
            "it is made from SECRET_KEY."
        )
    kid = hmac.digest(text.encode(), b"lback.auth.jwt.kid", hashlib.sha256).hex()[:_KID_LENGTH]
    return Key(kid, text, text)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _pair(text: str, algorithm: str, setting: str) -> Key:
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError as error:
        raise ConfigurationError(
            f"JWT_ALGORITHM {algorithm} needs the library cryptography: pip install 'lback-auth[asymmetric]'."
        ) from error
    private, public = _loaded(text, setting)
    refusal = _unfit(public, algorithm)
    if refusal:
        raise ConfigurationError(f"{setting} holds {refusal}.")
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Key(hashlib.sha256(der).hexdigest()[:_KID_LENGTH], public, private)


def _loaded(text: str, setting: str) -> tuple[Any | None, Any]:
    """Return the private key, if it is one, and the public key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    pem = text.encode()
    try:
        if "PRIVATE KEY" not in text:
            return None, serialization.load_pem_public_key(pem)
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"{setting} must be the PEM text of a key without a password, '-----BEGIN ...' and its lines."
        ) from None
    return private, private.public_key()


def _unfit(public: Any, algorithm: str) -> str:
    """Return what is wrong with a key for the algorithm, or nothing."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if algorithm in RSA:
        if not isinstance(public, RSAPublicKey):
            return f"no RSA key, which {algorithm} needs"
        return "" if public.key_size >= RSA_BITS else f"an RSA key of {public.key_size} bits; use {RSA_BITS} or more"
    if algorithm in CURVES:
        fits = isinstance(public, EllipticCurvePublicKey) and public.curve.name == CURVES[algorithm]
        return "" if fits else f"no key on the curve {CURVES[algorithm]}, which {algorithm} needs"
    return "" if isinstance(public, Ed25519PublicKey | Ed448PublicKey) else "no Ed25519 or Ed448 key, which EdDSA needs"
