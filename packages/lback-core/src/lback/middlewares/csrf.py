"""`CSRFMiddleware`: refuses requests that another site made the visitor's browser send."""

from lback.core.config import Config
from lback.core.container import Container
from lback.core.exceptions import Forbidden
from lback.core.middleware import BaseMiddleware
from lback.core.request import SAFE_METHODS, Request
from lback.core.response import Response
from lback.security.csrf import CSRFCookie, CSRFSecret, refusal
from lback.security.log import log_refusal
from lback.security.origins import check_origins


class CSRFMiddleware(BaseMiddleware):
    """Checks requests with an unsafe method, by where the browser says they come from, then by their token.

    The token comes in the form field ``csrfmiddlewaretoken`` or the header ``X-CSRF-Token``. Not checked are requests
    that carry a bearer token and no cookie at all, views marked with `lback.security.csrf.csrf_exempt`, and addresses
    without a view for that method, where the answer is a 404 or 405 anyway.
    """

    def __init__(self, container: Container, config: Config) -> None:
        check_origins("TRUSTED_ORIGINS", config.TRUSTED_ORIGINS)
        self._cookie = CSRFCookie(config)
        container.add_request(CSRFSecret, self._cookie.load, name="csrf_secret")

    def process_request(self, request: Request) -> Response | None:
        """Refuse a forged request.

        Raises:
            Forbidden: With the reason, for the visitor.
        """
        if request.method in SAFE_METHODS or self._exempt(request):
            return None
        reason = refusal(request)
        if reason is not None:
            log_refusal(request, reason)
            raise Forbidden(reason)
        return None

    def _exempt(self, request: Request) -> bool:
        # Browsers add cookies by themselves, but never an Authorization header to another site's form.
        authorization: str = request.environ.get("HTTP_AUTHORIZATION", "")
        if authorization[:7].lower() == "bearer " and "HTTP_COOKIE" not in request.environ:
            return True
        match = request.match
        found = match and match[0].by_method.get(request.method)
        if not found:
            return True
        view = found[1].view
        method = getattr(view, request.method.lower(), None)
        return getattr(view, "csrf_exempt", False) is True or getattr(method, "csrf_exempt", False) is True

    def process_response(self, request: Request, response: Response) -> Response:
        """Send the secret's cookie when a page used a new one."""
        secret: CSRFSecret | None = request.made("csrf_secret")
        if secret is not None and secret.changed:
            response.set_cookie(self._cookie.name(request), self._cookie.dump(secret), secure=request.is_secure)
        if secret is not None:
            response.headers.add_vary("Cookie")
        return response
