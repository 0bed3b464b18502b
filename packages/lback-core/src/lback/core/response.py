"""What a view answers with."""

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import UUID

from lback.core.cookies import format_cookie
from lback.core.datastructures import Headers, checked_header

STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_WITHOUT_BODY = frozenset({204, 304})


class Response:
    """An answer whose body is at hand.

    Args:
        body: Text (sent as UTF-8) or bytes.
        status: The HTTP status.
        headers: Further headers, checked as they are set.
        content_type: The type of the body, HTML unless given.
        status_code: Another name for `status`.

    Raises:
        ValueError: No such status, or a header that can't be sent.
    """

    content_type = "text/html; charset=utf-8"
    streaming = False

    def __init__(
        self,
        body: str | bytes = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        *,
        status_code: int | None = None,
    ) -> None:
        self.status_code = status if status_code is None else status_code
        self.body: bytes = body.encode() if isinstance(body, str) else body
        self.headers = Headers(headers)
        self.cookies: list[tuple[str, str]] = []
        if content_type is not None or "content-type" not in self.headers:
            self.headers["Content-Type"] = content_type or self.content_type

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._status_code

    @status_code.setter
    def status_code(self, status: int) -> None:
        if status not in STATUS_LINES:
            raise ValueError(f"There is no HTTP status {status!r}.")
        self._status_code = int(status)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        max_age: int | None = None,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = True,
        samesite: str | None = "Lax",
    ) -> None:
        """Send a cookie; the arguments are those of `lback.core.cookies.format_cookie`."""
        cookie = format_cookie(
            name,
            value,
            max_age=max_age,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
        )
        self.cookies.append(checked_header("Set-Cookie", cookie))

    def delete_cookie(self, name: str, *, path: str = "/", domain: str | None = None, secure: bool = False) -> None:
        """Have the browser forget a cookie; `path`, `domain` and `secure` as it was set."""
        self.set_cookie(name, "", max_age=0, path=path, domain=domain, secure=secure)

    def wsgi_headers(self) -> list[tuple[str, str]]:
        """Return the headers as WSGI takes them, the length of the body included."""
        headers = self.headers
        if self._status_code in _WITHOUT_BODY:
            for name in ("content-type", "content-length"):
                if name in headers:
                    del headers[name]
        elif not self.streaming:
            headers["Content-Length"] = str(len(self.body))
        return headers.to_list() + self.cookies if self.cookies else headers.to_list()

    def wsgi_body(self, method: str) -> list[bytes]:
        """Return the body as WSGI takes it: nothing for HEAD and for a status that has none."""
        return [] if method == "HEAD" or self._status_code in _WITHOUT_BODY else [self.body]

    @property
    def status_line(self) -> str:
        """The status with its standard phrase, such as ``404 Not Found``."""
        return STATUS_LINES[self._status_code]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_line}>"


class HTMLResponse(Response):
    """An HTML page."""

    def __init__(
        self,
        content: str | bytes = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        status_code: int | None = None,
    ) -> None:
        super().__init__(content, status, headers, status_code=status_code)


class JSONResponse(Response):
    """A JSON document.

    Args:
        data: What `json.dumps` takes; dates, UUIDs and decimals become text as well.
        status: The HTTP status.
        headers: Further headers.
        status_code: Another name for `status`.
    """

    content_type = "application/json"

    def __init__(
        self,
        data: Any = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        status_code: int | None = None,
    ) -> None:
        super().__init__(dump_json(data), status, headers, status_code=status_code)


class RedirectResponse(Response):
    """An answer that sends the client to another address.

    Args:
        redirect_url: Where to. Send what a client gave through `lback.security.redirects.safe_redirect_target` first.
        status: 302 unless given; 301 and 308 are remembered by browsers.
    """

    def __init__(
        self,
        redirect_url: str,
        status: int = 302,
        headers: Mapping[str, str] | None = None,
        *,
        status_code: int | None = None,
    ) -> None:
        super().__init__(b"", status, headers, status_code=status_code)
        self.headers["Location"] = redirect_url


class StreamingResponse(Response):
    """An answer whose body is made while it is sent. The database session stays open until it has been.

    Args:
        iterable: Gives pieces of the body, text or bytes. Its ``close`` is called at the end, however that comes.
    """

    content_type = "text/plain; charset=utf-8"
    streaming = True

    def __init__(
        self,
        iterable: Iterable[str | bytes],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        *,
        status_code: int | None = None,
    ) -> None:
        super().__init__(b"", status, headers, content_type, status_code=status_code)
        self.iterable = iterable


class StreamingBody:
    """The body of a streaming response as WSGI takes it; closes what the request held when the server is done."""

    def __init__(self, response: StreamingResponse, method: str, on_close: Callable[[], None]) -> None:
        self._pieces = iter(()) if not response.wsgi_body(method) else iter(response.iterable)
        self._iterable = response.iterable
        self._on_close = on_close

    def __iter__(self) -> "StreamingBody":
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        return piece.encode() if isinstance(piece, str) else piece

    def close(self) -> None:
        """End the body; called by the server, also when the client has gone."""
        try:
            close = getattr(self._iterable, "close", None)
            if close is not None:
                close()
        finally:
            self._on_close()


def dump_json(data: Any) -> bytes:
    """Return `data` as a compact JSON document.

    Raises:
        ValueError: A number that JSON does not have (NaN, Infinity).
        TypeError: Something JSON has no form for.
    """
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_json_default).encode()


def _json_default(value: Any) -> Any:
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"JSON has no form for {type(value).__name__}; convert it first.")


def to_response(result: Any) -> Response:
    """Return what a view returned as a response: text as HTML, a dictionary or list as JSON.

    Raises:
        TypeError: Anything else.
    """
    if isinstance(result, Response):
        return result
    if isinstance(result, str):
        return HTMLResponse(result)
    if isinstance(result, dict | list):
        return JSONResponse(result)
    raise TypeError(
        f"A view must return a Response, text, a dictionary or a list; this one returned {type(result).__name__}."
    )
