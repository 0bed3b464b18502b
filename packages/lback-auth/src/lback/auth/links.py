"""The links in mails: to confirm an address, and to set another password. Nothing is kept of them.

A token is signed and says for whom, when it was made, and in which state the account was. Confirming the address, or
setting a password, changes that state, so a link works once.
"""

import hashlib
import hmac
import re
import time
from typing import Literal

from itsdangerous import BadData
from sqlalchemy.orm import Session

from lback.auth.models import User
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.signing import serializer

Purpose = Literal["verify", "reset"]

#: How many hours a link may be used.
HOURS: dict[str, int] = {"verify": 24, "reset": 1}
LONGEST_TOKEN = 500
_SITE_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


class LinkTokens:
    """Makes the tokens of links, and reads them.

    Args:
        config: ``SECRET_KEY`` and its fallbacks are read.
    """

    def __init__(self, config: Config) -> None:
        self._serializers = {purpose: serializer(config, f"lback.auth.{purpose}") for purpose in HOURS}

    @classmethod
    def from_config(cls, config: Config) -> "LinkTokens":
        """Make it for an application."""
        return cls(config)

    def make(self, purpose: Purpose, user: User) -> str:
        """Return a token for a user."""
        return self._serializers[purpose].dumps([user.id, int(time.time()), _state(purpose, user)])

    def read(self, purpose: Purpose, token: str, db: Session) -> User | None:
        """Return whose token it is; None for one that is forged, too old, or used, and for a deactivated account."""
        if len(token) > LONGEST_TOKEN:
            return None
        try:
            user_id, made_at, state = self._serializers[purpose].loads(token)
        except BadData:
            return None
        if time.time() - made_at > HOURS[purpose] * 3600:
            return None
        user = db.get(User, user_id)
        if user is None or not user.is_active or not hmac.compare_digest(state, _state(purpose, user)):
            return None
        return user


def _state(purpose: Purpose, user: User) -> str:
    # With the hash of the password as the key, as in `lback.auth.logins.fingerprint`.
    verified = user.email_verified_at.isoformat() if user.email_verified_at is not None else ""
    text = f"{purpose}:{user.email}:{verified if purpose == 'verify' else ''}"
    return hmac.digest(user.password_hash.encode(), text.encode(), hashlib.sha256).hex()[:32]


def site_url(request: Request) -> str:
    """Return what links in mails begin with, such as ``https://example.org``.

    That is ``SITE_URL``, or the first host of ``ALLOWED_HOSTS`` that is a whole name. The Host header, which anybody
    can set, counts in development alone.
    """
    config = request.config
    if config.SITE_URL:
        return str(config.SITE_URL).rstrip("/")
    host = request.host if config.DEBUG else named_host(config)
    return f"{request.scheme}://{host}"


def named_host(config: Config) -> str | None:
    """Return the first entry of ``ALLOWED_HOSTS`` that names one host."""
    return next((host for host in config.ALLOWED_HOSTS if host != "*" and not host.startswith((".", "*."))), None)


def check_site_url(config: Config) -> None:
    """Refuse to start where links in mails could lead to a host that an attacker names.

    Raises:
        ConfigurationError: ``SITE_URL`` is no address, or it is missing and ``ALLOWED_HOSTS`` names no host.
    """
    if config.SITE_URL:
        if not _SITE_URL.fullmatch(config.SITE_URL.rstrip("/")):
            raise ConfigurationError(
                f"SITE_URL is the address of the site without a path, such as 'https://example.org', not "
                f"{config.SITE_URL!r}."
            )
    elif not config.DEBUG and named_host(config) is None:
        raise ConfigurationError(
            "Set SITE_URL to the address of the site, such as 'https://example.org': links in mails begin with it, and "
            "ALLOWED_HOSTS names no single host."
        )
