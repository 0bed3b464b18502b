"""Errors: pages for people, documents for programs, and nothing for attackers."""

import logging
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


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
@pytest.mark.parametrize("debug", [True, False])
def test_an_exception_that_can_not_tell_what_it_is_is_a_500_like_any_other(accept: str, debug: bool) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert raising(Silent(), DEBUG=debug).get("/", headers={"Accept": accept}).status_code == 500


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("x"), 500), (NotFound(), 404)])
def test_not_even_a_log_that_fails_stops_the_answer(error: Exception, status: int, tmp_path: Path) -> None:
    class Full(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("No space left on device")

    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "404.html").write_text("{{ 1 / 0 }}")
    handler = Full()
    logging.getLogger("lback").addHandler(handler)
    try:
        response = raising(error, BASE_DIR=tmp_path).get("/", headers=HTML)
    finally:
        logging.getLogger("lback").removeHandler(handler)
    assert (response.status_code, f"<h1>{status} " in response.text) == (status, True)


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
