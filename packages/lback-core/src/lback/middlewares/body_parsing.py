"""`BodyParsingMiddleware`: reads the body before the view."""

from lback.core.middleware import BaseMiddleware
from lback.core.request import SAFE_METHODS, Request
from lback.core.response import Response


class BodyParsingMiddleware(BaseMiddleware):
    """Parses the JSON or the form in the body, so that a bad one is refused before any view runs.

    The result is ``request.parsed_body``, which is there without this middleware too, parsed when it is first read.
    Views that read another kind of body (``request.body``) are not for a site with it.
    """

    def process_request(self, request: Request) -> Response | None:
        """Parse the body of a request that may have one.

        Raises:
            HTTPException: 400 for a garbled body, 413 over a limit, 415 for one that is neither JSON nor a form.
        """
        if request.method not in SAFE_METHODS:
            request.parsed_body  # noqa: B018 - reading it parses
        return None
