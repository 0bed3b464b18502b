"""Errors: pages for people, documents for programs, a report for developers, and nothing for attackers."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lback.core.exceptions import BadRequest, Forbidden, HTTPException, NotFound, TooManyRequests, ValidationError
from lback.core.request import Request
from lback.core.response import Response
from lback.core.testing import Client, make_app
from lback.utils.urls import path

HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


def raising(error: Exception, **settings: Any) -> Client:
    def view(request: Request) -> Response:
        raise error

    return Client(make_app([path("/", view, ["GET", "POST"])], **settings))


# -- pages ------------------------------------------------------------------------------------------------------------


def test_an_exception_gives_its_status_message_and_headers() -> None:
    response = raising(TooManyRequests("Slow down.", headers={"Retry-After": "5"})).get("/")
    assert (response.status_code, response.headers["retry-after"]) == (429, "5")
    assert "Slow down." in response.text


def test_every_message_is_escaped() -> None:
    assert "<script>" not in raising(BadRequest("a\r\nX: y<script>")).get("/").text.replace("<style", "")


def test_a_page_does_not_repeat_the_address_of_a_link_that_somebody_made_up() -> None:
    response = Client(make_app([])).get("/Go%20to%20evil.com/")
    assert response.status_code == 404
    assert "evil.com" not in response.text


def test_an_unexpected_exception_tells_visitors_nothing_and_the_log_everything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = raising(RuntimeError("the password is s3cr3t")).get("/", headers=HTML)
    assert response.status_code == 500
    assert not any(word in response.text for word in ("s3cr3t", "RuntimeError", "Traceback", __file__))
    assert "the password is s3cr3t" in caplog.text


def test_a_project_has_pages_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "404.html").write_text("own {{ status }} {{ title }}: {{ message }} {{ request.path }}")
    client = Client(make_app([], BASE_DIR=tmp_path))
    assert client.get("/<x>/").text.startswith("own 404 Not Found: ")
    assert "/&lt;x&gt;/" in client.get("/<x>/").text
    (tmp_path / "templates" / "error.html").write_text("any {{ status }}")
    assert raising(Forbidden(), BASE_DIR=tmp_path).get("/").text == "any 403"


def test_a_page_that_fails_still_answers_with_the_status(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "404.html").write_text("{{ 1 / 0 }}")
    response = Client(make_app([], BASE_DIR=tmp_path)).get("/x/")
    assert (response.status_code, "404 Not Found" in response.text) == (404, True)
    assert "failed" in caplog.text


# -- documents --------------------------------------------------------------------------------------------------------


def test_programs_get_a_problem_document() -> None:
    response = raising(NotFound("No such course.", data={"course": 7})).get("/", headers=JSON)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "No such course.",
        "course": 7,
    }


def test_who_sends_json_gets_json() -> None:
    client = Client(make_app([path("/", lambda request: request.json, ["POST"])], MIDDLEWARES=[]))
    response = client.post("/", b"{", environ={"CONTENT_TYPE": "application/json"})
    assert (response.status_code, response.json()["title"]) == (400, "Bad Request")


def test_an_unexpected_exception_tells_programs_nothing_either() -> None:
    response = raising(RuntimeError("s3cr3t")).get("/", headers=JSON)
    assert response.status_code == 500
    assert "s3cr3t" not in response.text


# -- exceptions -------------------------------------------------------------------------------------------------------


def test_a_message_is_made_from_the_status_unless_given() -> None:
    assert NotFound().message == "There is nothing at this address."
    assert HTTPException("x", 418).status == 418
    with pytest.raises(ValueError, match="99"):
        HTTPException("x", 99)


def test_a_validation_error_fills_its_message() -> None:
    error = ValidationError("At most %(limit)d.", "max", {"limit": 5})
    assert (str(error), error.message, error.code) == ("At most 5.", "At most 5.", "max")
    assert str(ValidationError("100% wrong")) == "100% wrong"


# -- the report -------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


# Put together, as the report also shows the source.
SECRET = "s3cr3t-" + "in-"
ATTACK = "</title><script>alert(1)</script><img src=x onerror=alert(1)>"


def breaks(request: Request) -> Response:
    password = "s3cr3t-" + "in-a-local"  # noqa: F841 - shown in the report, masked
    headers = {"Authorization": "Bearer s3cr3t-" + "in-a-dict"}  # noqa: F841
    harmless = ATTACK  # noqa: F841
    try:
        raise KeyError(ATTACK)  # noqa: TRY301 - the report shows both
    except KeyError as error:
        raise ValueError(ATTACK) from error


@pytest.fixture
def report() -> Any:
    client = Client(make_app([path("/<b>/", breaks)], DEBUG=True, EMAIL_PASSWORD=SECRET + "settings"))
    client.cookies["session_id"] = SECRET + "a-cookie"
    headers = {**HTML, "Authorization": f"Bearer {SECRET}a-header", "X-Harmless": ATTACK}
    return client.get(f"/<b>/?token={SECRET}the-query&q=1", headers=headers)


def test_with_debug_on_the_report_shows_the_chain_the_code_and_the_variables(report: Any) -> None:
    assert report.status_code == 500
    for text in ("ValueError", "Caused by", "KeyError", "raise ValueError(ATTACK)", "harmless", "Settings", "breaks"):
        assert text in report.text


def test_the_report_masks_secrets_by_their_names(report: Any) -> None:
    for place in ("settings", "a-cookie", "a-header", "the-query", "a-local", "a-dict"):
        assert f"{SECRET}{place}" not in report.text


def test_the_report_runs_nothing(report: Any) -> None:
    tags = Tags(report.text).tags
    assert not {tag for tag, _ in tags} & {"script", "img", "form", "iframe", "input", "button", "link", "object"}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]
    policy = report.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce is not None
    assert policy == (
        f"default-src 'none'; style-src 'nonce-{nonce[1]}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_who_does_not_read_html_gets_the_traceback_as_text() -> None:
    response = Client(make_app([path("/", breaks)], DEBUG=True)).get("/", headers={"Accept": "*/*"})
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text.startswith("Traceback (most recent call last)")
    assert f"{SECRET}a-local" not in response.text


def test_a_value_whose_repr_fails_does_not_spoil_the_report() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    def view(request: Request) -> Response:
        broken = Broken()  # noqa: F841
        huge = "x" * 1_000_000  # noqa: F841
        raise RuntimeError

    response = Client(make_app([path("/", view)], DEBUG=True)).get("/", headers=HTML)
    assert "its repr raised RuntimeError" in response.text
    assert len(response.text) < 100_000


def test_the_report_is_only_for_allowed_hosts() -> None:
    client = Client(make_app([path("/", breaks)], DEBUG=True), host="evil.com")
    response = client.get("/", headers=HTML)
    assert response.status_code == 400
    assert "breaks" not in response.text


@pytest.mark.parametrize("address", ["/console", "/?__debugger__=yes&cmd=1", "/__debug__/"])
def test_there_is_no_console(address: str) -> None:
    client = Client(make_app([path("/", breaks)], DEBUG=True))
    assert client.get(address, headers=HTML).status_code in (404, 500)
