"""CORS: which other sites' scripts may read an answer, and that nothing but what was allowed is."""

import logging
from typing import Any

import pytest

from lback.core.exceptions import ConfigurationError, NotFound
from lback.core.request import Request
from lback.core.testing import Client, TestResponse, make_app
from lback.utils.urls import path

MIDDLEWARE = "lback.middlewares.cors.CORSMiddleware"
APP = "https://app.example.org"


def fails(request: Request) -> str:
    raise NotFound


def page(request: Request, **variables: Any) -> str:
    return "page"


URLPATTERNS = [
    path("/", page, ["GET", "POST"]),
    path("/fails/", fails),
    path("/api/", page),
    path("/api/admin/", page),
    path("/apis/", page),
    path("/api/courses/{id:int}/", page),
    path("/api/courses/new/", page),
]


def client(**params: Any) -> Client:
    return Client(make_app(URLPATTERNS, MIDDLEWARES=[{"class": MIDDLEWARE, "params": params}]))


def ask(visitor: Client, address: str = "/", origin: str = APP, **headers: str) -> TestResponse:
    return visitor.get(address, headers={"Origin": origin, **headers})


def preflight(
    visitor: Client, address: str = "/", origin: str = APP, method: str = "PUT", **headers: str
) -> TestResponse:
    sent = {"Origin": origin, "Access-Control-Request-Method": method}
    return visitor.options(address, headers=sent | {name.replace("_", "-"): value for name, value in headers.items()})


def allowed(response: TestResponse) -> str | None:
    return response.headers.get("access-control-allow-origin")


def cors_headers(response: TestResponse) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


# -- what an origin may read ------------------------------------------------------------------------------------------


def test_an_origin_that_is_listed_may_read_the_answer() -> None:
    response = ask(client(allow_origins=[APP]))
    assert cors_headers(response) == {"access-control-allow-origin": APP}
    assert response.text == "page"


def test_both_spellings_mean_the_same() -> None:
    params = {"origins": [APP], "methods": ["PUT"], "headers": ["X-One"]}
    answers = [
        cors_headers(preflight(client(**{f"{verb}_{name}": value for name, value in params.items()})))
        for verb in ("allow", "allowed")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["access-control-allow-methods"] == "PUT"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "https://app.example.org.evil.example",
        "https://evil-app.example.org",
        "https://evil.example/https://app.example.org",
        "https://app.example.org:8443",
        "http://app.example.org",
        "https://APP.example.org",
        "https://app.example.org ",
        "https://app.example.orgx",
        "https://app",
        "",
        "*",
    ],
)
def test_no_other_origin_is_echoed(origin: str) -> None:
    visitor = client(allow_origins=[APP, "http://localhost:3000"], allow_credentials=True)
    assert cors_headers(ask(visitor, origin=origin)) == {}
    assert cors_headers(preflight(visitor, origin=origin)) == {}


def test_by_default_no_origin_may_read() -> None:
    assert cors_headers(ask(client())) == {}
    assert cors_headers(preflight(client())) == {}


def test_any_origin_gets_a_star_and_no_echo() -> None:
    for origin in (APP, "null"):
        response = ask(client(allow_origins=["*"]), origin=origin)
        assert allowed(response) == "*"
        assert "origin" not in response.headers.get("vary", "").lower()


def test_credentials_are_allowed_to_listed_origins() -> None:
    response = ask(client(allow_origins=[APP], allow_credentials=True))
    assert response.headers["access-control-allow-credentials"] == "true"


def test_headers_that_scripts_may_read_are_named() -> None:
    visitor = client(allow_origins=[APP], expose_headers=["X-Total", "Link"])
    assert ask(visitor).headers["access-control-expose-headers"] == "X-Total, Link"
    assert "access-control-expose-headers" not in preflight(visitor).headers


def test_caches_keep_answers_to_origins_apart() -> None:
    visitor = client(allow_origins=[APP])
    answers = [ask(visitor), ask(visitor, origin="https://evil.example"), visitor.get("/"), preflight(visitor)]
    assert all("Origin" in answer.headers["vary"].split(", ") for answer in answers)


def test_an_origin_may_read_an_error_as_well() -> None:
    response = ask(client(allow_origins=[APP]), "/fails/")
    assert (response.status_code, allowed(response)) == (404, APP)


# -- preflights -------------------------------------------------------------------------------------------------------


def test_a_preflight_is_answered_before_the_routing() -> None:
    response = preflight(client(allow_origins=[APP], allow_methods=["GET", "PUT"], max_age=60), "/nothing/here/")
    assert (response.status_code, response.body) == (204, b"")
    assert "allow" not in response.headers
    assert cors_headers(response) == {
        "access-control-allow-origin": APP,
        "access-control-allow-methods": "GET, PUT",
        "access-control-max-age": "60",
    }


def test_a_preflight_of_another_origin_is_a_204_without_the_headers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "lback.security")
    response = preflight(client(allow_origins=[APP]), "/a%0db/", origin="https://evil.example")
    assert (response.status_code, cors_headers(response)) == (204, {})
    assert [record.getMessage() for record in caplog.records if record.name == "lback.security"] == [
        "Refused 'OPTIONS' '/a\\rb/' from 127.0.0.1: The origin of the preflight is not allowed."
    ]


def test_options_that_is_no_preflight_is_routed() -> None:
    visitor = client(allow_origins=[APP])
    assert visitor.options("/").headers["allow"] == "GET, HEAD, OPTIONS, POST"
    response = visitor.options("/", headers={"Origin": APP})
    assert (response.headers["allow"], allowed(response)) == ("GET, HEAD, OPTIONS, POST", APP)


def test_headers_are_allowed_by_name_or_all() -> None:
    asked = {"Access_Control_Request_Headers": "x-one, content-type"}
    named = preflight(client(allow_origins=[APP], allow_headers=["X-One"]), **asked)
    assert named.headers["access-control-allow-headers"] == "X-One"
    every = preflight(client(allow_origins=[APP], allow_headers=["*"]), **asked)
    assert every.headers["access-control-allow-headers"] == "x-one, content-type"


@pytest.mark.parametrize("asked", ["x\x01y", "é", "a" * 5000, "a; b", ""])
def test_names_that_are_none_are_not_echoed(asked: str) -> None:
    response = preflight(client(allow_origins=[APP], allow_headers=["*"]), Access_Control_Request_Headers=asked)
    assert response.status_code == 204
    assert "access-control-allow-headers" not in response.headers


def test_all_methods_are_listed_as_a_star_does_not_count_with_credentials() -> None:
    response = preflight(client(allow_origins=[APP], allow_methods=["*"], allow_credentials=True))
    assert response.headers["access-control-allow-methods"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def test_private_networks_stay_private() -> None:
    for params in ({"allow_origins": ["*"]}, {"allow_origins": [APP], "allow_credentials": True}):
        response = preflight(client(**params), Access_Control_Request_Private_Network="true")
        assert "access-control-allow-private-network" not in response.headers


# -- rules by path ----------------------------------------------------------------------------------------------------


def test_a_rule_is_for_whole_segments_below_its_path() -> None:
    visitor = client(rules=[{"path": "/api/", "allow_origins": ["*"]}])
    assert [allowed(ask(visitor, address)) for address in ("/api/", "/api/admin/", "/apis/", "/")] == [
        "*",
        "*",
        None,
        None,
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_the_most_specific_rule_counts_in_any_order(order: int) -> None:
    rules = [{"path": "/api", "allow_origins": ["*"]}, {"path": "/api/admin", "allow_origins": []}][::order]
    visitor = client(rules=rules)
    assert allowed(ask(visitor, "/api/")) == "*"
    assert allowed(ask(visitor, "/api/admin/")) is None
    assert cors_headers(preflight(visitor, "/api/admin/")) == {}


def test_a_rule_for_a_route_goes_before_its_prefixes() -> None:
    rules = [
        {"path": "/api/courses/{id:int}/", "allow_origins": [APP]},
        {"path": "/api/courses/", "allow_origins": ["*"]},
    ]
    visitor = client(rules=rules)
    assert allowed(ask(visitor, "/api/courses/7/")) == APP
    assert allowed(ask(visitor, "/api/courses/new/")) == "*"


def test_a_rule_takes_the_place_of_the_one_for_everything() -> None:
    visitor = client(allow_origins=["*"], rules=[{"path": "/api/", "allow_origins": [APP]}])
    assert [allowed(ask(visitor, address)) for address in ("/", "/api/")] == ["*", APP]


@pytest.mark.parametrize("address", ["/api/../api/admin/", "/api/%2e%2e/api/admin/", "//api/admin/", "/api//admin/"])
def test_what_is_written_another_way_is_not_served_under_another_rule(address: str) -> None:
    visitor = client(rules=[{"path": "/api/", "allow_origins": ["*"]}, {"path": "/api/admin/", "allow_origins": []}])
    assert ask(visitor, address).status_code == 404


def test_an_escaped_path_has_the_rule_of_what_is_served() -> None:
    visitor = client(rules=[{"path": "/api/", "allow_origins": ["*"]}, {"path": "/api/admin/", "allow_origins": []}])
    response = ask(visitor, "/api/%61dmin/")
    assert (response.status_code, allowed(response)) == (200, None)


# -- what stops the start ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"allow_origins": ["*"], "allow_credentials": True}, "allow_credentials can't go with allow_origins '\\*'"),
        ({"allow_origins": [APP, "*"], "allow_credentials": True}, "allow_credentials can't go with"),
        ({"rules": [{"path": "/", "allow_origins": ["*"], "allow_credentials": True}]}, "allow_credentials can't go"),
        ({"allow_origins": ["null"]}, "this is none: 'null'"),
        ({"allow_origins": [APP + "/"]}, "lists origins such as"),
        ({"allow_origins": ["https://*.example.org"]}, "lists origins such as"),
        ({"allow_origins": APP}, "allow_origins must be a list of text"),
        ({"allow_origins": [APP], "allowed_origins": [APP]}, "'allow_origins' is given twice"),
        ({"allow_origin": [APP]}, "CORS has no parameter 'allow_origin'"),
        ({"allow_methods": ["get"]}, "allow_methods lists 'get'"),
        ({"allow_headers": ["X One"]}, "A header name consists of"),
        ({"max_age": "long"}, "max_age is a number of seconds"),
        ({"allow_credentials": "no"}, "allow_credentials is True or False"),
        ({"rules": [{"allow_origins": [APP]}]}, "A CORS rule needs a path"),
        ({"rules": [{"path": "/a"}, {"path": "/a/"}]}, "Two CORS rules are for '/a/'"),
    ],
)
def test_a_parameter_that_makes_no_sense_stops_the_start(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        client(**params)
