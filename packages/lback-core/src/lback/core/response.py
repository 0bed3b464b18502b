"""What a view answers with."""

import errno
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lback.core.context import request_context
from lback.core.cookies import format_cookie
from lback.core.datastructures import Headers, checked_header
from lback.core.exceptions import NotFound
from lback.core.file_headers import content_disposition, type_of_file
from lback.core.payload import checked_body, dump_json
from lback.core.sending import FileBlocks, Pieces
from lback.core.validators import (
    RangeNotSatisfiable,
    client_has_it,
    http_date,
    parse_http_date,
    requested_range,
    strong_etag,
)

if TYPE_CHECKING:
    from lback.core.request import Request

# Those below 200 are no answers: another one follows them.
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus if status >= 200}
# What RFC 3986 gives a meaning stays, escapes too; all else is escaped, as the address bar of a browser does. Control
# characters stay as well, and are refused like in every header: nobody means to send them.
_KEPT_IN_LOCATION = "/?#[]@!$&'()*+,;=:~%" + "".join(map(chr, (*range(32), 127)))
_WITHOUT_BODY = frozenset({204, 304})


@lru_cache(maxsize=64)
def _content_type(value: str) -> tuple[str, str]:
    return checked_header("Content-Type", value)


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
    #: The ``Set-Cookie`` headers.
    cookies: Sequence[tuple[str, str]] = ()

    def __init__(
        self,
        body: str | bytes | None = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        *,
        status_code: int | None = None,
    ) -> None:
        self.status_code = status if status_code is None else status_code
        self.body: bytes = body.encode() if isinstance(body, str) else checked_body(body)
        self.headers = Headers(headers)
        if content_type is not None or headers is None or "content-type" not in self.headers:
            self.headers.set_checked("content-type", _content_type(content_type or self.content_type))

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._status_code

    @status_code.setter
    def status_code(self, status: int) -> None:
        if status not in STATUS_LINES:
            raise ValueError(f"An answer has an HTTP status such as 200 or 404, not {status!r}.")
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
        self.cookies = (*self.cookies, checked_header("Set-Cookie", cookie))

    def delete_cookie(self, name: str, *, path: str = "/", domain: str | None = None, secure: bool = False) -> None:
        """Have the browser forget a cookie; `path`, `domain` and `secure` as it was set."""
        self.set_cookie(name, "", max_age=0, path=path, domain=domain, secure=secure)

    def get_wsgi_response(self, method: str = "GET") -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
        """Return the status line, the headers and the body as WSGI takes them.

        Args:
            method: That of the request; HEAD gets the headers alone.
        """
        status = self._status_code
        if status in _WITHOUT_BODY:
            return STATUS_LINES[status], self._wsgi_headers(None), []
        body = self.body
        return STATUS_LINES[status], self._wsgi_headers(len(body)), [] if method == "HEAD" else [body]

    @property
    def length(self) -> int | None:
        """The bytes of the body that are sent to a GET; None where nobody knows before."""
        return len(self.body)

    def make_conditional(self, request: "Request") -> "Response":
        """Turn the response to a GET or HEAD into a 304 where the client has the same content already; return it.

        Content without an ``ETag`` gets one made from the body. Call it in a view whose page is the same for everybody
        who may see it, as the answer tells that it has not changed.
        """
        if self._status_code == 200 and request.method in ("GET", "HEAD") and not self.streaming:
            etag = self.headers.setdefault("ETag", strong_etag(self.body))
            modified = parse_http_date(self.headers.get("Last-Modified", ""))
            if client_has_it(request.environ, etag, modified):
                self.status_code = 304
                self.body = b""
        return self

    def _wsgi_headers(self, length: int | None) -> list[tuple[str, str]]:
        headers = self.headers.to_list(length)
        if self._status_code in _WITHOUT_BODY:
            headers = [header for header in headers if header[0].lower() not in ("content-type", "content-length")]
        return [*headers, *self.cookies] if self.cookies else headers

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
        self.headers["Location"] = quote(redirect_url, safe=_KEPT_IN_LOCATION)


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
        self.iterable = [iterable] if isinstance(iterable, str | bytes) else iterable
        if not isinstance(self.iterable, Iterable):
            raise TypeError(f"A StreamingResponse needs pieces of text or bytes to send, not {iterable!r}.")

    @property
    def length(self) -> int | None:
        """Not known."""
        return None

    def get_wsgi_response(self, method: str = "GET") -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
        """Return what `Response.get_wsgi_response` does; the length is not known, and the body is read once."""
        send = method != "HEAD" and self._status_code not in _WITHOUT_BODY
        return self.status_line, self._wsgi_headers(None), Pieces(self.iterable, send=send)


class FileResponse(Response):
    """A file, sent in blocks, by the server's own means where it has them.

    A client that has the file gets a 304, and one that asks for a part gets that (206), or a 416 where there is none;
    for that the response looks at the request being answered.

    Args:
        path: The file. Join what a client named with `lback.security.paths.safe_join` first.
        content_type: The type; from the name unless given.
        filename: The name to save it under, where it is not that of the file.
        as_attachment: Whether browsers should save the file and not show it.
        headers: Further headers.

    Raises:
        FileNotFoundError: There is no such file, or it is a folder.
    """

    def __init__(
        self,
        path: Path | str,
        content_type: str | None = None,
        *,
        filename: str | None = None,
        as_attachment: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.path = Path(path)
        name = filename or self.path.name
        super().__init__(b"", 200, headers, content_type or type_of_file(name))
        found = self.path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError(errno.ENOENT, "This is no file", str(path))
        if as_attachment or filename:
            self.headers["Content-Disposition"] = content_disposition(name, attachment=as_attachment)
        self._start, self._stop = 0, found.st_size
        self._version = found.st_size, found.st_mtime_ns
        self._validate(found.st_size, int(found.st_mtime), strong_etag(found.st_size, found.st_mtime_ns))

    def _validate(self, size: int, modified: int, etag: str) -> None:
        """Take the status and the part that the request's conditions and range ask for."""
        self.headers.setdefault("Last-Modified", http_date(modified))
        etag = self.headers.setdefault("ETag", etag)
        self.headers["Accept-Ranges"] = "bytes"
        request = request_context.get()
        if request is None or request.method not in ("GET", "HEAD"):
            return
        if client_has_it(request.environ, etag, modified):
            self.status_code = 304
            return
        try:
            part = requested_range(request.environ, size, etag, modified) if request.method == "GET" else None
        except RangeNotSatisfiable:
            self.status_code = 416
            self.headers["Content-Range"] = f"bytes */{size}"
            self._stop = 0
            return
        if part is not None:
            self.status_code = 206
            self._start, self._stop = part
            self.headers["Content-Range"] = f"bytes {self._start}-{self._stop - 1}/{size}"

    @property
    def length(self) -> int | None:
        """The bytes of the file, or of the part of it."""
        return 0 if self._status_code in _WITHOUT_BODY else self._stop - self._start

    def get_wsgi_response(self, method: str = "GET") -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
        """Return what `Response.get_wsgi_response` does; the file is opened here, and closed by the server.

        Raises:
            NotFound: The file has been deleted since the response was made.
        """
        if self._status_code in _WITHOUT_BODY:
            return super().get_wsgi_response(method)
        if method == "HEAD" or self._start == self._stop:
            return self.status_line, self._wsgi_headers(self._stop - self._start), []
        try:
            file = self.path.open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound from None
        found = os.fstat(file.fileno())
        if (found.st_size, found.st_mtime_ns) != self._version:
            self._replaced(found.st_size)
        length = self._stop - self._start
        headers = self._wsgi_headers(length)
        file.seek(self._start)
        request = request_context.get()
        wrapper = request.environ.get("wsgi.file_wrapper") if request is not None else None
        # A part that ends before the file does is ours: not every server's wrapper knows where to stop.
        if wrapper is not None and self._status_code == 200:
            return self.status_line, headers, wrapper(file, FileBlocks.SIZE)
        return self.status_line, headers, FileBlocks(file, length)

    def _replaced(self, size: int) -> None:
        """Send the whole of another file than the one that was looked at, without what was said of that one."""
        if self._status_code == 206:
            self.status_code = 200
        self._start, self._stop = 0, size
        for name in ("ETag", "Last-Modified", "Content-Range"):
            self.headers.pop(name, None)


def to_response(result: Any, origin: object = "A view") -> Response:
    """Return what a view returned as a response: text as HTML, a dictionary or list as JSON.

    Args:
        result: What it returned.
        origin: The view, for the message.

    Raises:
        TypeError: Anything else.
    """
    if isinstance(result, Response):
        return result
    if isinstance(result, str):
        return HTMLResponse(result)
    if isinstance(result, dict | list):
        return JSONResponse(result)
    raise TypeError(f"{origin} must return a Response, text, a dictionary or a list, not {type(result).__name__}.")
