"""`SQLInjectionDetectionMiddleware`: tells when somebody tries SQL injection."""

from collections.abc import Iterator
from itertools import islice

from lback.core.body import URLENCODED
from lback.core.exceptions import BadRequest, ConfigurationError
from lback.core.middleware import BaseMiddleware
from lback.core.request import SAFE_METHODS, Request
from lback.core.response import Response
from lback.security.log import log_refusal
from lback.security.sql_injection import MAX_TEXTS, MAX_TOTAL, looks_like_sql_injection, texts_in


class SQLInjectionDetectionMiddleware(BaseMiddleware):
    """Looks for SQL in the names and values of the query, the form and the JSON document of a request.

    This is an alarm, not a protection: what protects is that values reach the database as bound parameters, which
    SQLAlchemy does by itself, and never as part of a statement's text. An attack can be written so that nothing is
    recognised, and now and then an honest text looks like one.

    A request that is too large to be looked at as a whole is looked at up to the limits of
    `lback.security.sql_injection`. A body that can't be read is the error that a view would raise.

    Args:
        mode: ``"block"`` refuses such a request with a 400, ``"log"`` only writes it down. Both write one warning to
            the logger ``lback.security``.

    Example:
        ``{"class": "lback.middlewares.sql_injection_detection.SQLInjectionDetectionMiddleware",
        "params": {"mode": "log"}}``
    """

    def __init__(self, mode: str = "block") -> None:
        if mode not in ("block", "log"):
            raise ConfigurationError(f"mode must be 'block' or 'log', not {mode!r}.")
        self._blocks = mode == "block"

    def process_request(self, request: Request) -> Response | None:
        """Look through a request.

        Raises:
            BadRequest: It holds what looks like an attack, and the mode is ``"block"``; or its body is garbled.
        """
        if not request.environ.get("QUERY_STRING") and request.method in SAFE_METHODS and not request.is_json:
            return None
        left = MAX_TOTAL
        for text in islice(_texts(request), MAX_TEXTS):
            left -= len(text)
            if left < 0:
                break
            if looks_like_sql_injection(text):
                log_refusal(request, "A value looks like SQL injection.", "Refused" if self._blocks else "Let in")
                if self._blocks:
                    raise BadRequest("A value in the request looks like an attack on a database.")
                break
        return None


def _texts(request: Request) -> Iterator[str]:
    for name, value in request.GET.pairs():
        yield name
        yield value
    if request.is_json:
        if request.body:
            yield from texts_in(request.json)
    elif request.method not in SAFE_METHODS and "form" in request.content_type:
        if request.content_type == URLENCODED:
            # Read as bytes first, so that a view can still have them, to check a signature over them.
            _ = request.body
        for name, value in request.form.pairs():
            yield name
            yield value
