"""Responses: status, headers, cookies, and data as JSON."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.cookies import format_cookie, parse_cookies
from lback.core.datastructures import Headers, MultiDict
from lback.core.response import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from lback.utils.response_helpers import json_response


def test_the_status_is_given_by_either_name() -> None:
    assert (Response("", status=201).status_code, Response("", status_code=201).status_code) == (201, 201)
    assert Response("", 404).status_line == "404 Not Found"


@pytest.mark.parametrize("status", [0, 99, 100, 103, 999, "200 OK\r\nX: y"])
def test_a_status_is_one_that_http_has(status: Any) -> None:
    with pytest.raises(ValueError, match="HTTP status such as"):
        Response("", status)


def test_the_body_is_text_or_bytes() -> None:
    assert (Response("é").body, Response(b"\xff").body) == ("é".encode(), b"\xff")


def test_each_kind_has_its_content_type() -> None:
    kinds = [r.headers["Content-Type"] for r in (HTMLResponse("x"), JSONResponse([]), RedirectResponse("/"))]
    assert kinds == ["text/html; charset=utf-8", "application/json", "text/html; charset=utf-8"]


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_no_length_and_no_type(status: int) -> None:
    response = Response("", status)
    assert response.get_wsgi_response()[1:] == ([], [])


def test_json_is_compact_and_knows_the_usual_types() -> None:
    data = {
        "at": datetime(2026, 11, 26, tzinfo=UTC),
        "id": uuid.UUID(int=7),
        "price": Decimal("1.50"),
        "tags": {"a"},
        "é": None,
    }
    assert json_response(data, status=201).text == (
        '{"at":"2026-11-26T00:00:00+00:00","id":"00000000-0000-0000-0000-000000000007","price":"1.50",'
        '"tags":["a"],"é":null}'
    )


@pytest.mark.parametrize("data", [float("nan"), float("inf"), object()])
def test_what_json_does_not_have_is_refused(data: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        JSONResponse(data)


# -- headers ----------------------------------------------------------------------------------------------------------


def test_headers_are_found_without_regard_to_case_and_keep_theirs() -> None:
    headers = Headers({"X-One": "1"})
    headers["x-one"] = "2"
    assert (headers["X-ONE"], headers.to_list(), "x-One" in headers) == ("2", [("x-one", "2")], True)


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "a\rb", "a\0b", "a\x1bb", "a\u0131b", "a\x7fb"])
def test_a_header_value_can_not_begin_another_header(value: str) -> None:
    with pytest.raises(ValueError, match="X-One"):
        Response("").headers["X-One"] = value


@pytest.mark.parametrize("name", ["", "X One", "X:One", "X\r\nY", "Ä"])
def test_a_header_name_is_a_token(name: str) -> None:
    with pytest.raises(ValueError, match="header name"):
        Response("").headers[name] = "1"


def test_a_redirect_can_not_carry_a_header_along() -> None:
    with pytest.raises(ValueError, match="Location"):
        RedirectResponse("/x\r\nSet-Cookie: a=b")


def test_vary_names_each_header_once() -> None:
    headers = Headers()
    for name in ("Cookie", "Origin", "cookie"):
        headers.add_vary(name)
    assert headers["Vary"] == "Cookie, Origin"
    headers["Vary"] = "*"
    headers.add_vary("Cookie")
    assert headers["Vary"] == "*"


# -- cookies ----------------------------------------------------------------------------------------------------------


def test_a_cookie_is_http_only_and_lax_unless_said_otherwise() -> None:
    assert format_cookie("a", "1") == "a=1; Path=/; HttpOnly; SameSite=Lax"
    full = format_cookie("a", "1", max_age=60, domain="x.org", path="/p", secure=True, httponly=False, samesite="None")
    assert full == "a=1; Domain=x.org; Path=/p; Max-Age=60; Secure; SameSite=None"


def test_a_response_may_set_several_cookies() -> None:
    response = Response("")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    assert [value[:3] for name, value in response.get_wsgi_response()[1] if name == "Set-Cookie"] == ["a=1", "b=2"]


def test_a_deleted_cookie_is_expired() -> None:
    response = Response("")
    response.delete_cookie("a")
    assert "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" in response.cookies[0][1]


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "a b"},
        {"name": ""},
        {"value": "a;b"},
        {"value": "a\r\nb"},
        {"value": "é"},
        {"path": "/; Domain=x"},
        {"domain": "x\r\n"},
        {"samesite": "Sometimes"},
        {"samesite": "None"},
        {"name": "__Host-a"},
        {"name": "__Host-a", "secure": True, "domain": "x.org"},
        {"name": "__Host-a", "secure": True, "path": "/x"},
        {"name": "__Secure-a"},
    ],
)
def test_a_cookie_that_browsers_refuse_or_that_smuggles_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cookie|Cookie|SameSite"):
        format_cookie(**{"name": "a", "value": "1", **arguments})


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1; a=2", {"a": "1"}),
        ("=__Host-session=x", {}),
        ("a", {}),
        ("", {}),
        ('a="q"', {"a": "q"}),
        ("a=b=c", {"a": "b=c"}),
        (";;; ;", {}),
    ],
)
def test_cookies_without_a_name_are_ignored_and_the_first_of_a_name_counts(
    header: str, cookies: dict[str, str]
) -> None:
    assert parse_cookies(header) == cookies


@given(st.text())
def test_no_header_breaks_the_cookie_parser(header: str) -> None:
    assert all(name and isinstance(value, str) for name, value in parse_cookies(header).items())


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), st.from_regex(r"[A-Za-z0-9_.~+/=-]{0,50}", fullmatch=True)
)
def test_a_cookie_that_can_be_set_comes_back(name: str, value: str) -> None:
    try:
        sent = format_cookie(name, value)
    except ValueError:
        assert name.startswith("__")
        return
    assert parse_cookies(sent.partition(";")[0]) == {name: value}


# -- several values ---------------------------------------------------------------------------------------------------


def test_a_multidict_shows_the_last_value_and_keeps_them_all() -> None:
    values = MultiDict([("a", "1"), ("b", "2"), ("a", "3")])
    assert (values["a"], values.getlist("a"), dict(values)) == ("3", ["1", "3"], {"a": "3", "b": "2"})
    assert list(values.lists()) == [("a", ["1", "3"]), ("b", ["2"])]
    assert list(values.pairs()) == [("a", "1"), ("a", "3"), ("b", "2")]
    assert values.getlist("none") == []


def test_a_value_can_be_asked_for_as_a_type() -> None:
    values = MultiDict([("n", "7"), ("x", "seven")])
    assert values.get("n", type=int) == 7
    assert values.get("x", 1, type=int) == 1
    assert values.get("none", 2, type=int) == 2


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("/straße/?q=é b", "/stra%C3%9Fe/?q=%C3%A9%20b"),
        ("/a%20b/?x=%C3%A9&y=[1]#part", "/a%20b/?x=%C3%A9&y=[1]#part"),
        ("https://example.org/ö", "https://example.org/%C3%B6"),
        ("/\\evil.example", "/%5Cevil.example"),
    ],
)
def test_a_redirect_escapes_what_an_address_can_not_hold(address: str, location: str) -> None:
    assert RedirectResponse(address).headers["Location"] == location


@pytest.mark.parametrize("body", [42, {"a": 1}, ["a"], object()])
def test_a_body_is_text_or_bytes(body: Any) -> None:
    with pytest.raises(TypeError, match="The body of a Response is text or bytes"):
        Response(body)


def test_no_body_is_an_empty_one() -> None:
    assert Response(None).body == b""


@pytest.mark.parametrize("pieces", [42, None])
def test_a_streaming_response_needs_something_to_iterate_over(pieces: Any) -> None:
    with pytest.raises(TypeError, match="needs pieces of text or bytes"):
        StreamingResponse(pieces)


def test_text_for_a_streaming_response_is_one_piece() -> None:
    assert list(StreamingResponse("text").get_wsgi_response()[2]) == [b"text"]


def test_a_length_that_was_set_by_hand_is_sent_once() -> None:
    headers = Response("four", headers={"Content-Length": "9"}).get_wsgi_response()[1]
    assert [value for name, value in headers if name == "Content-Length"] == ["4"]


def test_a_multidict_changes_as_a_whole() -> None:
    values = MultiDict([("a", "1"), ("a", "2"), ("b", "3")])
    copied = values.copy()
    assert (values.pop("a"), values.getlist("a"), values.pop("a", "none")) == ("2", [], "none")
    values.update({"b": "4"}, c="5")
    assert (values.setdefault("c", "6"), values.getlist("b"), list(values.pairs())) == (
        "5",
        ["4"],
        [("b", "4"), ("c", "5")],
    )
    values |= {"b": "5"}
    assert (type(values), values.getlist("b"), list(values.pairs())) == (MultiDict, ["5"], [("b", "5"), ("c", "5")])
    values.clear()
    assert (dict(values), list(values.lists())) == ({}, [])
    assert copied.getlist("a") == ["1", "2"]


def test_other_white_space_is_a_part_of_the_name_of_a_cookie() -> None:
    # Browsers let any page of a sibling domain set this one; taken for __Host-session_id it would replace a session.
    cookies = parse_cookies("\u00a0__Host-session_id=forged; __Host-session_id=good; \x0b__Host-x=forged")
    assert cookies["__Host-session_id"] == "good"
    assert "__Host-x" not in cookies


def test_of_two_cookies_with_white_space_around_one_name_the_first_counts() -> None:
    assert parse_cookies("a =1; a=2")["a"] == "1"
