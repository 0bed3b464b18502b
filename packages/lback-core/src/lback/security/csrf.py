"""Cross-site request forgery: the token of a form, and which requests are taken for the visitor's own.

The secret lies in a signed cookie of its own, so a form for an anonymous visitor needs no session. Every page gets it
under a fresh mask (against BREACH): a token is ``mask + (secret xor mask)``.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from itsdangerous import BadSignature
from markupsafe import Markup, escape

from lback.core.context import current_request
from lback.core.signing import signer

if TYPE_CHECKING:
    from lback.core.config import Config
    from lback.core.request import Request

FIELD = "csrfmiddlewaretoken"
HEADER = "X-CSRF-Token"
COOKIE = "csrf_token"
SIZE = 32

V = TypeVar("V", bound=Callable[..., Any])


class CSRFSecret:
    """The secret behind the tokens of one visitor, for the length of a request.

    Args:
        value: The secret from the visitor's cookie, or None when there is none yet.
    """

    def __init__(self, value: bytes | None) -> None:
        self.known = value
        self.changed = False

    @property
    def value(self) -> bytes:
        """The secret; made when it is first needed."""
        return self.known or self.rotate()

    def rotate(self) -> bytes:
        """Replace the secret, so that tokens handed out before are worth nothing; return the new one."""
        self.known = secrets.token_bytes(SIZE)
        self.changed = True
        return self.known

    def token(self) -> str:
        """Return a token for a page or a script."""
        mask = secrets.token_bytes(SIZE)
        return urlsafe_b64encode(mask + _xor(mask, self.value)).decode()

    def matches(self, token: str) -> bool:
        """Tell whether a token was made from this secret, in constant time."""
        if self.known is None or len(token) > 4 * SIZE:
            return False
        try:
            raw = urlsafe_b64decode(token.encode("ascii"))
        except ValueError:
            return False
        return len(raw) == 2 * SIZE and hmac.compare_digest(_xor(raw[:SIZE], raw[SIZE:]), self.known)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


class CSRFCookie:
    """Reads and writes the cookie that holds the secret."""

    def __init__(self, config: "Config") -> None:
        self._signer = signer(config, "lback.csrf")

    def name(self, request: "Request") -> str:
        """Return the name of the cookie, which on https is one that only this host can set."""
        return f"__Host-{COOKIE}" if request.is_secure else COOKIE

    def load(self, request: "Request") -> CSRFSecret:
        """Return the visitor's secret; a forged cookie counts as none."""
        try:
            text = self._signer.unsign(request.cookies.get(self.name(request), ""))
            value = urlsafe_b64decode(text)
        except (BadSignature, ValueError):
            return CSRFSecret(None)
        return CSRFSecret(value if len(value) == SIZE else None)

    def dump(self, secret: CSRFSecret) -> str:
        """Return the value of the cookie."""
        return self._signer.sign(urlsafe_b64encode(secret.value)).decode()


def get_token(request: "Request") -> str:
    """Return a fresh token for this visitor, or empty text where the CSRF middleware is not installed."""
    secret = _secret(request)
    return secret.token() if secret is not None else ""


def rotate_token(request: "Request") -> None:
    """Replace the visitor's secret; called at login and logout."""
    secret = _secret(request)
    if secret is not None:
        secret.rotate()


def csrf_input(request: "Request | None" = None) -> Markup:
    """Return the hidden input with a token, for a form of this site.

    Args:
        request: The request that the page answers; the current one unless given.

    Returns:
        Empty markup outside of a request, and where the CSRF middleware is not installed.
    """
    request = request or current_request()
    token = get_token(request) if request is not None else ""
    if not token:
        return Markup()
    return Markup(f'<input type="hidden" name="{FIELD}" value="{escape(token)}">')  # noqa: S704 - escaped


def csrf_exempt(view: V) -> V:
    """Mark a view as not needing a token: it authenticates every request by other means than cookies."""
    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def _secret(request: "Request") -> CSRFSecret | None:
    if "csrf_secret" not in request.app.container.request_components:
        return None
    secret: CSRFSecret = request.csrf_secret
    return secret


def refusal(request: "Request") -> str | None:
    """Return why a request with an unsafe method is not taken for the visitor's own, or None if it is.

    What the browser says of the origin comes first, as no page can forge it; then the token.
    """
    environ = request.environ
    own = f"{request.scheme}://{request.host}"
    trusted = request.config.TRUSTED_ORIGINS
    origin: str | None = environ.get("HTTP_ORIGIN")
    site: str = environ.get("HTTP_SEC_FETCH_SITE", "")
    if origin == "null" and site == "same-origin":
        # A page of this site with "Referrer-Policy: no-referrer"; what is shut up in a frame is cross-site.
        pass
    elif origin is not None:
        if origin != own and origin not in trusted:
            return "The form was sent from another site."
    else:
        if site not in ("", "same-origin", "none"):
            return "The form was sent from another site."
        if request.is_secure and not _refers_to(environ.get("HTTP_REFERER"), own, trusted):
            return "The browser did not say which page the form is on."
    secret = _secret(request)
    token = request.headers.get(HEADER) or _form_token(request)
    if secret is None or not token or not secret.matches(token):
        return "The form is out of date, or its security token is missing. Load the page again and repeat."
    return None


def _refers_to(referer: str | None, own: str, trusted: list[str]) -> bool:
    try:
        parts = urlsplit(referer or "")
    except ValueError:
        return False
    return f"{parts.scheme}://{parts.netloc}" in (own, *trusted)


def _form_token(request: "Request") -> str:
    return request.form.get(FIELD, "") if "form" in request.content_type else ""
