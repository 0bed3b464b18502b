"""JSON Web Tokens (RFC 7519): signing and verifying them. Whether the login behind one still lives, `tokens` asks."""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from jwt.types import Options
from jwt.utils import base64url_decode

from lback.auth.jwt_keys import SECRET_LENGTHS, check_algorithm, load_key
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, LbackError
from lback.core.signing import derived_keys

Kind = Literal["access", "refresh"]

LONGEST_TOKEN = 4096
LONGEST_CLAIM = 64
_OPTIONS: Options = {"require": ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "type"]}
_WRONG = "This is no valid token of this site."
_EXPIRED = "This token is too old."


class InvalidTokenError(LbackError):
    """A token that is worth nothing. The text is for the client, and never holds the token."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says.

    Args:
        user_id: Whose it is.
        login_id: Of which login it is a part.
        token_id: Its own id.
        expires_at: When it ends, in seconds since 1970.
    """

    user_id: str
    login_id: str
    token_id: str
    expires_at: int


class JWTAuth:
    """Signs tokens with one algorithm, and verifies them with that one alone.

    Args:
        secret: The key: for ``HS...`` a text of at least 32 random characters, otherwise a private key in PEM.
        algorithm: One of `lback.auth.jwt_keys.ALGORITHMS`.
        access_exp: After how many seconds an access token ends.
        refresh_exp: After how many seconds a login ends in any case, and its refresh tokens with it.
        issuer: Who signs, and who must have signed.
        audience: For whom; the issuer unless given.
        fallbacks: Earlier keys, whose tokens still count; public keys will do.

    Raises:
        ConfigurationError: A key is weak or does not fit the algorithm, or a time is not positive.
    """

    def __init__(
        self,
        secret: str,
        algorithm: str = "HS256",
        access_exp: int = 900,
        refresh_exp: int = 14 * 86400,
        *,
        issuer: str = "lback",
        audience: str = "",
        fallbacks: Sequence[str] = (),
    ) -> None:
        check_algorithm(algorithm)
        if access_exp <= 0 or refresh_exp <= 0:
            raise ConfigurationError("JWT_ACCESS_MINUTES and JWT_REFRESH_DAYS must be more than 0.")
        current = load_key(secret, algorithm, "JWT_SECRET_KEY")
        if current.signing is None:
            raise ConfigurationError("JWT_SECRET_KEY must be a private key: a public one signs nothing.")
        others = [load_key(text, algorithm, "JWT_KEY_FALLBACKS") for text in fallbacks]
        self.access_exp = access_exp
        self.refresh_exp = refresh_exp
        self._algorithm = algorithm
        self._issuer = issuer
        self._audience = audience or issuer
        self._signing: Any = current.signing
        self._header = {"kid": current.kid}
        self._verifying = {key.kid: key.verifying for key in (*others, current)}

    @classmethod
    def from_config(cls, config: Config) -> "JWTAuth":
        """Make it as the settings say; without ``JWT_SECRET_KEY`` its keys come from ``SECRET_KEY`` and its fallbacks.

        Raises:
            ConfigurationError: They can't be used; see the class.
        """
        fallbacks = config.JWT_KEY_FALLBACKS
        if not isinstance(fallbacks, list | tuple) or not all(isinstance(text, str) for text in fallbacks):
            raise ConfigurationError("JWT_KEY_FALLBACKS must be a list of earlier keys, each a text.")
        secret: str = config.JWT_SECRET_KEY
        earlier: list[str] = []
        if not secret:
            if config.JWT_ALGORITHM not in SECRET_LENGTHS:
                check_algorithm(config.JWT_ALGORITHM)
                raise ConfigurationError(
                    f"JWT_ALGORITHM {config.JWT_ALGORITHM} needs a private key in PEM as JWT_SECRET_KEY."
                )
            secret, *earlier = [key.hex() for key in derived_keys(config, "lback.jwt")]
        return cls(
            secret,
            config.JWT_ALGORITHM,
            config.JWT_ACCESS_MINUTES * 60,
            config.JWT_REFRESH_DAYS * 86400,
            issuer=config.JWT_ISSUER or config.PROJECT_NAME or "lback",
            audience=config.JWT_AUDIENCE,
            fallbacks=[*earlier, *fallbacks],
        )

    def create_access_token(self, user_id: str, login_id: str) -> str:
        """Return the token that a program sends with its requests."""
        expires_at = int(time.time()) + self.access_exp
        return self._signed("access", user_id, login_id, secrets.token_urlsafe(16), expires_at)

    def create_refresh_token(self, user_id: str, login_id: str, token_id: str, expires_at: int) -> str:
        """Return the token that gets the next pair.

        Args:
            user_id: Whose it is.
            login_id: Of which login.
            token_id: Its own id, which the login remembers as the one that counts.
            expires_at: When the login ends, in seconds since 1970.
        """
        return self._signed("refresh", user_id, login_id, token_id, expires_at)

    def _signed(self, kind: Kind, user_id: str, login_id: str, token_id: str, expires_at: int) -> str:
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": user_id,
            "sid": login_id,
            "jti": token_id,
            "iat": now,
            "nbf": now,
            "exp": expires_at,
            "type": kind,
        }
        return jwt.encode(claims, self._signing, self._algorithm, headers=self._header)

    def decode_token(self, token: str, kind: Kind) -> Claims:
        """Return what a token says, once everything about it is right.

        Args:
            token: What was sent.
            kind: Which one it must be: a refresh token is no access token, nor the other way round.

        Raises:
            InvalidTokenError: Something isn't right, or it is too old.
        """
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise InvalidTokenError(_WRONG)
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[self._algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options=_OPTIONS,
            )
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError(_EXPIRED) from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise InvalidTokenError(_WRONG) from None
        # PyJWT takes any of several issuers and audiences; here there is one.
        if claims["type"] != kind or claims["iss"] != self._issuer or claims["aud"] != self._audience:
            raise InvalidTokenError(_WRONG)
        return Claims(_text(claims["sub"]), _text(claims["sid"]), _text(claims["jti"]), int(claims["exp"]))

    def _key_of(self, token: str) -> Any:
        """Return the key that a token names. No other part of its header has a say in how it is checked."""
        # jwt.get_unverified_header would decode the whole token, a second time.
        header = json.loads(base64url_decode(token.partition(".")[0]))
        if not isinstance(header, dict):
            raise InvalidTokenError(_WRONG)
        kid = header.get("kid")
        key = self._verifying.get(kid) if isinstance(kid, str) else None
        if key is None or header.get("alg") != self._algorithm or "crit" in header:
            raise InvalidTokenError(_WRONG)
        return key

    def __repr__(self) -> str:
        return f"<JWTAuth {self._algorithm}>"


def _text(claim: Any) -> str:
    if not isinstance(claim, str) or not claim or len(claim) > LONGEST_CLAIM:
        raise InvalidTokenError(_WRONG)
    return claim
