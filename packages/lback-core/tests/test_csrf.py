"""CSRF: a request that another site made the browser send does nothing."""

from typing import Any

import pytest

from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.security.csrf import COOKIE, FIELD, csrf_exempt, csrf_input, get_token, rotate_token
from lback.utils.urls import path

MIDDLEWARES = ["lback.middlewares.csrf.CSRFMiddleware"]


def form(request: Request) -> str:
    return get_token(request)


def sent(request: Request) -> str:
    return "done"


def rotates(request: Request) -> str:
    rotate_token(request)
    return "rotated"


@csrf_exempt
def hook(request: Request) -> str:
    return "hooked"


URLPATTERNS = [
    path("/form/", form),
    path("/input/", lambda request: csrf_input()),
    path("/plain/", lambda request: "plain"),
    path("/send/", sent, ["POST", "PUT", "PATCH", "DELETE"]),
    path("/rotate/", rotates, ["GET"]),
    path("/hook/", hook, ["POST"]),
    path("/half/", form, ["GET"]),
    path("/half/", hook, ["POST"]),
]


@pytest.fixture(params=[False, True], ids=["http", "https"])
def client(request: pytest.FixtureRequest) -> Client:
    return visitor(https=request.param)


def visitor(https: bool = False, **settings: Any) -> Client:
    client = Client(make_app(URLPATTERNS, MIDDLEWARES=MIDDLEWARES, **settings), https=https)
    client.site = f"{'https' if https else 'http'}://testserver"  # type: ignore[attr-defined]
    return client


def send(client: Client, token: str | None = None, address: str = "/send/", **headers: str) -> int:
    """Send a form as the browser does from a page of the site; headers in the way of keyword arguments."""
    values = {"Origin": client.site}  # type: ignore[attr-defined]
    values |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = {} if token is None else {FIELD: token}
    return client.post(address, data, headers={k: v for k, v in values.items() if v}).status_code


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_form_with_its_token_is_accepted(client: Client) -> None:
    assert send(client, client.get("/form/").text) == 200


def test_a_script_sends_the_token_in_a_header(client: Client) -> None:
    assert send(client, X_CSRF_Token=client.get("/form/").text) == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_unsafe_method_needs_a_token(method: str) -> None:
    client = visitor()
    assert client.request(method, "/send/").status_code == 403
    assert client.request(method, "/send/", headers={"X-CSRF-Token": client.get("/form/").text}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_need_none(method: str) -> None:
    assert visitor().request(method, "/plain/").status_code < 300


def test_every_page_has_another_token_and_all_are_good() -> None:
    client = visitor()
    one, two = client.get("/form/").text, client.get("/form/").text
    assert one != two
    assert send(client, one) == send(client, two) == 200


@pytest.mark.parametrize("token", [None, "", "x", "A" * 86 + "==", "é" * 10, "A" * 100_000, "%%%"])
def test_no_token_or_a_made_up_one_is_refused(token: str | None) -> None:
    client = visitor()
    client.get("/form/")
    assert send(client, token) == 403


def test_a_token_without_the_cookie_is_refused() -> None:
    client = visitor()
    token = client.get("/form/").text
    client.cookies.clear()
    assert send(client, token) == 403


def test_the_token_of_another_visitor_is_refused() -> None:
    client, attacker = visitor(), visitor()
    client.get("/form/")
    assert send(client, attacker.get("/form/").text) == 403


def test_a_cookie_that_the_site_did_not_sign_is_refused() -> None:
    client, attacker = visitor(), visitor(SECRET_KEY="the-key-of-an-attacker-0123456789-abcdef")
    token = attacker.get("/form/").text
    client.cookies |= attacker.cookies
    assert send(client, token) == 403


def test_a_token_from_before_a_login_is_worth_nothing_after_it() -> None:
    client = visitor()
    token = client.get("/form/").text
    client.get("/rotate/")
    assert send(client, token) == 403
    assert send(client, client.get("/form/").text) == 200


# -- where it comes from ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.com",
        "null",
        "http://testserver.evil.com",
        "http://eviltestserver",
        "http://testserver:81",
        "ftp://testserver",
        "testserver",
        "http://testserver/",
    ],
)
def test_the_right_token_from_another_site_is_refused(origin: str) -> None:
    client = visitor()
    assert send(client, client.get("/form/").text, Origin=origin) == 403


@pytest.mark.parametrize(
    ("https", "host"),
    [(True, "testserver:443"), (False, "testserver:80"), (True, "TestServer"), (False, "TESTSERVER:80")],
)
def test_the_own_site_may_be_named_with_its_port_or_in_capitals(https: bool, host: str) -> None:
    client = visitor(https=https)
    assert send(client, client.get("/form/").text, Host=host) == 200


@pytest.mark.parametrize(
    ("https", "host"), [(True, "testserver:80"), (False, "testserver:443"), (True, "testserver:8")]
)
def test_another_port_is_another_site(https: bool, host: str) -> None:
    client = visitor(https=https)
    assert send(client, client.get("/form/").text, Host=host) == 403


def test_a_trusted_site_may_send_forms() -> None:
    client = visitor(TRUSTED_ORIGINS=["https://app.example.org"])
    assert send(client, client.get("/form/").text, Origin="https://app.example.org") == 200
    assert send(client, client.get("/form/").text, Origin="https://app.example.org.evil.com") == 403


@pytest.mark.parametrize(("site", "status"), [("same-origin", 200), ("cross-site", 403), ("same-site", 403), ("", 403)])
def test_a_page_that_hides_its_origin_is_believed_when_the_browser_says_it_is_of_the_site(
    site: str, status: int
) -> None:
    """With "Referrer-Policy: no-referrer" browsers send "Origin: null" from a page of the site itself."""
    client = visitor(https=True)
    assert send(client, client.get("/form/").text, Origin="null", Sec_Fetch_Site=site) == status


def test_a_page_of_the_site_needs_its_token_all_the_same() -> None:
    assert send(visitor(https=True), "made-up", Origin="null", Sec_Fetch_Site="same-origin") == 403


@pytest.mark.parametrize("origin", ["app.example.org", "https://app.example.org/", "https://App.example.org", "*", 7])
def test_a_trusted_site_that_no_browser_would_name_stops_the_start(origin: Any) -> None:
    with pytest.raises(ConfigurationError, match="TRUSTED_ORIGINS lists origins"):
        visitor(TRUSTED_ORIGINS=[origin])


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_without_an_origin_the_browsers_word_on_the_site_counts(site: str, status: int) -> None:
    client = visitor()
    assert send(client, client.get("/form/").text, Origin="", Sec_Fetch_Site=site) == status


@pytest.mark.parametrize(
    ("referer", "status"),
    [
        ("https://testserver/form/", 200),
        ("", 403),
        ("https://evil.com/https://testserver/", 403),
        ("http://testserver/", 403),
        ("https://[", 403),
    ],
)
def test_on_https_without_an_origin_the_referer_must_be_of_the_site(referer: str, status: int) -> None:
    client = visitor(https=True)
    assert send(client, client.get("/form/").text, Origin="", Referer=referer) == status


# -- who needs none ---------------------------------------------------------------------------------------------------


def test_a_bearer_token_without_cookies_needs_no_other_token() -> None:
    assert send(visitor(), Authorization="Bearer abc", Origin="https://elsewhere.org") == 200


def test_a_bearer_token_beside_a_cookie_does_not_help() -> None:
    client = visitor()
    client.cookies["session_id"] = "x"
    assert send(client, Authorization="Bearer abc") == 403


def test_a_view_that_is_marked_needs_none() -> None:
    assert send(visitor(), address="/hook/", Origin="https://elsewhere.org") == 200


def test_a_class_is_marked_as_a_whole() -> None:
    @csrf_exempt
    class Hooks:
        def post(self, request: Request) -> str:
            return "hooked"

    client = Client(make_app([path("/", Hooks)], MIDDLEWARES=MIDDLEWARES))
    assert client.post("/").text == "hooked"


def test_a_file_comes_with_the_token_in_its_form() -> None:
    client = visitor()
    data = {FIELD: client.get("/form/").text}
    assert client.post("/send/", data, files={"file": ("a.txt", b"x")}).status_code == 200
    assert client.post("/send/", {}, files={"file": ("a.txt", b"x")}).status_code == 403


def test_a_token_in_the_address_does_not_count() -> None:
    client = visitor()
    assert client.post(f"/send/?{FIELD}={client.get('/form/').text}").status_code == 403


def test_the_mark_is_of_the_view_that_answers_the_method() -> None:
    assert send(visitor(), address="/half/") == 200


# -- cookie and input -------------------------------------------------------------------------------------------------


def test_a_page_without_a_form_gets_no_cookie() -> None:
    response = visitor().get("/plain/")
    assert response.cookies_set == []
    assert "vary" not in response.headers


def test_the_cookie_is_bound_to_the_host_on_https() -> None:
    (cookie,) = visitor(https=True).get("/form/").cookies_set
    assert cookie.startswith(f"__Host-{COOKIE}=")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")


def test_a_page_with_a_token_is_not_shared_by_caches() -> None:
    assert visitor().get("/form/").headers["vary"] == "Cookie"


def test_the_input_belongs_to_the_current_request() -> None:
    client = visitor()
    text = client.get("/input/").text
    assert text.startswith(f'<input type="hidden" name="{FIELD}" value="')
    assert send(client, text.split('value="')[1].split('"')[0]) == 200


def test_outside_of_a_request_the_input_is_empty() -> None:
    assert csrf_input() == ""


def test_without_the_middleware_the_input_is_empty() -> None:
    assert Client(make_app(URLPATTERNS, MIDDLEWARES=[])).get("/input/").text == ""


def test_the_test_client_can_send_what_the_middleware_accepts() -> None:
    assert visitor().csrf_post("/send/").status_code == 200


@pytest.mark.parametrize(("address", "status"), [("/nowhere/", 404), ("/plain/", 405), ("/send", 308)])
def test_where_no_view_answers_the_answer_says_so(address: str, status: int) -> None:
    assert visitor().post(address).status_code == status


def test_a_method_of_a_class_may_be_marked_alone() -> None:
    class View:
        @csrf_exempt
        def post(self, request: Request) -> str:
            return "done"

        def put(self, request: Request) -> str:
            return "done"

    client = Client(make_app([path("/", View)], MIDDLEWARES=MIDDLEWARES))
    assert (client.post("/").status_code, client.put("/").status_code) == (200, 403)
