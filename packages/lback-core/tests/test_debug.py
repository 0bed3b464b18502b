"""The report of an unexpected exception with DEBUG on: it shows much, runs nothing, and gives no secret away."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lback.core.request import Request
from lback.core.response import Response
from lback.core.testing import Client, make_app
from lback.utils.urls import path

HTML = {"Accept": "text/html"}


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


# -- secrets ----------------------------------------------------------------------------------------------------------


class Account:
    """A class that shows itself as data classes do."""

    def __init__(self, **fields: str) -> None:
        self.fields = fields

    def __repr__(self) -> str:
        return f"Account({', '.join(f'{name}={value!r}' for name, value in self.fields.items())})"


HIDING = {
    "a list of mappings": [{"password": SECRET}],
    "an object": Account(name="ada", password=SECRET),
    "an address": f"postgresql://shop:{SECRET}@localhost/shop",
    "a query string": f"/reset/?token={SECRET}&page=2",
    "a header": f"Authorization: Bearer {SECRET}",
    "text of JSON": f'{{"api_key": "{SECRET}"}}',
    "several values": {"tokens": [SECRET, SECRET]},
    "bytes": {"secret": SECRET.encode()},
    "an exception": RuntimeError(f"password={SECRET}"),
}


@pytest.mark.parametrize("where", HIDING)
def test_a_secret_inside_a_value_is_masked_by_the_name_before_it(where: str) -> None:
    def view(request: Request) -> Response:
        harmless = HIDING[where]  # noqa: F841
        raise ValueError(HIDING[where])

    client = Client(make_app([path("/", view)], DEBUG=True))
    for accept in ("text/html", "text/plain", "application/json"):
        assert SECRET not in client.get("/", headers={"Accept": accept}).text


def test_what_is_not_secret_is_shown_beside_it() -> None:
    def view(request: Request) -> Response:
        account = Account(name="ada", password=SECRET, city="London")  # noqa: F841
        raise ValueError

    text = Client(make_app([path("/", view)], DEBUG=True)).get("/", headers=HTML).text
    assert "Account(name=&#39;ada&#39;, password=********, city=&#39;London&#39;)" in text


def test_a_form_that_was_read_is_shown_without_its_passwords() -> None:
    def view(request: Request) -> Response:
        raise ValueError(request.form["city"])

    client = Client(make_app([path("/", view, ["POST"])], DEBUG=True, MIDDLEWARES=[]))
    text = client.post("/", {"city": "Paris", "password": SECRET}, headers=HTML).text
    assert '<th scope="row">city</th><td>&#39;Paris&#39;</td>' in text
    assert SECRET not in text


# -- what must not spoil it -------------------------------------------------------------------------------------------


def test_a_template_of_the_project_with_its_name_that_fails_leaves_the_text(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "debug.html").write_text("{{ 1 / 0 }}")
    response = Client(make_app([path("/", breaks)], DEBUG=True, BASE_DIR=tmp_path)).get("/", headers=HTML)
    assert response.status_code == 500
    assert response.text.startswith("Traceback (most recent call last)")


def test_an_endless_recursion_shows_its_beginning_and_its_end() -> None:
    def again(depth: int) -> int:
        return again(depth + 1)

    def view(request: Request) -> Response:
        return Response(str(again(0)))

    text = Client(make_app([path("/", view)], DEBUG=True)).get("/", headers=HTML).text
    assert "RecursionError" in text
    assert "return Response(str(again(0)))" in text
    assert text.count("<details") < 60


def test_the_members_of_a_group_are_shown() -> None:
    def view(request: Request) -> Response:
        raise ExceptionGroup("several", [KeyError("first"), OSError("second")])

    text = Client(make_app([path("/", view)], DEBUG=True)).get("/", headers=HTML).text
    assert all(word in text for word in ("several", "One of them", "KeyError", "OSError", "second"))


def test_a_large_value_takes_no_time_to_leave_out() -> None:
    def view(request: Request) -> Response:
        numbers = list(range(3_000_000))  # noqa: F841
        raise RuntimeError

    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    client = Client(make_app([path("/", view)], DEBUG=True))
    client.get("/", headers=HTML)
    sys.setprofile(count)
    try:
        assert client.get("/", headers=HTML).status_code == 500
    finally:
        sys.setprofile(None)
    assert calls < 100_000


def test_with_debug_off_there_is_no_report() -> None:
    response = Client(make_app([path("/", breaks)])).get("/", headers=HTML)
    assert response.status_code == 500
    assert not any(word in response.text for word in ("ValueError", "breaks", ".py", "Traceback", "Settings"))


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_a_secret_of_the_settings_is_known_under_any_name(accept: str) -> None:
    def view(request: Request) -> str:
        harmless = f"amqp {request.config.BROKER_PASSWORD} <&>"
        raise ValueError(harmless)

    # Put together, as the report also shows the source.
    password = "a<b>&" + "long" + "-one"
    page = Client(make_app([path("/", view)], DEBUG=True, BROKER_PASSWORD=password)).get(
        "/", headers={"Accept": accept}
    )
    assert (page.status_code, "amqp" in page.text) == (500, True)
    assert "long" + "-one" not in page.text
