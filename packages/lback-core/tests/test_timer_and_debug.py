"""`TimerMiddleware` and `DebugMiddleware`: what a developer gets to see, and what nobody does."""

import io
import re
from typing import Any

import pytest

from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.response import JSONResponse, Response, StreamingResponse
from lback.core.testing import Client, make_app
from lback.utils.urls import path

TIMER = "lback.middlewares.timer.TimerMiddleware"
DEBUG = "lback.middlewares.debug.DebugMiddleware"


def reads(request: Request) -> Response:
    if request.is_json:
        return JSONResponse(request.json)
    request.form  # noqa: B018 - reading it parses
    response = Response("<p>Grüße</p>")
    response.set_cookie("session_id", "s3cr3t")
    return response


class Terminal:
    """What the server's error stream shows of requests to a site with the middleware."""

    def __init__(self, **params: Any) -> None:
        self.stream = io.StringIO()
        settings = params.pop("settings", {"DEBUG": True})
        view = params.pop("view", reads)
        routes = [path("/", view, ["GET", "POST"], name="home")]
        self.client = Client(make_app(routes, MIDDLEWARES=[{"class": DEBUG, "params": params}], **settings))

    def show(self, method: str = "GET", address: str = "/", **options: Any) -> str:
        environ = {"wsgi.errors": self.stream, **options.pop("environ", {})}
        self.client.request(method, address, environ=environ, **options)
        return self.stream.getvalue()


# -- the timer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/", "/nowhere/", "/fails/"])
def test_every_response_says_how_long_it_took(address: str) -> None:
    routes = [path("/", lambda request: "x"), path("/fails/", lambda request: 1 / 0)]
    response = Client(make_app(routes, MIDDLEWARES=[TIMER])).get(address)
    seconds = re.fullmatch(r"(\d+\.\d{4})s", response.headers["x-response-time"])
    assert seconds is not None
    assert 0 <= float(seconds[1]) < 10


def test_a_request_that_was_answered_before_the_timer_has_no_time() -> None:
    early = f"{__name__}.Early"
    assert "x-response-time" not in Client(make_app([], MIDDLEWARES=[early, TIMER])).get("/").headers
    assert "x-response-time" in Client(make_app([], MIDDLEWARES=[TIMER, early])).get("/").headers


class Early:
    def process_request(self, request: Request) -> Response:
        return Response("early")


# -- the debug display ------------------------------------------------------------------------------------------------


def test_the_request_and_the_response_are_shown() -> None:
    shown = Terminal().show("POST", "/?page=2", data={"name": "Zoë"}, headers={"Accept": "text/html"})
    assert "POST /?page=2\n" in shown
    assert "route: GET POST / (" in shown
    assert "\n  Accept: text/html\n" in shown
    assert r"form name = Zo\xeb" in shown
    assert re.search(r"\nresponse: 200 OK in \d+\.\d ms\n", shown)
    assert "\n  body: (14 bytes) <p>Gr" in shown


def test_an_error_is_shown_as_the_response_it_became() -> None:
    assert "response: 404 Not Found" in Terminal().show(address="/nowhere/")


def test_with_debug_off_nothing_is_shown() -> None:
    assert Terminal(settings={}).show() == ""


def test_it_can_be_turned_off_as_a_whole_or_in_part() -> None:
    assert Terminal(enabled=False).show() == ""
    assert "response:" not in Terminal(log_response=False).show()
    assert "Host:" not in Terminal(log_request=False).show()


def test_no_more_of_a_body_is_shown_than_was_asked_for() -> None:
    shown = Terminal(max_body_length=10, view=lambda request: "x" * 5000).show("POST", data={"a": "y" * 5000})
    assert "x" * 10 + "...\n" in shown
    assert "x" * 11 not in shown
    assert "y" * 10 not in shown  # the view did not read the form


def test_a_form_field_is_cut_too() -> None:
    shown = Terminal(max_body_length=10).show("POST", data={"a": "y" * 5000})
    assert "form a = " + "y" * 10 + "...\n" in shown


def test_a_body_that_is_no_text_is_not_shown() -> None:
    shown = Terminal(view=lambda request: Response(b"\x00\xff", content_type="image/png")).show()
    assert "body: (2 bytes)\n" in shown


def test_a_streamed_body_is_left_alone() -> None:
    terminal = Terminal(view=lambda request: StreamingResponse(["a"]))
    assert "body: streamed" in terminal.show()


def test_files_are_named_and_not_shown() -> None:
    shown = Terminal().show("POST", files={"picture": ("cat.png", b"PNG-content", "image/png")})
    assert "file picture = cat.png (11 bytes)" in shown
    assert "PNG-content" not in shown


PAGE = """<meta name="csrf-token" content="s3cr3t"><input type=hidden name="csrfmiddlewaretoken" value="s3cr3t">
<input value=s3cr3t><input value='s3cr3t'> token=s3cr3t <p>shown</p>"""


def test_no_secret_is_shown() -> None:
    terminal = Terminal()
    headers = {"Cookie": "a=s3cr3t", "Authorization": "Bearer s3cr3t", "X-CSRF-Token": "s3cr3t"}
    headers["Referer"] = "https://example.org/?token=s3cr3t"
    terminal.show("POST", "/?token=s3cr3t&code=s3cr3t", data={"password": "s3cr3t", "name": "Ada"}, headers=headers)
    terminal.show("POST", json={"user": {"password": "s3cr3t", "pin_token": ["s3cr3t"]}, "name": "Ada"})
    shown = terminal.stream.getvalue()
    assert "s3cr3t" not in shown
    assert shown.count("Ada") == 3
    assert "Set-Cookie: ********" in shown
    page = Terminal(view=lambda request: PAGE).show()
    assert "s3cr3t" not in page
    assert "<p>shown</p>" in page


def test_what_a_client_sends_has_no_effect_on_the_terminal() -> None:
    shown = Terminal().show("POST", "/?\x1b[2J", data={"name": "\x1b[2J\r\n-------- GET /forged\u202e"})
    assert shown.replace("\n", "").isprintable()
    assert "\n-------- GET /forged" not in shown


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff", b"null", b'"x"'])
def test_whatever_is_sent_as_json_is_shown_or_counted(body: bytes) -> None:
    def raw(request: Request) -> Response:
        return Response(request.body, content_type="application/json")

    shown = Terminal(view=raw).show("POST", data=body, environ={"CONTENT_TYPE": "application/json"})
    assert shown.count(f"body: ({len(body)} bytes)") == 2


def test_the_bound_is_a_number() -> None:
    with pytest.raises(ConfigurationError, match="max_body_length"):
        Terminal(max_body_length=-1)
