"""`TimerMiddleware`: tells how long a response took to make."""

import time

from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response


class TimerMiddleware(BaseMiddleware):
    """Adds the header ``X-Response-Time``, such as ``0.0123s``: from this middleware to the view and back."""

    def process_request(self, request: Request) -> Response | None:
        """Note the time."""
        request.began = request.began or time.perf_counter()
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        """Add the header; a request that was answered before it came here has none."""
        if request.began:
            response.headers["X-Response-Time"] = f"{time.perf_counter() - request.began:.4f}s"
        return response
