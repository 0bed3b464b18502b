"""`CORSMiddleware`: lets scripts of other sites read the answers, where that is wanted."""

from collections.abc import Mapping, Sequence
from typing import Any

from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response
from lback.security.cors import CORSRules, make_rule
from lback.security.log import log_refusal


class CORSMiddleware(BaseMiddleware):
    """Answers preflights, and adds the headers of cross-origin resource sharing to what allowed origins ask for.

    Without parameters nothing is allowed, as without the middleware. A preflight is answered with a 204 before the
    routing, whatever it asks for; without the headers, browsers take it for a no. Access to private networks
    (``Access-Control-Allow-Private-Network``) is never allowed. Requests that change something and carry cookies need
    their origin in ``TRUSTED_ORIGINS`` as well, or the CSRF middleware refuses them. Put it in front of the middlewares
    that may answer themselves.

    Args:
        rules: Rules for single paths, which take the place of the one that `params` make; see
            `lback.security.cors.CORSRules`.
        params: The rule for all other paths; see `lback.security.cors.CORSRule`.

    Raises:
        ConfigurationError: A parameter that makes no sense, or ``"*"`` together with credentials.

    Example:
        ``{"class": "lback.middlewares.cors.CORSMiddleware", "params": {"allow_origins": ["https://app.example.org"]}}``
    """

    def __init__(self, rules: Sequence[Mapping[str, Any]] = (), **params: Any) -> None:
        self._rules = CORSRules(make_rule(params) if params else None, rules)

    def process_request(self, request: Request) -> Response | None:
        """Answer a preflight."""
        environ = request.environ
        if (
            request.method != "OPTIONS"
            or "HTTP_ORIGIN" not in environ
            or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in environ
        ):
            return None
        rule = self._rules.rule_for(request)
        if rule is None:
            return None
        response = Response(status=204)
        if rule.allows(environ["HTTP_ORIGIN"]):
            response.headers.update(rule.preflight_headers(environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")))
        else:
            log_refusal(request, "The origin of the preflight is not allowed.")
        response.headers.add_vary("Access-Control-Request-Headers")
        return response

    def process_response(self, request: Request, response: Response) -> Response:
        """Say that the origin may read the answer, if it may."""
        rule = self._rules.rule_for(request)
        if rule is None:
            return response
        if rule.allow_origins and not rule.any_origin:
            # Also where no origin was sent, or a cache would hand that answer to everybody.
            response.headers.add_vary("Origin")
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is None or not rule.allows(origin):
            return response
        response.headers.update(rule.origin_headers(origin))
        if rule.expose_headers and request.method != "OPTIONS":
            response.headers["Access-Control-Expose-Headers"] = ", ".join(rule.expose_headers)
        return response
