"""`BodyParsingMiddleware`: a body that can't be read is refused before any view runs."""

from typing import Any

import pytest

from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.utils.urls import path

PARSING = "lback.middlewares.body_parsing.BodyParsingMiddleware"

ran: list[str] = []


def view(request: Request) -> dict[str, Any]:
    ran.append(request.method)
    return {"seen": request.parsed_body}


@pytest.fixture
def client() -> Client:
    ran.clear()
    return Client(
        make_app([path("/", view, ["GET", "POST", "PUT"])], MIDDLEWARES=[PARSING], MAX_REQUEST_BODY_SIZE=1000)
    )


def test_json_is_parsed(client: Client) -> None:
    assert client.post("/", json={"a": [1, None]}).json() == {"seen": {"a": [1, None]}}


def test_a_form_is_parsed(client: Client) -> None:
    assert client.put("/", {"a": "1", "b": ["2", "3"]}).json()["seen"] == {"a": "1", "b": "3"}


def test_the_fields_of_a_multipart_form_are_parsed(client: Client) -> None:
    files = {"file": ("a.txt", b"content")}
    assert client.post("/", {"a": "1"}, files=files).json()["seen"] == {"a": "1"}


def test_no_body_is_an_empty_form(client: Client) -> None:
    assert client.post("/").json() == {"seen": {}}


REFUSED = [
    ("application/json", b"{", 400),
    ("application/json", b"\xff", 400),
    ("application/json", b"[" * 900, 400),
    ("application/json", b'{"a": NaN}', 400),
    ("application/x-www-form-urlencoded", b"a=\xff", 400),
    ("multipart/form-data; boundary=x", b"garbage", 400),
    ("application/json", b"1" * 2000, 413),
    ("application/x-www-form-urlencoded", b"a=" + b"x" * 2000, 413),
    ("text/plain", b"{}", 415),
    ("application/xml", b"<a/>", 415),
    ("", b"{}", 415),
]


@pytest.mark.parametrize(("content_type", "body", "status"), REFUSED)
def test_what_can_not_be_read_is_refused_before_the_view(
    client: Client, content_type: str, body: bytes, status: int
) -> None:
    response = client.post("/", data=body, environ={"CONTENT_TYPE": content_type})
    assert response.status_code == status
    assert ran == []


def test_a_safe_request_is_not_looked_at(client: Client) -> None:
    assert client.get("/", environ={"CONTENT_TYPE": "text/plain"}).json() == {"seen": {}}


def test_without_the_middleware_the_body_is_parsed_when_the_view_reads_it() -> None:
    client = Client(make_app([path("/", view, ["POST"])], MIDDLEWARES=[]))
    assert client.post("/", json=[1]).json() == {"seen": [1]}
    ran.clear()
    assert client.post("/", data=b"{", environ={"CONTENT_TYPE": "application/json"}).status_code == 400
    assert ran == ["POST"]
