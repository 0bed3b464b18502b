"""What a view reads from a request."""

from typing import Any

import pytest

from lback.core.request import Request
from lback.core.response import Response
from lback.core.testing import Client, make_app
from lback.utils.urls import path

METHODS = ["GET", "POST", "PUT"]


def ask(question: Any, method: str = "GET", address: str = "/", settings: Any = None, **options: Any) -> Any:
    """Send a request and return what `question` says of it, as JSON."""
    app = make_app([path("/", lambda request: {"it": question(request)}, METHODS)], MIDDLEWARES=[], **(settings or {}))
    https = options.pop("https", False)
    response = Client(app, https=https).request(method, address, **options)
    return response.json()["it"] if response.status_code == 200 else response.status_code


def test_the_query_is_read_as_get_and_query_params() -> None:
    assert ask(lambda r: [r.GET["a"], r.query_params.getlist("a")], address="/?a=1&a=2") == ["2", ["1", "2"]]


def test_a_form_is_read_under_all_its_names() -> None:
    assert ask(lambda r: [r.form["a"], r.POST["a"]], "POST", data={"a": "1"}) == ["1", "1"]


def test_files_are_read_under_both_names() -> None:
    files = {"doc": ("a.txt", b"hello", "text/plain")}
    question = lambda r: [r.files["doc"].name, r.FILES["doc"].size, r.files["doc"].read().decode()]  # noqa: E731
    assert ask(question, "POST", data={"a": "1"}, files=files) == ["a.txt", 5, "hello"]


def test_post_and_files_are_empty_for_other_methods_and_form_is_not() -> None:
    assert ask(lambda r: [dict(r.POST), dict(r.FILES), dict(r.form)], "PUT", data={"a": "1"}) == [{}, {}, {"a": "1"}]


def test_json_is_read_when_it_is_declared() -> None:
    assert ask(lambda r: r.json, "POST", json={"a": [1]}) == {"a": [1]}
    problem = {"CONTENT_TYPE": "application/problem+json"}
    assert ask(lambda r: r.json, "POST", data=b"[1]", environ=problem) == [1]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_json_under_another_type_is_a_415(kind: str) -> None:
    """A page of another site can send those types without asking; JSON it can't."""
    assert ask(lambda r: r.json, "POST", data=b"{}", environ={"CONTENT_TYPE": kind}) == 415


def test_the_body_is_read_once_as_bytes() -> None:
    assert ask(lambda r: [r.body.decode(), r.body.decode()], "POST", data=b"raw") == ["raw", "raw"]


def test_a_body_over_the_limit_is_a_413() -> None:
    assert ask(lambda r: r.body.decode(), "POST", data=b"x" * 101, settings={"MAX_REQUEST_BODY_SIZE": 100}) == 413


def test_headers_are_found_without_regard_to_case() -> None:
    question = lambda r: [r.headers["x-own"], r.headers.get("X-OWN"), r.headers["content-type"], "X-No" in r.headers]  # noqa: E731
    assert ask(question, "POST", data=b"", headers={"X-Own": "1", "Content-Type": "a/b"}) == ["1", "1", "a/b", False]


def test_cookies_are_read_by_name() -> None:
    assert ask(lambda r: r.cookies, headers={"Cookie": "a=1; b=2"}) == {"a": "1", "b": "2"}


def test_there_is_no_user_without_a_middleware_that_brings_one() -> None:
    assert ask(lambda r: r.user is None) is True


def test_a_missing_component_says_which_middleware_to_add() -> None:
    app = make_app([], MIDDLEWARES=[])
    request = Request(Client(app)._environ("GET", "/", b"", "", {}), app)
    with pytest.raises(AttributeError, match="add that to MIDDLEWARES"):
        request.session  # noqa: B018


def test_the_path_is_decoded_once_and_as_utf8() -> None:
    app = make_app([path("/{name}/", lambda request, name: [request.path, name])], MIDDLEWARES=[])
    assert Client(app).get("/%C3%A9%252e/").json() == ["/é%2e/", "é%2e"]


# -- behind a proxy ---------------------------------------------------------------------------------------------------

FORWARDED = {"X-Forwarded-For": "1.1.1.1, 9.9.9.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost"}
SEEN = staticmethod(lambda r: [r.remote_addr, r.scheme, r.host, r.is_secure])


def test_forwarded_headers_do_not_count_by_themselves() -> None:
    assert ask(SEEN, headers=FORWARDED) == ["127.0.0.1", "http", "testserver", False]


def test_forwarded_headers_count_from_trusted_hops_and_from_the_right() -> None:
    forwarded = FORWARDED | {"X-Forwarded-For": "6.6.6.6, 1.1.1.1"}
    assert ask(SEEN, headers=forwarded, settings={"TRUSTED_PROXIES": 1}) == ["1.1.1.1", "https", "localhost", True]


@pytest.mark.parametrize(("sent", "seen"), [("javascript", "http"), ("HTTPS", "http"), ("https, http", "http")])
def test_a_forwarded_scheme_is_one_of_two_words(sent: str, seen: str) -> None:
    assert ask(lambda r: r.scheme, headers={"X-Forwarded-Proto": sent}, settings={"TRUSTED_PROXIES": 1}) == seen


@pytest.mark.parametrize("sent", ["evil", "1.1.1.1:80<script>", ""])
def test_a_forwarded_address_that_is_none_does_not_count(sent: str) -> None:
    headers = {"X-Forwarded-For": sent}
    assert ask(lambda r: r.remote_addr, headers=headers, settings={"TRUSTED_PROXIES": 1}) == "127.0.0.1"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("1.2.3.4:5555", "1.2.3.4"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("[::1]", "::1"),
        ("2001:db8::80", "2001:db8::80"),
    ],
)
def test_a_forwarded_address_may_carry_a_port(sent: str, seen: str) -> None:
    headers = {"X-Forwarded-For": sent}
    assert ask(lambda r: r.remote_addr, headers=headers, settings={"TRUSTED_PROXIES": 1}) == seen


@pytest.mark.parametrize(
    ("sent", "seen"),
    [("LocalHost", "localhost"), ("localhost:80", "localhost"), ("localhost:8080", "localhost:8080")],
)
def test_a_host_is_in_lower_case_and_without_the_usual_port(sent: str, seen: str) -> None:
    assert ask(lambda r: [r.host, r.build_absolute_uri("/")], headers={"Host": sent}) == [seen, f"http://{seen}/"]


def test_a_forwarded_host_must_be_allowed_too() -> None:
    headers = {"X-Forwarded-Host": "evil.com"}
    assert ask(lambda r: r.host, headers=headers, settings={"TRUSTED_PROXIES": 1}) == 400


def test_absolute_addresses_are_made_from_the_host_that_was_checked() -> None:
    question = lambda r: [r.build_absolute_uri(), r.build_absolute_uri("/x/")]  # noqa: E731
    expected = ["https://testserver/?a=1", "https://testserver/x/"]
    assert ask(question, address="/?a=1", https=True) == expected


def test_uploads_are_closed_when_the_response_has_been_sent() -> None:
    kept: list[Any] = []

    def view(request: Request) -> Response:
        kept.append(request.files["doc"])
        return Response("")

    app = make_app([path("/", view, ["POST"])], MIDDLEWARES=[])
    Client(app).post("/", {}, files={"doc": ("a.txt", b"x")})
    assert kept[0].file.closed


def test_a_form_can_be_read_after_the_body() -> None:
    assert ask(lambda r: [r.body.decode(), r.form["a"]], "POST", data={"a": "1"}) == ["a=1", "1"]


def test_the_body_can_not_be_read_after_the_form() -> None:
    assert ask(lambda r: [r.form["a"], r.body.decode()], "POST", data={"a": "1"}) == 500


@pytest.mark.parametrize("address", ["/%00", "/?a=%00", "/?%00=a"])
def test_a_nul_in_an_address_is_a_400(address: str) -> None:
    assert ask(lambda r: list(r.GET), address=address) == 400


@pytest.mark.parametrize("data", [{"a": "x\0y"}])
def test_a_nul_in_a_form_is_a_400(data: dict[str, str]) -> None:
    assert ask(lambda r: list(r.form), "POST", data=data) == 400
    assert ask(lambda r: list(r.form), "POST", data=data, files={"f": ("a", b"x\0", "text/plain")}) == 400


def test_a_query_that_was_not_escaped_is_read_as_utf8() -> None:
    raw = "é".encode().decode("latin-1")
    assert ask(lambda r: r.GET["q"], environ={"QUERY_STRING": f"q={raw}"}) == "é"


def test_the_full_path_begins_where_the_application_is_mounted() -> None:
    mounted = {"SCRIPT_NAME": "/sh\u00c3\u00b6p"}
    assert ask(lambda r: r.full_path, address="/?a=1", environ=mounted) == "/sh%C3%B6p/?a=1"
    assert ask(lambda r: r.build_absolute_uri(), environ=mounted) == "http://testserver/sh%C3%B6p/"


def test_a_scheme_that_one_proxy_set_for_all_counts() -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "9.9.9.9"}
    question = lambda r: [r.scheme, r.remote_addr]  # noqa: E731
    assert ask(question, settings={"TRUSTED_PROXIES": 2}, headers=headers) == ["https", "127.0.0.1"]
