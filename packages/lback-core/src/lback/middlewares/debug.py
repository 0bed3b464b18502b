"""`DebugMiddleware`: shows the developer each request and its response, in the terminal."""

import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response
from lback.security.printable import masked_query, printable, writable
from lback.security.redaction import MASK, redacted, scrubbed

_TEXT = re.compile(r"text/|application/(?:[\w.-]+\+)?(?:json|xml|javascript)")
# Hidden inputs hold tokens, and meta elements may.
_ATTRIBUTE = re.compile(r"""\b((?:value|content)\s*=\s*)("[^"]*"?|'[^']*'?|[^\s"'>]+)""", re.IGNORECASE)


class DebugMiddleware(BaseMiddleware):
    """Writes what came in and what went out to the error stream of the server, with ``DEBUG`` on alone.

    Values under the names of secrets are masked. Of the request's body only what the view has read is shown.

    Args:
        config: ``DEBUG`` is read.
        enabled: False turns it off.
        log_request: Whether requests are shown.
        log_response: Whether responses are shown.
        max_body_length: How many characters of a body are shown.
    """

    def __init__(
        self,
        config: Config,
        enabled: bool = True,
        log_request: bool = True,
        log_response: bool = True,
        max_body_length: int = 500,
    ) -> None:
        if max_body_length < 0:
            raise ConfigurationError(f"max_body_length is a number of characters, not {max_body_length!r}.")
        self._enabled: bool = enabled and config.DEBUG
        self._log_request = log_request
        self._log_response = log_response
        self._max_body_length = max_body_length

    def process_request(self, request: Request) -> Response | None:
        """Note the time."""
        request.began = request.began or time.perf_counter()
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        """Show both."""
        if self._enabled:
            lines = [f"{'-' * 20} {request.method} {_address(request)}"]
            if self._log_request:
                lines += self._request_lines(request)
            if self._log_response:
                lines += self._response_lines(request, response)
            stream = request.environ["wsgi.errors"]
            stream.write(writable("\n".join(printable(line) for line in lines) + "\n", stream))
            stream.flush()
        return response

    def _request_lines(self, request: Request) -> Iterable[str]:
        if request.route is not None:
            yield f"route: {request.route}"
        user = request.made("user")
        if user is not None:
            yield f"user: {getattr(user, 'id', user)}"
        yield from _header_lines(request.headers.items())
        read = vars(request)
        if "_form" in read:
            yield from (f"  form {name} = {self._cut(redacted(name, value))}" for name, value in request.form.pairs())
            yield from (f"  file {name} = {file.filename} ({file.size} bytes)" for name, file in request.files.pairs())
        elif "body" in read:
            yield f"  body: {self._body(request.body, request.content_type)}"

    def _response_lines(self, request: Request, response: Response) -> Iterable[str]:
        duration = f" in {(time.perf_counter() - request.began) * 1000:.1f} ms" if request.began else ""
        yield f"response: {response.status_line}{duration}"
        yield from _header_lines([*response.headers.items(), *response.cookies])
        if response.streaming:
            yield "  body: streamed"
        elif response.body:
            yield f"  body: {self._body(response.body, response.headers.get('Content-Type', ''))}"

    def _body(self, body: bytes, content_type: str) -> str:
        size = f"({len(body)} bytes)"
        if not _TEXT.match(content_type) and "form" not in content_type:
            return size
        # A little more than is shown is looked at, so that a secret at the edge is recognized as one.
        text = body[: 4 * self._max_body_length + 1000].decode("utf-8", "replace")
        if "json" in content_type:
            text = _json(body, text)
        elif "form" in content_type:
            text = masked_query(text)
        masked = _ATTRIBUTE.sub(rf"\1{MASK}", scrubbed(text))
        return f"{size} {self._cut(masked)}"

    def _cut(self, text: Any) -> str:
        shown = str(text)
        return shown if len(shown) <= self._max_body_length else f"{shown[: self._max_body_length]}..."


def _address(request: Request) -> str:
    query = request.environ.get("QUERY_STRING", "")
    return request.path + (f"?{masked_query(query)}" if query else "")


def _header_lines(headers: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"  {name}: {scrubbed(redacted(name, value))}" for name, value in headers)


def _json(body: bytes, text: str) -> str:
    """Return a JSON document with the secrets in it masked; `text`, which is its beginning, where it is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return text
    wrapped: Mapping[str, Any] = redacted("body", {"": document})
    return json.dumps(wrapped[""], ensure_ascii=False)
