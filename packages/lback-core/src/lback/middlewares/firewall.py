"""`FirewallMiddleware`: refuses requests by address, program and path, and clients that send too many."""

from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response
from lback.security.firewall import Firewall
from lback.security.log import log_refusal


class FirewallMiddleware(BaseMiddleware):
    """Answers who is not let in with a bare 403.

    The setting ``FIREWALL_SETTINGS`` says who that is; see `lback.security.firewall.Firewall`, which is a component:
    a view can block a client with it. The address is that of `Request.remote_addr`. Each refusal is one warning of
    the logger ``lback.security``; of a client that is blocked for a while, the beginning is.
    """

    def __init__(self, firewall: Firewall) -> None:
        self._firewall = firewall

    def process_request(self, request: Request) -> Response | None:
        """Refuse a request, or let it in."""
        reason = self._firewall.refusal(request.remote_addr, request.environ.get("HTTP_USER_AGENT", ""), request.path)
        if reason is None:
            return None
        if reason:
            log_refusal(request, reason)
        return Response("Forbidden", 403, content_type="text/plain; charset=utf-8")
