"""A client for tests: sends requests to an application in this process and keeps cookies, as a browser would.

Every request goes through `wsgiref.validate`, so a test also fails when the application breaks the rules of WSGI.
"""

import json as jsonlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from lback.core.app import Application
from lback.core.config import Config
from lback.core.routing import URLPatterns
from lback.security.csrf import HEADER, CSRFCookie, CSRFSecret

TEST_KEY = "a-key-for-tests-alone-0123456789-abcdefghij"

File = tuple[str, bytes] | tuple[str, bytes, str]


def make_app(urlpatterns: URLPatterns = (), **settings: Any) -> Application:
    """Return an application with a secret key for tests, whose mail stays in memory, and the given settings.

    Args:
        urlpatterns: Its routes.
        settings: Settings over the defaults, such as ``MIDDLEWARES=[]``.
    """
    values = {"SECRET_KEY": TEST_KEY, "ALLOWED_HOSTS": ["testserver", "localhost"], "EMAIL_BACKEND": "memory"}
    return Application(Config(values | settings), urlpatterns=urlpatterns)


class TestResponse:
    """What came back.

    `status_code` is a number, `headers` a mapping in lower case, `cookies_set` the ``Set-Cookie`` headers as sent.
    """

    __test__ = False

    def __init__(self, status: str, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.status_code = int(status.split(" ", 1)[0])
        self.header_list = list(headers)
        self.headers = {name.lower(): value for name, value in headers}
        self.cookies_set = [value for name, value in headers if name.lower() == "set-cookie"]
        self.body = body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def location(self) -> str:
        """Where a redirect leads; empty when there is none."""
        return self.headers.get("location", "")

    def json(self) -> Any:
        """Return the body as JSON."""
        return jsonlib.loads(self.body)

    def __repr__(self) -> str:
        return f"<TestResponse {self.status}>"


class Client:
    """Sends requests to an application and keeps the cookies it gets.

    Args:
        app: The application, or any WSGI callable.
        host: The host that is asked for.
        https: Whether the requests come over https.
    """

    def __init__(self, app: Any, host: str = "testserver", https: bool = False) -> None:
        self.app = app
        self.host = host
        self.https = https
        self.cookies: dict[str, str] = {}
        self._wsgi = validator(app)

    def request(
        self,
        method: str,
        path: str,
        *,
        data: Mapping[str, Any] | bytes | None = None,
        json: Any = None,
        files: Mapping[str, File] | None = None,
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, Any] | None = None,
        follow: bool = False,
    ) -> TestResponse:
        """Send a request and return the response, read to its end and closed.

        Args:
            method: The HTTP method.
            path: The path, with the query string.
            data: The fields of a form, a list for several values of one; or the body itself.
            json: What to send as JSON.
            files: Files of a form by field, each ``(name, content)`` or ``(name, content, content_type)``.
            headers: Further request headers.
            environ: Further WSGI variables, over everything else.
            follow: Whether to follow redirects, as a browser does.
        """
        body, content_type = _encoded(data, json, files)
        response = self._send(method, path, body, content_type, headers or {}, environ or {})
        hops = 0
        while follow and response.status_code in (301, 302, 303, 307, 308) and hops < 10:
            hops += 1
            parts = urlsplit(response.location)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            if response.status_code not in (307, 308):
                method, body, content_type = "GET", b"", ""
            response = self._send(method, target, body, content_type, headers or {}, environ or {})
        return response

    def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        content_type: str,
        headers: Mapping[str, str],
        extra: Mapping[str, Any],
    ) -> TestResponse:
        environ = self._environ(method, path, body, content_type, headers) | dict(extra)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.append((status, headers))
            return lambda _: None

        result = self._wsgi(environ, start_response)
        try:
            content = b"".join(result)
        finally:
            result.close()  # type: ignore[attr-defined]
        response = TestResponse(*started[-1], content)
        self._keep(response.cookies_set)
        return response

    def _environ(
        self, method: str, path: str, body: bytes, content_type: str, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            # PEP 3333: the bytes of the path, decoded as Latin-1.
            "PATH_INFO": unquote(path, "latin-1") if path.isascii() else path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self.host,
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "https" if self.https else "http",
            "wsgi.input": BytesIO(body),
        }
        if self.cookies:
            environ["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body or content_type:
            environ["CONTENT_LENGTH"] = str(len(body))
            environ["CONTENT_TYPE"] = content_type
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        setup_testing_defaults(environ)
        return environ

    def _keep(self, cookies: Iterable[str]) -> None:
        for cookie in cookies:
            pair, *attributes = cookie.split("; ")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def get(self, path: str, **options: Any) -> TestResponse:
        """Send a GET; the options are those of `request`."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> TestResponse:
        """Send a HEAD."""
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Any) -> TestResponse:
        """Send an OPTIONS."""
        return self.request("OPTIONS", path, **options)

    def post(self, path: str, data: Mapping[str, Any] | bytes | None = None, **options: Any) -> TestResponse:
        """Send a POST."""
        return self.request("POST", path, data=data, **options)

    def put(self, path: str, data: Mapping[str, Any] | bytes | None = None, **options: Any) -> TestResponse:
        """Send a PUT."""
        return self.request("PUT", path, data=data, **options)

    def patch(self, path: str, data: Mapping[str, Any] | bytes | None = None, **options: Any) -> TestResponse:
        """Send a PATCH."""
        return self.request("PATCH", path, data=data, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        """Send a DELETE."""
        return self.request("DELETE", path, **options)

    def csrf_post(self, path: str, data: Mapping[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a POST that the CSRF middleware accepts, as a page of the site would."""
        headers = {**(options.pop("headers", None) or {}), HEADER: self.csrf_token()}
        return self.request("POST", path, data=data, headers=headers, **options)

    def csrf_token(self) -> str:
        """Return a token for the client's CSRF cookie, which it gets if it has none."""
        environ = self._environ("GET", "/", b"", "", {})
        from lback.core.request import Request

        request = Request(environ, self.app)
        cookie = CSRFCookie(self.app.config)
        secret: CSRFSecret = cookie.load(request)
        token = secret.token()
        self.cookies[cookie.name(request)] = cookie.dump(secret)
        return token


def _encoded(data: Any, json: Any, files: Mapping[str, File] | None) -> tuple[bytes, str]:
    if json is not None:
        return jsonlib.dumps(json).encode(), "application/json"
    if isinstance(data, bytes):
        return data, "application/octet-stream"
    if files:
        return _multipart(data or {}, files)
    if data is not None:
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    return b"", ""


def _multipart(data: Mapping[str, Any], files: Mapping[str, File]) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    lines: list[bytes] = []
    for name, values in data.items():
        for value in values if isinstance(values, list | tuple) else [values]:
            disposition = f'form-data; name="{quote(name)}"'
            lines += [
                f"--{boundary}".encode(),
                f"Content-Disposition: {disposition}".encode(),
                b"",
                str(value).encode(),
            ]
    for name, file in files.items():
        filename, content, *kind = file
        disposition = f'form-data; name="{quote(name)}"; filename="{filename.replace(chr(34), "%22")}"'
        content_type = kind[0] if kind else "application/octet-stream"
        head = f"Content-Disposition: {disposition}\r\nContent-Type: {content_type}"
        lines += [f"--{boundary}".encode(), head.encode(), b"", content]
    lines += [f"--{boundary}--".encode(), b""]
    return b"\r\n".join(lines), f"multipart/form-data; boundary={boundary}"
