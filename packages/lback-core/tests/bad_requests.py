"""Requests that somebody sends to break something, each with the status it gets; run as a script it prints them.

The comments name what each group stands for among the weaknesses that were found in other frameworks.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, NamedTuple

from lback.core.app import Application
from lback.core.request import Request
from lback.core.testing import make_app
from lback.utils.urls import path

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=xyz"
PROXIED = {"HTTP_X_FORWARDED_FOR": "::::", "HTTP_X_FORWARDED_PROTO": "gopher", "HTTP_X_FORWARDED_HOST": "testserver"}


class Bad(NamedTuple):
    """A request, by what is unusual in its WSGI environment, and the status it must get."""

    name: str
    status: int
    environ: Mapping[str, Any] = {}
    body: bytes = b""


def read_everything(request: Request) -> dict[str, Any]:
    """Touch all that is parsed when it is touched."""
    read = [request.GET, request.cookies, dict(request.headers), request.host, request.full_path, request.remote_addr]
    read += [request.scheme, request.build_absolute_uri(), request.session.get("x"), request.wants_json()]
    if request.method == "POST":
        read.append(request.json if request.is_json else (request.form, request.files))
    return {"read": len(read)}


def application(**settings: Any) -> Application:
    """Return an application with the default middlewares, but for CSRF, which would refuse every body unread."""
    middlewares = [
        "lback.middlewares.static_files.StaticFilesMiddleware",
        "lback.middlewares.session.SessionMiddleware",
        "lback.middlewares.security_headers.SecurityHeadersMiddleware",
    ]
    routes = [
        path("/read/", read_everything, ["GET", "POST"]),
        path("/read/{name}/", lambda request, name: name),
        path("/mixed/{a}-{b}-{c}.{d}/", lambda request, a, b, c, d: a),
        path("/health/", lambda request: "well"),
    ]
    return make_app(routes, MIDDLEWARES=middlewares, **settings)


def answer(app: Application, bad: Bad) -> tuple[int, dict[str, str]]:
    """Return the status and the headers that a request gets."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST" if bad.body or "CONTENT_TYPE" in bad.environ else "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/read/",
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "testserver",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(bad.body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(bad.body),
    }
    environ.update(bad.environ)
    environ = {name: value for name, value in environ.items() if value is not None}
    started: list[Any] = []
    body: Any = app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    if b"Traceback" in content:
        raise RuntimeError(f"{bad.name}: the answer shows a traceback")
    status, headers = started[-1]
    return int(status[:3]), {name.lower(): value for name, value in headers}


def _post(name: str, status: int, body: bytes, content_type: str = MULTIPART, **environ: Any) -> Bad:
    return Bad(name, status, {"CONTENT_TYPE": content_type, **environ}, body)


def _part(headers: bytes, value: bytes = b"v") -> bytes:
    return b"--xyz\r\n" + headers + b"\r\n\r\n" + value + b"\r\n"


FIELD = b'Content-Disposition: form-data; name="f"'
FILE = b'Content-Disposition: form-data; name="f"; filename="a.txt"'
END = b"--xyz--\r\n"


def _multipart() -> Iterator[Bad]:
    # Counts and sizes: CVE-2023-25577, CVE-2023-24580, CVE-2023-30798, GHSA-q34m-jh98-gwm2, CVE-2026-42561
    yield _post("10,000 parts", 413, _part(FIELD, b"x") * 10_000 + END)
    yield _post("500 files", 413, _part(FILE, b"x") * 500 + END)
    yield _post("a field of 2 MB", 413, _part(FIELD, b"x" * 2_000_000) + END)
    yield _post("1,000 headers in a part", 413, _part(FIELD + b"\r\nX-A: b" * 1000) + END)
    yield _post("a part header of 1 MB", 413, _part(FIELD + b"\r\nX-A: " + b"b" * 1_000_000) + END)
    yield _post("a header name of 64 KB", 413, _part(FIELD + b"\r\n" + b"b" * 65_536 + b": c") + END)
    # Where parsers looped or waited: CVE-2022-23833, CVE-2024-30251, CVE-2023-46136
    yield _post("no closing boundary", 400, _part(FIELD))
    yield _post("cut in a header", 400, b"--xyz\r\nContent-Disp")
    yield _post("carriage returns and a long line", 400, b"--xyz\r\n" + FIELD + b"\r\n\r\n" + b"\r" + b"a" * 400_000)
    yield _post("text before the first part", 400, b"x" * 100_000)
    yield _post("text after the last part", 400, _part(FIELD) + END + b"x" * 100_000)
    yield _post("no boundary", 400, b"--xyz--", "multipart/form-data")
    yield _post("an empty boundary", 400, b"----", "multipart/form-data; boundary=")
    yield _post("a part without a name", 400, _part(b"Content-Disposition: form-data") + END)
    yield _post("a part without a disposition", 400, _part(b"Content-Type: text/plain") + END)
    yield _post("a part that is not UTF-8", 400, _part(FIELD, b"\xff\xfe") + END)
    yield _post("a NUL in a part", 400, _part(FIELD, b"a\0b") + END)
    yield _post("5,000 broken parts", 400, _part(b"no header") * 5000 + END)


def _forms() -> Iterator[Bad]:
    # Limits that held for one encoding alone: CVE-2026-54283
    yield _post("5,000 pairs", 413, b"a=b&" * 5000, FORM)
    yield _post("a field of 2 MB, urlencoded", 413, b"a=" + b"x" * 2_000_000, FORM)
    yield _post("bytes that are not ASCII", 400, b"a=\xff", FORM)
    yield _post("a NUL in a form", 400, b"a=%00", FORM)
    yield _post("over the limit of a body", 413, b"a" * 11_000_000, FORM)
    # Content types: CVE-2024-24762, CVE-2021-32677, CVE-2025-64460
    yield _post("backslashes in the content type", 400, b"a", 'multipart/form-data; !="' + "\\" * 8192)
    yield _post("XML", 415, b"<a/>", "application/xml")
    yield _post("JSON as text", 415, b"{}", "text/plain")
    yield _post("no content type", 415, b"{}", "")
    yield _post("a content type of bytes", 415, b"{}", "\xff\xfe")


def _lengths() -> Iterator[Bad]:
    # CVE-2025-69224, CVE-2024-23829, GHSA-v9pg-7xvm-68hf
    for length in ("-1", "+5", "1_0", "5, 5", "٣", "0x5", "5.0", " ", "1e3", "9" * 5000):
        yield _post(f"the length {length[:9]!r}", 400, b"a=b", FORM, CONTENT_LENGTH=length)
    yield _post("a body shorter than its length", 400, b"a=b", FORM, CONTENT_LENGTH="100")


def _json() -> Iterator[Bad]:
    # CVE-2018-1000656, CVE-2019-1010083
    bodies: dict[str, bytes] = {
        "deep": b"[" * 100_000,
        "deep and closed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        "UTF-16": '{"a": 1}'.encode("utf-16"),
        "UTF-32": '{"a": 1}'.encode("utf-32"),
        "bytes": b"\xff",
        "NaN": b"[NaN]",
        "Infinity": b"[-Infinity]",
        "a float without end": b"1e999",
        "an integer without end": b"1" * 10_000,
        "half a pair": rb'"\ud800"',
        "nothing": b"",
        "two documents": b"{} {}",
    }
    for name, body in bodies.items():
        yield _post(f"JSON: {name}", 400, body, "application/json")


def _addresses() -> Iterator[Bad]:
    # CVE-2022-31799, CVE-2024-39614, CVE-2023-41164
    yield Bad("a path that is not UTF-8", 400, {"PATH_INFO": "/\xff\xfe"})
    yield Bad("no path", 404, {"PATH_INFO": None})
    yield Bad("an empty path", 404, {"PATH_INFO": ""})
    yield Bad("a path without a slash", 404, {"PATH_INFO": "read"})
    yield Bad("a NUL in the path", 400, {"PATH_INFO": "/read/\0/"})
    yield Bad(
        "a long path of emoji", 200, {"PATH_INFO": "/read/" + "\U0001f600".encode().decode("latin-1") * 250_000 + "/"}
    )
    yield Bad("a long path of hyphens", 404, {"PATH_INFO": "/mixed/" + "a-" * 500_000 + "/"})
    yield Bad("a deep path", 404, {"PATH_INFO": "/a" * 500_000})
    yield Bad("two slashes and a host", 404, {"PATH_INFO": "//evil.example/read"})
    yield Bad("a NUL in the query", 400, {"QUERY_STRING": "a=%00"})
    yield Bad("bytes in the query", 200, {"QUERY_STRING": "a=\xff\xfe&%ff=%fe"})
    yield Bad("5,000 parameters", 400, {"QUERY_STRING": "a=b&" * 5000})
    yield Bad("nothing but separators", 400, {"QUERY_STRING": "&" * 100_000})


def _headers() -> Iterator[Bad]:
    # CVE-2026-48710, CVE-2023-23934, CVE-2026-48817
    for host in (
        "[",
        "evil.example",
        "testserver:80@evil.example",
        "testserver/x",
        "testserver:80:80",
        "",
        "\xff",
        "a" * 100_000,
    ):
        yield Bad(f"the host {host[:30]!r}", 400, {"HTTP_HOST": host})
    yield Bad("cookies without names", 200, {"HTTP_COOKIE": "=__Host-session_id=x; ;;; =; a"})
    yield Bad("a cookie of 1 MB", 200, {"HTTP_COOKIE": "session_id=" + "x" * 1_000_000})
    yield Bad("100,000 cookies", 200, {"HTTP_COOKIE": "a=b; " * 100_000})
    yield Bad("a cookie of bytes", 200, {"HTTP_COOKIE": "session_id=\xff\xfe; a=\x01"})
    yield Bad("a garbled Accept", 200, {"HTTP_ACCEPT": "\xff;q=" * 10_000, "HTTP_ACCEPT_LANGUAGE": "a-" * 100_000})
    yield Bad("forwarded headers from nobody", 200, PROXIED)
    for method in ("DISPATCH_REQUEST", "__INIT__", "TRACE", "get", "\xff"):
        yield Bad(f"the method {method}", 405, {"REQUEST_METHOD": method})


CORPUS = [*_multipart(), *_forms(), *_lengths(), *_json(), *_addresses(), *_headers()]


if __name__ == "__main__":
    logging.disable()
    app = application()
    answers = {bad.name: answer(app, bad) for bad in CORPUS}
    print(json.dumps({name: [status, sorted(headers)] for name, (status, headers) in answers.items()}))
