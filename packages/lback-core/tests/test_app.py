"""The way a request goes: what happens around a view, in which order, and what it costs."""

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lback.core.app import Application
from lback.core.config import Config
from lback.core.container import Container
from lback.core.context import current_request
from lback.core.exceptions import ConfigurationError, Forbidden
from lback.core.middleware import BaseMiddleware, MiddlewareChain
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response, StreamingResponse
from lback.core.routing import Route
from lback.core.testing import TEST_KEY, Client, make_app
from lback.utils.urls import path


def hello(request: Request) -> Response:
    return Response("hello")


def app_with(*routes: Route, middlewares: tuple[Any, ...] = (), **settings: Any) -> Application:
    app = make_app(routes, MIDDLEWARES=[], **settings)
    app.middlewares = MiddlewareChain.of(middlewares)
    app._watched = app.middlewares.watched(app.dispatcher)
    return app


# -- answers ----------------------------------------------------------------------------------------------------------


def test_a_view_answers_its_path() -> None:
    response = Client(app_with(path("/", hello))).get("/")
    assert (response.status, response.text) == ("200 OK", "hello")
    assert response.headers == {"content-type": "text/html; charset=utf-8", "content-length": "5"}


def test_head_has_the_headers_of_get_and_no_body() -> None:
    response = Client(app_with(path("/", hello))).head("/")
    assert (response.status_code, response.headers["content-length"], response.body) == (200, "5", b"")


def test_options_lists_the_methods() -> None:
    response = Client(app_with(path("/", hello), path("/", hello, ["POST"]))).options("/")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize("method", ["POST", "DELETE", "TRACE", "PROPFIND", "get", "__INIT__", "DISPATCH"])
def test_another_method_is_a_405_with_those_that_are_allowed(method: str) -> None:
    response = Client(app_with(path("/", hello))).request(method, "/")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_an_unknown_path_is_a_404() -> None:
    assert Client(app_with(path("/", hello))).get("/nowhere/").status_code == 404


def test_the_form_without_a_slash_leads_to_the_one_with_it() -> None:
    response = Client(app_with(path("/a b/{name}/", lambda request, name: name))).get("/a%20b/%C3%A9?q=1")
    assert (response.status_code, response.location) == (308, "/a%20b/%C3%A9/?q=1")


@pytest.mark.parametrize("address", ["//evil.com/x", "/%2fevil.com", "/\\evil.com", "//evil.com/%2e%2e", "///evil.com"])
def test_the_redirect_to_the_slash_never_leaves_the_site(address: str) -> None:
    response = Client(app_with(path("/{rest:path}/", lambda request, rest: rest))).get(address)
    assert response.status_code == 404 or (
        response.location.startswith("/") and not response.location.startswith(("//", "/\\"))
    )


def test_the_redirect_to_the_slash_keeps_where_the_application_is_mounted() -> None:
    response = Client(app_with(path("/a/", hello))).get("/a", environ={"SCRIPT_NAME": "/shop"})
    assert response.location == "/shop/a/"


@pytest.mark.parametrize(
    ("query", "quoted"),
    [("a=\x01\r\nX: y", "a=%01%0D%0AX:%20y"), ("a=\xc3\xa9", "a=%C3%A9"), ("a=%20+%zz&b[]=1", "a=%20+%zz&b[]=1")],
)
def test_the_redirect_to_the_slash_quotes_the_query(query: str, quoted: str) -> None:
    # As PEP 3333 has it, the bytes that the server got, as Latin-1.
    response = Client(app_with(path("/a/", hello))).get("/a", environ={"QUERY_STRING": query})
    assert (response.status_code, response.location) == (308, f"/a/?{quoted}")


# -- requests that can't be right -------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", ["/\xff\xfe", "/\xc3"])
def test_a_path_that_is_not_utf8_is_a_400(raw: str) -> None:
    assert Client(app_with(path("/", hello))).get("/", environ={"PATH_INFO": raw}).status_code == 400


def test_a_missing_path_is_the_root() -> None:
    assert Client(app_with(path("/", hello))).get("/", environ={"PATH_INFO": ""}).text == "hello"


@pytest.mark.parametrize(
    "host", ["evil.com", "testserver:80@evil", "testserver/x", "testserver:1:2", "", "[", "testserver evil", "."]
)
def test_a_host_that_is_not_allowed_is_a_400(host: str) -> None:
    assert Client(app_with(path("/", hello)), host=host).get("/").status_code == 400


@pytest.mark.parametrize("host", ["testserver", "testserver:8000", "TESTSERVER", "testserver."])
def test_an_allowed_host_may_have_a_port_any_case_and_a_dot(host: str) -> None:
    assert Client(app_with(path("/", hello)), host=host).get("/").status_code == 200


def test_no_more_hosts_are_remembered_than_the_limit() -> None:
    app = app_with(path("/", hello), ALLOWED_HOSTS=["*"])
    for number in range(1100):
        Client(app, host=f"host{number}.example").get("/")
    assert len(app._known_hosts) == 1000


# -- middlewares ------------------------------------------------------------------------------------------------------


class Notes(BaseMiddleware):
    def __init__(self, name: str, log: list[str], answer: Response | None = None) -> None:
        self.name, self.log, self.answer = name, log, answer

    def process_request(self, request: Request) -> Response | None:
        self.log.append(f"{self.name} request")
        return self.answer

    def process_response(self, request: Request, response: Response) -> Response:
        self.log.append(f"{self.name} response")
        return response


class Catches(BaseMiddleware):
    def __init__(self, name: str, log: list[str], answer: Response | None = None) -> None:
        self.name, self.log, self.answer = name, log, answer

    def process_exception(self, request: Request, exc: Exception) -> Response | None:
        self.log.append(f"{self.name} {type(exc).__name__}")
        return self.answer


def fails(request: Request) -> Response:
    raise RuntimeError("on purpose")


def test_middlewares_see_the_request_in_order_and_the_response_in_reverse() -> None:
    log: list[str] = []
    Client(app_with(path("/", hello), middlewares=(Notes("a", log), Notes("b", log)))).get("/")
    assert log == ["a request", "b request", "b response", "a response"]


def test_a_middleware_that_answers_skips_the_view_and_all_see_the_response() -> None:
    log: list[str] = []
    short = Notes("b", log, Response("short", 403))
    app = app_with(path("/", hello), middlewares=(Notes("a", log), short, Notes("c", log)))
    assert Client(app).get("/").text == "short"
    assert log == ["a request", "b request", "c response", "b response", "a response"]


def test_every_response_hook_runs_on_an_error_too() -> None:
    log: list[str] = []
    assert Client(app_with(path("/", fails), middlewares=(Notes("a", log),))).get("/").status_code == 500
    assert log == ["a request", "a response"]


def test_exception_hooks_run_in_reverse_until_one_answers() -> None:
    log: list[str] = []
    chain = (Catches("a", log), Catches("b", log, Response("caught")), Catches("c", log))
    assert Client(app_with(path("/", fails), middlewares=chain)).get("/").text == "caught"
    assert log == ["c RuntimeError", "b RuntimeError"]


def test_an_error_in_a_response_hook_becomes_a_500_and_the_others_still_run() -> None:
    log: list[str] = []

    class Breaks(BaseMiddleware):
        def process_response(self, request: Request, response: Response) -> Response:
            raise RuntimeError

    app = app_with(path("/", hello), middlewares=(Notes("a", log), Breaks()))
    assert Client(app).get("/").status_code == 500
    assert log == ["a request", "a response"]


@pytest.mark.parametrize("result", [None, "text", 42, {}])
def test_a_response_hook_that_returns_no_response_makes_a_500_that_names_it(
    result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Returns(BaseMiddleware):
        def process_response(self, request: Request, response: Response) -> Response:
            return result  # type: ignore[no-any-return]

    log: list[str] = []
    assert Client(app_with(path("/", hello), middlewares=(Notes("a", log), Returns()))).get("/").status_code == 500
    assert f"Returns.process_response must return a Response; it returned {type(result).__name__}" in caplog.text
    assert log == ["a request", "a response"]


def test_a_request_hook_answers_with_a_response_or_not_at_all(caplog: pytest.LogCaptureFixture) -> None:
    class Returns(BaseMiddleware):
        def process_request(self, request: Request) -> Response | None:
            return "text"  # type: ignore[return-value]

    assert Client(app_with(path("/", hello), middlewares=(Returns(),))).get("/").status_code == 500
    assert "Returns.process_request must return a Response or None; it returned str" in caplog.text


def test_an_exception_hook_answers_with_a_response_or_not_at_all(caplog: pytest.LogCaptureFixture) -> None:
    class Returns(BaseMiddleware):
        def process_exception(self, request: Request, exc: Exception) -> Response | None:
            return 42  # type: ignore[return-value]

    assert Client(app_with(path("/", fails), middlewares=(Returns(),))).get("/").status_code == 500
    assert "Returns.process_exception must return a Response or None; it returned int" in caplog.text


def test_a_body_that_can_not_be_sent_is_a_500_with_the_headers_of_the_site() -> None:
    def broken(request: Request) -> Response:
        response = Response("x")
        response.body = 42  # type: ignore[assignment]
        return response

    response = Client(make_app([path("/", broken)])).get("/")
    assert (response.status_code, response.headers["x-content-type-options"]) == (500, "nosniff")


def test_hooks_that_are_not_overridden_are_not_called() -> None:
    chain = MiddlewareChain.of([BaseMiddleware(), Catches("a", [])])
    assert (chain.on_request, chain.on_response, len(chain.on_exception)) == ((), (), 1)


# -- components of a request ------------------------------------------------------------------------------------------


class Work:
    """Stands for a database session."""


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def working(log: list[str]) -> Callable[..., Client]:
    """Make a client for a view that uses a component which writes down what becomes of it."""

    def make(view: Callable[[Request], Any], finish_fails: bool = False) -> Client:
        def finish(work: Work, request: Request, response: Response | None, error: BaseException | None) -> None:
            log.append(f"finish {response.status_code if response else type(error).__name__}")
            if finish_fails and error is None:
                raise RuntimeError("the commit failed")

        app = app_with(path("/", view), middlewares=(Notes("middleware", log),))
        app.container.add_request(
            Work, lambda request: Work(), "work", finish, lambda work, request: log.append("close")
        )
        return Client(app)

    return make


def test_work_is_finished_directly_after_the_view_and_before_any_response_hook(
    working: Callable[..., Client], log: list[str]
) -> None:
    working(lambda request: str(type(request.work).__name__)).get("/")
    assert log == ["middleware request", "finish 200", "middleware response", "close"]


def test_work_that_was_not_touched_is_neither_made_nor_finished(working: Callable[..., Client], log: list[str]) -> None:
    working(lambda request: "untouched").get("/")
    assert log == ["middleware request", "middleware response"]


def test_work_hears_of_the_error_of_the_view(working: Callable[..., Client], log: list[str]) -> None:
    def view(request: Request) -> Response:
        assert request.work
        raise Forbidden

    assert working(view).get("/").status_code == 403
    assert log == ["middleware request", "finish Forbidden", "middleware response", "close"]


def test_work_that_can_not_be_finished_makes_the_answer_an_error(working: Callable[..., Client]) -> None:
    assert working(lambda request: str(request.work), finish_fails=True).get("/").status_code == 500


def test_a_streaming_body_keeps_the_work_open_until_it_is_closed(
    working: Callable[..., Client], log: list[str]
) -> None:
    def pieces(request: Request) -> Iterator[str]:
        log.append("piece")
        yield str(request.path)

    def view(request: Request) -> Response:
        assert request.work
        return StreamingResponse(pieces(request))

    assert working(view).get("/").text == "/"
    assert log == ["middleware request", "finish 200", "middleware response", "piece", "close"]


def test_a_streaming_body_is_closed_when_the_client_goes_away(log: list[str]) -> None:
    def pieces() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            log.append("generator closed")

    app = app_with(path("/", lambda request: StreamingResponse(pieces())))
    environ = Client(app)._environ("GET", "/", b"", "", {})
    body: Any = app(environ, lambda *arguments: lambda data: None)
    assert next(iter(body)) == b"a"
    body.close()
    assert log == ["generator closed"]


def test_what_is_left_for_after_the_response_is_done_when_it_has_been_sent() -> None:
    log: list[str] = []

    def view(request: Request) -> str:
        request.after_response(lambda: log.append("first"))
        request.after_response(lambda: log.append("second"))
        request.on_close(lambda: log.append("closed"))
        return "x"

    app = app_with(path("/", view))
    body: Any = app(Client(app)._environ("GET", "/", b"", "", {}), lambda *arguments: lambda data: None)
    assert (list(body), log) == ([b"x"], [])
    body.close()
    assert log == ["closed", "first", "second"]


def test_what_the_request_held_is_given_back_before_a_plain_body_is_sent_last_first() -> None:
    log: list[str] = []

    def view(request: Request) -> str:
        request.on_close(lambda: log.append("first"))
        request.on_close(lambda: log.append("second"))
        return "x"

    app = app_with(path("/", view))
    app(Client(app)._environ("GET", "/", b"", "", {}), lambda *arguments: lambda data: None)
    assert log == ["second", "first"]


def test_one_failing_cleanup_keeps_no_other_from_its_work(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []

    def view(request: Request) -> str:
        request.on_close(lambda: log.append("closed"))
        request.on_close(lambda: 1 / 0)
        request.after_response(lambda: 1 / 0)
        request.after_response(lambda: log.append("done"))
        return "x"

    assert Client(app_with(path("/", view))).get("/").text == "x"
    assert log == ["closed", "done"]
    assert caplog.text.count("what was left for the end of the request failed") == 2


def test_a_streaming_body_knows_its_request() -> None:
    def pieces() -> Iterator[str]:
        request = current_request()
        yield request.path if request is not None else "no request"

    assert Client(app_with(path("/", lambda request: StreamingResponse(pieces())))).get("/").text == "/"
    assert current_request() is None


def test_the_current_request_is_known_while_it_is_answered_and_not_after() -> None:
    app = app_with(path("/", lambda request: str(current_request() is request)))
    assert Client(app).get("/").text == "True"
    assert current_request() is None


# -- building ---------------------------------------------------------------------------------------------------------


def test_two_applications_live_in_one_process() -> None:
    one = Client(app_with(path("/", lambda request: request.config.PROJECT_NAME), PROJECT_NAME="one"))
    two = Client(app_with(path("/", lambda request: request.config.PROJECT_NAME), PROJECT_NAME="two"))
    assert (one.get("/").text, two.get("/").text, one.get("/").text) == ("one", "two", "one")


def test_routes_must_come_from_somewhere() -> None:
    with pytest.raises(ConfigurationError, match="ROOT_URLCONF"):
        Application(Config({"SECRET_KEY": TEST_KEY}))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("lback.middlewares.nowhere.Nothing", "no module"),
        ("lback.middlewares.csrf.Nothing", "has no 'Nothing'"),
        ({"class": "lback.middlewares.csrf.CSRFMiddleware", "params": {"unknown": 1}}, "takes no 'unknown'"),
        ({"klass": "x"}, "An entry of MIDDLEWARES"),
        (7, "An entry of MIDDLEWARES"),
    ],
)
def test_a_middleware_that_can_not_be_set_up_stops_the_start(entry: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        make_app([], MIDDLEWARES=[entry])


class WithoutHooks(BaseMiddleware):
    def proces_request(self, request: Request) -> None:
        """Be misspelled."""


class WithoutBase:
    """A class of something else."""


class AsynchronousHook(BaseMiddleware):
    async def process_request(self, request: Request) -> None:  # type: ignore[override]
        """Do nothing."""


@pytest.mark.parametrize(
    ("middleware", "reason"),
    [(WithoutHooks, "It has no hook"), (WithoutBase, "It has no hook"), (AsynchronousHook, "Its hooks are async def")],
)
def test_a_middleware_that_could_do_nothing_stops_the_start(middleware: type, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        make_app([], MIDDLEWARES=[f"{__name__}.{middleware.__name__}"])


class Registers:
    """Has no hook, and registers a component."""

    def __init__(self, container: Container) -> None:
        container.add_request(Color, lambda request: Color("blue"), name="color")


class Color(str):
    """A component."""


def test_a_middleware_may_be_there_for_what_it_registers() -> None:
    app = make_app([path("/", lambda request: str(request.color))], MIDDLEWARES=[f"{__name__}.Registers"])
    assert Client(app).get("/").text == "blue"


# -- what it costs ----------------------------------------------------------------------------------------------------


def python_calls(app: Application, address: str) -> int:
    """Return the calls of functions, Python's and C's, for one request that was warmed up."""
    client = Client(app)
    environs = [client._environ("GET", address, b"", "", {}) for _ in range(3)]
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    for environ in environs[:2]:
        app(environ, lambda *arguments: lambda data: None)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        app(environs[2], lambda *arguments: lambda data: None)
    finally:
        sys.setprofile(before)
    return calls


def test_a_bare_route_costs_few_calls() -> None:
    assert python_calls(app_with(path("/", hello)), "/") <= 38


def test_the_default_middlewares_cost_few_calls() -> None:
    assert python_calls(make_app([path("/", hello)]), "/") <= 58


def test_the_last_of_500_routes_costs_what_the_first_costs() -> None:
    routes = [path(f"/items/{{number:int}}/r{n}/", lambda request, number: str(number)) for n in range(500)]
    app = app_with(*routes)
    assert python_calls(app, "/items/7/r499/") == python_calls(app, "/items/7/r0/")


def test_a_plain_request_leaves_no_reference_cycles() -> None:
    app = make_app([path("/", hello)])
    environs = [Client(app)._environ("GET", "/", b"", "", {}) for _ in range(200)]
    gc.collect()
    gc.disable()
    try:
        for environ in environs:
            app(environ, lambda *arguments: lambda data: None)
        # One in each request would be 200. What other threads leave meanwhile is less.
        assert gc.collect() < 200
    finally:
        gc.enable()


def test_a_redirect_is_made_with_its_status() -> None:
    response = Client(app_with(path("/", lambda request: RedirectResponse("/there/", 303)))).get("/")
    assert (response.status_code, response.location) == (303, "/there/")
