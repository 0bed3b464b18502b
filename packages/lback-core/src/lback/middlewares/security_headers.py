"""`SecurityHeadersMiddleware`: the headers that have browsers keep a page apart from others."""

from lback.core.config import Config
from lback.core.datastructures import checked_header
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response
from lback.security.headers import HSTS, security_headers, with_nonce

CSP = "Content-Security-Policy"


class SecurityHeadersMiddleware(BaseMiddleware):
    """Adds the headers of `lback.security.headers` to every response that doesn't set them itself.

    ``Strict-Transport-Security`` goes out on https alone, and with ``DEBUG`` off. A page that used ``csp_nonce`` gets
    a policy with that nonce, and is not stored by caches.
    """

    def __init__(self, config: Config) -> None:
        headers = security_headers(config.SECURITY_HEADERS)
        hsts = headers.pop(HSTS[0], HSTS[1])
        self._policy = headers.get(CSP)
        self._headers = [(name.lower(), checked_header(name, value)) for name, value in headers.items()]
        wants_hsts = not config.DEBUG and HSTS[0] not in {
            key.replace("_", "-").title() for key, value in config.SECURITY_HEADERS.items() if value is None
        }
        self._secure = (
            [*self._headers, (HSTS[0].lower(), checked_header(HSTS[0], hsts))] if wants_hsts else self._headers
        )

    def process_response(self, request: Request, response: Response) -> Response:
        """Add what is missing."""
        nonce = request.made("csp_nonce")
        if nonce is not None and self._policy is not None and CSP not in response.headers:
            response.headers[CSP] = with_nonce(self._policy, nonce)
            response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.add_missing(self._secure if request.is_secure else self._headers)
        return response
