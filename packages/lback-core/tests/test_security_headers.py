"""The headers that every response carries."""

import secrets
from pathlib import Path
from typing import Any

import pytest

from lback.core.exceptions import ConfigurationError, HTTPException
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response
from lback.core.testing import Client, make_app
from lback.security.headers import with_nonce as with_nonce_in
from lback.utils.shortcuts import render
from lback.utils.urls import path

MIDDLEWARES = [
    "lback.middlewares.static_files.StaticFilesMiddleware",
    "lback.middlewares.security_headers.SecurityHeadersMiddleware",
]
EXPECTED = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
HSTS = "strict-transport-security"


def status(request: Request, code: int) -> Response:
    if code >= 400:
        raise HTTPException("", code)
    return RedirectResponse("/") if code == 302 else Response("", code)


def fails(request: Request) -> Response:
    raise RuntimeError


def with_nonce(request: Request) -> Response:
    return render(request, "nonce.html")


def client(tmp_path: Path, https: bool = False, **settings: Any) -> Client:
    (tmp_path / "static").mkdir(exist_ok=True)
    (tmp_path / "static" / "a.css").write_text("a{}")
    (tmp_path / "templates").mkdir(exist_ok=True)
    (tmp_path / "templates" / "nonce.html").write_text('<script nonce="{{ csp_nonce }}"></script>{{ csp_nonce }}')
    routes = [path("/s/{code:int}/", status), path("/fails/", fails), path("/nonce/", with_nonce)]
    app = make_app(routes, MIDDLEWARES=MIDDLEWARES, BASE_DIR=tmp_path, STATIC_DIRS=["static"], **settings)
    return Client(app, https=https)


@pytest.mark.parametrize(
    "address",
    [f"/s/{code}/" for code in (200, 204, 302, 304, 400, 401, 403, 404, 405, 413, 415, 429, 503)]
    + ["/fails/", "/nowhere/", "/static/a.css", "/static/none.css", "/s/200"],
)
def test_every_response_carries_them(tmp_path: Path, address: str) -> None:
    headers = client(tmp_path).get(address).headers
    policy = headers["content-security-policy"]
    # An error page has an inline style of its own, and a nonce for it.
    if "nonce-" not in policy:
        assert policy == EXPECTED["content-security-policy"]
    assert {name: headers[name] for name in EXPECTED if name != "content-security-policy"} == {
        name: value for name, value in EXPECTED.items() if name != "content-security-policy"
    }


def test_a_request_that_can_not_be_right_gets_them_too(tmp_path: Path) -> None:
    bad = client(tmp_path).get("/", environ={"PATH_INFO": "/\xff"})
    assert bad.status_code == 400
    assert bad.headers["x-content-type-options"] == "nosniff"


def test_an_error_after_the_middleware_has_them_all_the_same(tmp_path: Path) -> None:
    """The session is written down after the headers were set, and may be too large for its cookie."""

    def view(request: Request) -> Response:
        request.session["much"] = secrets.token_hex(4000)
        return Response("x")

    response = Client(make_app([path("/", view)])).get("/", headers={"Accept": "text/html"})
    assert response.status_code == 500
    assert response.headers["x-frame-options"] == "DENY"
    assert "style-src 'self' 'nonce-" in response.headers["content-security-policy"]


def test_hsts_goes_out_on_https_and_with_debug_off(tmp_path: Path) -> None:
    assert HSTS not in client(tmp_path).get("/s/200/").headers
    assert HSTS not in client(tmp_path, https=True, DEBUG=True).get("/s/200/").headers
    value = client(tmp_path, https=True).get("/s/200/").headers[HSTS]
    assert value == "max-age=31536000; includeSubDomains"


def test_a_setting_replaces_one_and_none_leaves_it_out(tmp_path: Path) -> None:
    settings = {"X_FRAME_OPTIONS": "SAMEORIGIN", "permissions-policy": None, "X-Own": "1", HSTS.upper(): None}
    headers = client(tmp_path, https=True, SECURITY_HEADERS=settings).get("/s/200/").headers
    assert (headers["x-frame-options"], headers["x-own"]) == ("SAMEORIGIN", "1")
    assert not {"permissions-policy", HSTS} & set(headers)


def test_a_header_that_the_view_sets_stays() -> None:
    app = make_app([path("/", lambda request: Response("", headers={"X-Frame-Options": "SAMEORIGIN"}))])
    assert Client(app).get("/").headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("value", [7, ["a"], "a\r\nb"])
def test_a_header_that_can_not_be_sent_stops_the_start(value: Any) -> None:
    with pytest.raises((ConfigurationError, ValueError)):
        make_app([], SECURITY_HEADERS={"X-Own": value})


def test_a_nonce_is_in_the_policy_when_the_page_uses_it_and_another_one_each_time(tmp_path: Path) -> None:
    visitor = client(tmp_path)
    one, two = visitor.get("/nonce/"), visitor.get("/nonce/")
    nonce = one.text.rpartition(">")[2]
    assert f"script-src 'self' 'nonce-{nonce}'" in one.headers["content-security-policy"]
    assert f'nonce="{nonce}"' in one.text
    assert one.text != two.text
    assert one.headers["cache-control"] == "private, no-store"
    assert "nonce-" not in visitor.get("/s/200/").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("script-src 'self'; img-src *", "script-src 'self' 'nonce-n'; img-src *"),
        (
            "default-src 'self'",
            "default-src 'self'; script-src 'self' 'nonce-n'; style-src 'self' 'nonce-n'",
        ),
        (
            "default-src 'none'; style-src 'none'",
            "default-src 'none'; style-src 'nonce-n'; script-src 'nonce-n'",
        ),
        ("script-src 'self' 'unsafe-inline'", "script-src 'self' 'unsafe-inline'"),
        ("frame-ancestors 'none';", "frame-ancestors 'none'"),
    ],
)
def test_a_nonce_goes_into_what_rules_scripts_and_styles(policy: str, expected: str) -> None:
    assert with_nonce_in(policy, "n") == expected
