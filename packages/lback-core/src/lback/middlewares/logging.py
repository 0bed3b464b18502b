"""`LoggingMiddleware`: one line in the log for every request, and its id in the response."""

import logging
import time
from contextlib import suppress
from typing import Any

from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response
from lback.security.printable import masked_query, printable
from lback.security.redaction import MASK, is_secret_name

logger = logging.getLogger("lback.access")

MAX_ADDRESS = 2000


class LoggingMiddleware(BaseMiddleware):
    """Logs each request: method, address, status, duration, bytes of the body, client and user.

    Of the address, values under the names of secrets are masked; no header is logged. Put it first in ``MIDDLEWARES``:
    what it logs then is what was sent. The same facts stand in ``fields`` of the record, for formatters. The header
    ``X-Request-ID`` of the response has the id that every record of the request carries.
    """

    def process_request(self, request: Request) -> Response | None:
        """Note the time."""
        request.began = request.began or time.perf_counter()
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        """Write the line."""
        response.headers["X-Request-ID"] = request.id
        if logger.isEnabledFor(logging.INFO):
            fields = _fields(request, response)
            # A handler that fails takes no page away from its visitor.
            with suppress(Exception):
                # printable: the application that embeds this one may have formatters that escape nothing.
                logger.info("%s", printable(_line(fields)), extra={"fields": fields})
        return response


def _fields(request: Request, response: Response) -> dict[str, Any]:
    query = request.environ.get("QUERY_STRING", "")
    address = _path(request) + (f"?{masked_query(query[:MAX_ADDRESS])}" if query else "")
    duration = time.perf_counter() - request.began if request.began else None
    user = request.made("user")
    return {
        "method": request.method[:20],
        "path": address[:MAX_ADDRESS],
        "status": response.status_code,
        "duration_ms": None if duration is None else round(duration * 1000, 1),
        "bytes": 0 if request.method == "HEAD" else response.length,
        "ip": request.remote_addr,
        "user_id": getattr(user, "id", None),
    }


def _path(request: Request) -> str:
    path = request.path
    for name, value in request.path_params.items():
        if is_secret_name(name):
            path = path.replace(str(value), MASK)
    return path


def _line(fields: dict[str, Any]) -> str:
    duration, size, user = fields["duration_ms"], fields["bytes"], fields["user_id"]
    return (
        f"{fields['method']} {fields['path']} {fields['status']} {'-' if duration is None else f'{duration}ms'} "
        f"{'-' if size is None else f'{size}B'} ip={fields['ip']} user={'-' if user is None else user}"
    )
