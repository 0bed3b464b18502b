"""Files as responses: whole, in part, or not again; and other responses that need not be sent twice."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.file_headers import content_disposition, type_of_file
from lback.core.request import Request
from lback.core.response import FileResponse, Response
from lback.core.testing import Client, make_app
from lback.core.validators import RangeNotSatisfiable, client_has_it, parse_http_date, requested_range
from lback.utils.urls import path

CONTENT = bytes(range(256)) * 1000
MODIFIED = 1_700_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "film.bin"
    file.write_bytes(CONTENT)
    os.utime(file, (MODIFIED, MODIFIED))
    return file


def client_for(view: Any) -> Client:
    return Client(make_app([path("/", view, ["GET", "POST"])], MIDDLEWARES=[]))


@pytest.fixture
def client(file: Path) -> Client:
    return client_for(lambda request: FileResponse(file))


def test_a_file_is_sent_whole_with_what_tells_it_from_others(client: Client) -> None:
    response = client.get("/")
    assert (response.status_code, response.body) == (200, CONTENT)
    assert response.headers["content-length"] == str(len(CONTENT))
    assert response.headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert response.headers["accept-ranges"] == "bytes"
    assert re.fullmatch(r'"[0-9a-f]{24}"', response.headers["etag"])


def test_head_opens_no_file(client: Client, file: Path) -> None:
    response = client.head("/")
    assert (response.body, response.headers["content-length"]) == (b"", str(len(CONTENT)))


def test_a_changed_file_has_another_tag(client: Client, file: Path) -> None:
    before = client.get("/").headers["etag"]
    os.utime(file, (MODIFIED, MODIFIED + 1))
    assert client.get("/").headers["etag"] != before


@pytest.mark.parametrize(
    "headers",
    [
        {"If-None-Match": "{etag}"},
        {"If-None-Match": 'W/"a", W/{etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"},
        {"If-None-Match": "{etag}", "Range": "bytes=0-1"},
    ],
)
def test_who_has_the_file_is_told_so(client: Client, headers: dict[str, str]) -> None:
    etag = client.get("/").headers["etag"]
    response = client.get("/", headers={name: value.replace("{etag}", etag) for name, value in headers.items()})
    assert (response.status_code, response.body, response.headers["etag"]) == (304, b"", etag)
    assert "content-length" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"If-None-Match": '"another"'},
        {"If-None-Match": '"another"', "If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"},
        {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:19 GMT"},
        {"If-Modified-Since": "yesterday"},
        {"If-None-Match": "etag"},
    ],
)
def test_who_has_another_one_gets_the_file(client: Client, headers: dict[str, str]) -> None:
    assert client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=255999-", 255_999, 256_000),
        ("bytes=-1", 255_999, 256_000),
        ("bytes=-999999999", 0, 256_000),
        ("bytes=0-999999999", 0, 256_000),
        (" Bytes = 1-2 ", 1, 3),
    ],
)
def test_a_part_is_sent_when_asked_for(client: Client, asked: str, start: int, stop: int) -> None:
    response = client.get("/", headers={"Range": asked})
    assert (response.status_code, response.body) == (206, CONTENT[start:stop])
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/256000"


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=-0", "bytes=999999999999-"])
def test_a_part_behind_the_end_is_a_416(client: Client, asked: str) -> None:
    response = client.get("/", headers={"Range": asked})
    assert (response.status_code, response.body, response.headers["content-range"]) == (416, b"", "bytes */256000")


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-2", "bytes=a-b", "bytes=-", "bytes", "lines=1-2", "bytes=0-1,5-6", "bytes=" + "0-0," * 10_000,
     "bytes=+1-2", "bytes=٣-٤", "bytes=1-2-3", "bytes=" + "1" * 5000 + "-"],
)  # fmt: skip
def test_what_can_not_be_read_or_is_several_gives_the_whole(client: Client, asked: str) -> None:
    raw = asked.encode().decode("latin-1")
    assert client.get("/", environ={"HTTP_RANGE": raw}).status_code == 200


def test_no_part_of_an_empty_file_exists(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    client = client_for(lambda request: FileResponse(tmp_path / "empty"))
    assert client.get("/", headers={"Range": "bytes=0-"}).status_code == 416
    assert client.get("/").body == b""


def test_a_part_is_of_the_version_that_is_named_or_the_file_comes_whole(client: Client) -> None:
    etag = client.get("/").headers["etag"]
    for condition, status in (
        (etag, 206),
        (f"W/{etag}", 200),
        ('"another"', 200),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 206),
        ("Tue, 14 Nov 2023 22:13:21 GMT", 200),
        ("nonsense", 200),
    ):
        assert client.get("/", headers={"Range": "bytes=0-1", "If-Range": condition}).status_code == status


def test_a_post_gets_the_file_whatever_it_has(client: Client) -> None:
    assert client.post("/", headers={"If-None-Match": "*", "Range": "bytes=0-1"}).body == CONTENT


def test_the_file_is_handed_to_the_server_where_it_can_send_files(file: Path) -> None:
    handed: list[Any] = []

    def wrapper(file: Any, size: int) -> Any:
        handed.append(file)
        return iter(lambda: file.read(size), b"")

    app = make_app([path("/", lambda request: FileResponse(file))], MIDDLEWARES=[])
    environ = Client(app)._environ("GET", "/", b"", "", {}) | {"wsgi.file_wrapper": wrapper}
    body = app(environ, lambda *arguments: lambda data: None)
    assert b"".join(body) == CONTENT
    handed[0].close()


def test_an_unfinished_download_closes_the_file(file: Path) -> None:
    app = make_app([path("/", lambda request: FileResponse(file))], MIDDLEWARES=[])
    body: Any = app(Client(app)._environ("GET", "/", b"", "", {}), lambda *arguments: lambda data: None)
    next(iter(body))
    body.close()
    assert body._file.closed


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=5-9"}])
def test_a_file_that_is_deleted_before_it_is_sent_is_a_404(file: Path, headers: dict[str, str]) -> None:
    def view(request: Request) -> Response:
        response = FileResponse(file)
        file.unlink()
        return response

    assert client_for(view).get("/", headers=headers).status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=5-9"}])
@pytest.mark.parametrize("content", [b"shorter", CONTENT + b"longer"])
def test_a_file_that_is_replaced_before_it_is_sent_comes_whole(
    file: Path, headers: dict[str, str], content: bytes
) -> None:
    def view(request: Request) -> Response:
        response = FileResponse(file)
        file.write_bytes(content)
        return response

    response = client_for(view).get("/", headers=headers)
    assert (response.status_code, response.body) == (200, content)
    assert response.headers["content-length"] == str(len(content))
    assert response.headers.keys() & {"etag", "last-modified", "content-range"} == set()


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    for missing in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError):
            FileResponse(missing)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.css", "text/css; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.tar.gz", "application/gzip"),
        ("a.unheard-of", "application/octet-stream"),
        ("no ending", "application/octet-stream"),
    ],
)
def test_the_type_is_that_of_the_name(name: str, kind: str) -> None:
    assert type_of_file(name) == kind


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("Überblick.pdf", "attachment; filename=\"_berblick.pdf\"; filename*=UTF-8''%C3%9Cberblick.pdf"),
        ('a"b.txt', "attachment; filename=\"a'b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("a\r\nSet-Cookie: x", 'attachment; filename="aSet-Cookie: x"'),
        ("", "attachment"),
    ],
)
def test_the_name_to_save_under_can_be_any_and_adds_nothing(name: str, header: str) -> None:
    assert content_disposition(name, attachment=True) == header


def test_a_download_says_its_name(file: Path) -> None:
    client = client_for(lambda request: FileResponse(file, filename="Film.bin", as_attachment=True))
    assert client.get("/").headers["content-disposition"] == 'attachment; filename="Film.bin"'


@given(st.text(max_size=200))
def test_any_name_gives_a_header_that_can_be_sent(name: str) -> None:
    Response(headers={"Content-Disposition": content_disposition(name, attachment=True)})


# -- responses that need not be sent twice ----------------------------------------------------------------------------


def test_a_page_that_has_not_changed_is_not_sent_again() -> None:
    client = client_for(lambda request: Response("page").make_conditional(request))
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (first.text, again.status_code, again.body) == ("page", 304, b"")
    assert client.post("/", headers={"If-None-Match": first.headers["etag"]}).text == "page"


def test_a_tag_of_the_views_own_counts() -> None:
    def view(request: Request) -> Response:
        return Response("page", headers={"ETag": 'W/"7"'}).make_conditional(request)

    assert client_for(view).get("/", headers={"If-None-Match": '"7"'}).status_code == 304


def test_an_error_is_never_not_modified() -> None:
    client = client_for(lambda request: Response("gone", 404).make_conditional(request))
    assert client.get("/", headers={"If-None-Match": "*"}).status_code == 404


# -- what clients may send --------------------------------------------------------------------------------------------


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)), st.integers(0, 10_000))
def test_no_header_breaks_the_conditions(one: str, other: str, size: int) -> None:
    environ = {"HTTP_IF_NONE_MATCH": one, "HTTP_IF_MODIFIED_SINCE": other, "HTTP_IF_RANGE": other}
    assert client_has_it(environ, '"tag"', MODIFIED) in (True, False)
    parse_http_date(one)
    try:
        part = requested_range({"HTTP_RANGE": f"bytes={one}", "HTTP_IF_RANGE": other}, size, '"tag"', MODIFIED)
    except RangeNotSatisfiable:
        return
    assert part is None or 0 <= part[0] < part[1] <= size


def test_a_long_list_of_tags_is_not_searched() -> None:
    assert not client_has_it({"HTTP_IF_NONE_MATCH": '"a", ' * 100_000 + '"tag"'}, '"tag"', MODIFIED)
