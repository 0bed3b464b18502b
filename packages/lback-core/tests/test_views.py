"""Views: functions and classes, what they get and what they may return."""

from functools import partial
from typing import Any

import pytest

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.limiting import rate_limit
from lback.core.middleware import BaseMiddleware, MiddlewareChain
from lback.core.request import Request
from lback.core.response import Response
from lback.core.testing import Client, make_app
from lback.utils.urls import path


def answer(view: Any, pattern: str = "/", address: str = "/", method: str = "GET", **options: Any) -> Any:
    methods = None if isinstance(view, type) else ["GET", "POST"]
    return Client(make_app([path(pattern, view, methods)], MIDDLEWARES=[])).request(method, address, **options)


@pytest.mark.parametrize(
    ("result", "kind", "text"),
    [
        ("<p>hi</p>", "text/html; charset=utf-8", "<p>hi</p>"),
        ({"a": 1}, "application/json", '{"a":1}'),
        ([1, "é"], "application/json", '[1,"é"]'),
        (Response("x", content_type="text/plain"), "text/plain", "x"),
    ],
)
def test_a_view_may_return_a_response_text_or_data(result: Any, kind: str, text: str) -> None:
    response = answer(lambda request: result)
    assert (response.headers["content-type"], response.text) == (kind, text)


@pytest.mark.parametrize("result", [None, 7, b"bytes", object()])
def test_anything_else_is_a_mistake_of_the_view(result: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert answer(lambda request: result).status_code == 500
    assert "must return a Response, text, a dictionary or a list, not " in caplog.text


def test_a_view_gets_the_variables_of_its_path() -> None:
    assert answer(lambda request, a, b: {"a": a, "b": b}, "/{a:int}/{b}/", "/1/x/").json() == {"a": 1, "b": "x"}


def test_a_view_may_take_all_variables_together() -> None:
    assert answer(lambda request, **variables: variables, "/{a:int}/{b}/", "/1/x/").json() == {"a": 1, "b": "x"}


def test_a_view_gets_components_by_their_type() -> None:
    def view(request: Request, config: Config, number: int) -> dict[str, Any]:
        return {"same": config is request.config, "number": number}

    assert answer(view, "/{number:int}/", "/3/").json() == {"same": True, "number": 3}


def test_a_view_gets_components_by_their_name() -> None:
    assert answer(lambda request, config, logger: {"logger": logger.name}).json() == {"logger": "lback"}


def test_a_parameter_with_a_default_is_left_alone() -> None:
    assert answer(lambda request, page=1: {"page": page}).json() == {"page": 1}


class Service:
    """A component of a project."""

    made = 0

    @classmethod
    def from_config(cls, config: Config) -> "Service":
        cls.made += 1
        return cls()


def test_a_class_that_is_made_from_the_settings_is_made_once() -> None:
    def view(request: Request, service: Service) -> str:
        return type(service).__name__

    client = Client(make_app([path("/", view)], MIDDLEWARES=[]))
    assert (client.get("/").text, client.get("/").text, Service.made) == ("Service", "Service", 1)


def test_tests_put_another_component_in_place() -> None:
    class Fake(Service):
        pass

    def view(request: Request, service: Service) -> str:
        return type(service).__name__

    app = make_app([path("/", view)], MIDDLEWARES=[])
    with app.container.override(Service, Fake()):
        assert Client(app).get("/").text == "Fake"
    assert Client(app).get("/").text == "Service"


@pytest.mark.parametrize(
    ("pattern", "view", "reason"),
    [
        ("/{a}/", lambda request: "", "must take a"),
        ("/", lambda request, unknown: "", "asks for 'unknown'"),
        ("/", lambda: "", "first parameter"),
    ],
)
def test_a_view_that_does_not_fit_its_route_stops_the_start(pattern: str, view: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        make_app([path(pattern, view)], MIDDLEWARES=[])


async def asynchronous(request: Request) -> str:
    return ""


async def asynchronous_pieces(request: Request) -> Any:
    yield ""


class AsynchronousVerb:
    async def get(self, request: Request) -> str:
        return ""


class AsynchronousDispatch:
    async def dispatch(self, request: Request) -> str:
        return ""


class AsynchronousCall:
    async def __call__(self, request: Request) -> str:
        return ""


@pytest.mark.parametrize(
    "view",
    [
        asynchronous,
        asynchronous_pieces,
        AsynchronousVerb,
        AsynchronousDispatch,
        AsynchronousCall(),
        partial(asynchronous),
        rate_limit("5/minute")(asynchronous),
    ],
)
def test_an_async_view_stops_the_start(view: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"The view of .* is an async def"):
        make_app([path("/", view)], MIDDLEWARES=[])


def test_a_class_without_any_method_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="has no method such as get or post"):
        path("/", Service)


class Course:
    """A class view with a method for each verb."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def get(self, request: Request, number: int, config: Config) -> dict[str, Any]:
        self.seen.append("get")
        return {"number": number, "seen": self.seen, "debug": config.DEBUG}

    def post(self, request: Request, number: int) -> dict[str, Any]:
        return {"posted": number}


def test_a_class_answers_by_its_methods_with_a_new_object_each_time() -> None:
    client = Client(make_app([path("/{number:int}/", Course)], MIDDLEWARES=[]))
    expected = {"number": 7, "seen": ["get"], "debug": False}
    assert (client.get("/7/").json(), client.get("/7/").json()) == (expected, expected)
    assert client.post("/7/").json() == {"posted": 7}
    assert client.head("/7/").status_code == 200
    assert client.delete("/7/").headers["allow"] == "GET, HEAD, OPTIONS, POST"


class Dispatching:
    """A class view that dispatches by itself."""

    methods = ("GET", "DELETE")

    def dispatch(self, request: Request, **variables: Any) -> dict[str, Any]:
        return {"method": request.method, **variables}


def test_a_class_with_dispatch_answers_what_it_lists() -> None:
    client = Client(make_app([path("/{x}/", Dispatching)], MIDDLEWARES=[]))
    assert client.delete("/a/").json() == {"method": "DELETE", "x": "a"}
    assert client.post("/a/").status_code == 405


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize("method", ["__INIT__", "SEEN", "DISPATCH"])
def test_the_name_of_a_method_never_reaches_the_object(method: str) -> None:
    assert Client(make_app([path("/{number:int}/", Course)], MIDDLEWARES=[])).request(method, "/7/").status_code == 405


# -- requires_auth ----------------------------------------------------------------------------------------------------


class LogsIn(BaseMiddleware):
    def process_request(self, request: Request) -> Response | None:
        if "user" in request.GET:
            vars(request)["user"] = request.GET["user"]
        return None


def private() -> Client:
    routes = [
        path("/private/", lambda request: f"hello {request.user}", ["GET", "POST"], requires_auth=True),
        path("/auth/login/", lambda request: "login", name="login"),
    ]
    app = make_app(routes, MIDDLEWARES=[])
    app.middlewares = MiddlewareChain.of([LogsIn()])
    return Client(app)


def test_who_is_logged_in_sees_a_route_that_requires_it() -> None:
    assert private().get("/private/?user=ada").text == "hello ada"


def test_anonymous_visitors_are_sent_to_the_login_and_back() -> None:
    response = private().get("/private/?a=1")
    assert (response.status_code, response.location) == (302, "/auth/login/?next=%2Fprivate%2F%3Fa%3D1")


def test_what_a_form_was_sent_to_is_no_place_to_come_back_to() -> None:
    response = private().post("/private/?a=1")
    assert (response.status_code, response.location) == (303, "/auth/login/")


def test_programs_get_a_401_instead() -> None:
    response = private().get("/private/", headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["title"]) == (401, "Unauthorized")
    assert "www-authenticate" in response.headers


def test_without_a_login_page_everybody_gets_a_401() -> None:
    app = make_app([path("/private/", lambda request: "", requires_auth=True)], MIDDLEWARES=[])
    assert Client(app).get("/private/").status_code == 401


def test_a_name_for_the_type_checker_alone_leaves_the_other_annotations_alone() -> None:
    def view(request: "Request", settings: "Config", more: "OnlyForTheChecker | None" = None) -> dict[str, Any]:  # type: ignore[name-defined] # noqa: F821
        return {"same": settings is request.config, "more": more}

    assert answer(view).json() == {"same": True, "more": None}


def test_a_result_that_is_none_is_blamed_on_its_view(caplog: pytest.LogCaptureFixture) -> None:
    answer(forgets)
    assert "test_views.forgets) must return a Response, text, a dictionary or a list, not NoneType" in caplog.text


def forgets(request: Request) -> None:
    """A view without a return."""


def test_the_way_to_the_login_page_knows_where_the_application_is_mounted() -> None:
    routes = [path("/a/", lambda request: "x", requires_auth=True), path("/auth/login/", lambda request: "login")]
    client = Client(make_app(routes, MIDDLEWARES=[]))
    response = client.get("/a/?b=1", environ={"SCRIPT_NAME": "/shop"})
    assert response.location == "/shop/auth/login/?next=%2Fshop%2Fa%2F%3Fb%3D1"
