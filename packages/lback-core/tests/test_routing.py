"""Routes: which view a path leads to, and which path leads to a view."""

import cProfile
import sys
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.converters import register_converter
from lback.core.exceptions import ConfigurationError
from lback.core.routing import Route, Router, URLPatterns
from lback.core.urls_utils import include
from lback.utils.urls import path


def view(request: Any, **variables: Any) -> Any: ...


def router(*patterns: Any) -> Router:
    return Router(patterns, lambda route: route.view)  # type: ignore[arg-type,return-value]


def found(routes: Router, address: str) -> tuple[str, dict[str, Any]] | None:
    match = routes.match(address)
    return None if match is None else (match[0].pattern, match[1])


def calls_of(function: Callable[[], Any]) -> int:
    """Return how many Python and C functions a call calls."""
    profile = cProfile.Profile()
    profile.runcall(function)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.fixture
def module() -> Iterator[Any]:
    """Make modules with urlpatterns."""
    made: list[str] = []

    def make(name: str, patterns: URLPatterns | None) -> str:
        sys.modules[name] = types.ModuleType(name)
        if patterns is not None:
            sys.modules[name].urlpatterns = patterns  # type: ignore[attr-defined]
        made.append(name)
        return name

    yield make
    for name in made:
        del sys.modules[name]


# -- matching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "address", "variables"),
    [
        ("/", "/", {}),
        ("/courses/", "/courses/", {}),
        ("/courses/{name}/", "/courses/py thon/", {"name": "py thon"}),
        ("/c/{id:int}/", "/c/7/", {"id": 7}),
        ("/c/{price:float}/", "/c/-1.5/", {"price": -1.5}),
        ("/c/{slug:slug}/", "/c/a-b_c/", {"slug": "a-b_c"}),
        ("/f/{rest:path}", "/f/a/b/c.txt", {"rest": "a/b/c.txt"}),
        ("/f/{rest:path}/edit/", "/f/a/b/edit/", {"rest": "a/b"}),
        ("/{a}-{b:int}.html", "/x-7.html", {"a": "x", "b": 7}),
        ("/{year:int}/{month:int}/", "/2026/11/", {"year": 2026, "month": 11}),
    ],
)
def test_a_path_gives_the_values_of_the_variables(pattern: str, address: str, variables: dict[str, Any]) -> None:
    assert found(router(path(pattern, view)), address) == (pattern, variables)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/courses/", "/courses"),
        ("/courses/", "/courses//"),
        ("/c/{name}/", "/c//"),
        ("/c/{name}/", "/c/a/b/"),
        ("/c/{id:int}/", "/c/x/"),
        ("/c/{id:int}/", "/c/-1/"),
        ("/c/{id:int}/", "/c/٣/"),
        ("/c/{id:int}/", "/c/99999999999999999999/"),
        ("/c/{id:int}/", "/c/9223372036854775808/"),
        ("/c/{price:float}/", "/c/nan/"),
        ("/c/{price:float}/", "/c/1e400/"),
        ("/c/{slug:slug}/", "/c/a\n/"),
        ("/c/{key:uuid}/", "/c/8C0E1A3E-3B0F-4A52-9D43-5A1C6F1F7A00/"),
        ("/f/{rest:path}", "/f/"),
        ("/a+(b/{x}/", "/aa(b/1/"),
    ],
)
def test_what_a_converter_does_not_take_is_not_found(pattern: str, address: str) -> None:
    assert found(router(path(pattern, view)), address) is None


def test_text_in_a_pattern_is_taken_literally() -> None:
    assert found(router(path("/a+(b/{x}.z", view)), "/a+(b/1.z") == ("/a+(b/{x}.z", {"x": "1"})
    assert found(router(path("/a+(b/{x}.z", view)), "/a+(b/1xz") is None


def test_fixed_text_goes_before_a_variable_and_the_first_declared_before_the_next() -> None:
    routes = router(path("/{a}/x/", view), path("/{b:int}/{c}/", view), path("/new/{d}/", view))
    assert found(routes, "/new/x/") == ("/new/{d}/", {"d": "x"})
    assert found(routes, "/7/x/") == ("/{a}/x/", {"a": "7"})


def test_a_branch_that_leads_nowhere_is_left_again() -> None:
    routes = router(path("/new/a/{x:int}/", view), path("/{name}/a/{y}/", view))
    assert found(routes, "/new/a/b/") == ("/{name}/a/{y}/", {"name": "new", "y": "b"})


def test_one_path_may_have_a_view_for_each_method() -> None:
    routes = router(path("/x/", view, ["GET"]), path("/x/", view, ["POST", "PUT"]))
    match = routes.match("/x/")
    assert match is not None
    assert match[0].allowed == ["GET", "HEAD", "OPTIONS", "POST", "PUT"]


def test_a_mixed_segment_gives_its_first_variable_what_is_ambiguous() -> None:
    routes = router(path("/{a}-{b}-{c}/", view))
    assert found(routes, "/1-2-3-4/") == ("/{a}-{b}-{c}/", {"a": "1-2", "b": "3", "c": "4"})


def test_many_variables_in_a_segment_cost_no_more_than_their_text() -> None:
    # With a backtracking expression this would try every way to share the hyphens out: 127 over 5, 254 million.
    routes = router(path("/{a}-{b}-{c}-{d}-{e}-{f:int}/", view))
    assert found(routes, "/" + "a-" * 126 + "a/") is None


def test_slugs_in_a_segment_cost_no_more_than_their_text() -> None:
    routes = router(path("/{a:slug}-{b:slug}-{c:slug}-{d:slug}-{e:int}/", view))
    assert found(routes, "/" + "a-" * 126 + "a/") is None


def test_a_segment_of_several_variables_has_a_greatest_length() -> None:
    routes = router(path("/{a}-{b}/", view))
    assert found(routes, f"/a-{'b' * 253}/") is not None
    assert found(routes, f"/a-{'b' * 254}/") is None


def test_a_tail_with_text_around_it_has_a_greatest_length_and_a_plain_one_has_none() -> None:
    routes = router(path("/plain/{rest:path}", view), path("/edit/{rest:path}/edit", view))
    assert found(routes, "/plain/" + "a/" * 5000) is not None
    assert found(routes, "/edit/" + "a" * 2043 + "/edit") is not None
    assert found(routes, "/edit/" + "a" * 2044 + "/edit") is None


@pytest.mark.parametrize("pattern", ["/{a}{b}/", "/{a:path}/to/{b:path}", "/{a}-{b}{c}/"])
def test_variables_that_nothing_keeps_apart_stop_the_start(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="nothing tells where one variable ends"):
        router(path(pattern, view))


def test_routes_through_one_variable_may_name_it_differently() -> None:
    routes = router(path("/c/{id:int}/edit/", view), path("/c/{pk:int}/delete/", view))
    assert found(routes, "/c/7/edit/") == ("/c/{id:int}/edit/", {"id": 7})
    assert found(routes, "/c/7/delete/") == ("/c/{pk:int}/delete/", {"pk": 7})


def test_two_names_for_the_variable_of_one_path_stop_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"'/c/\{id:int\}/' and '/c/\{pk:int\}/' match the same paths"):
        router(path("/c/{id:int}/", view), path("/c/{pk:int}/", view, ["POST"]))


def test_the_5000th_route_costs_as_much_as_the_first_whatever_its_variables_are_called() -> None:
    routes = router(*(path(f"/{{v{number}}}/r{number}/{{w{number}:int}}/", view) for number in range(5000)))
    assert calls_of(lambda: routes.match("/x/r4999/7/")) == calls_of(lambda: routes.match("/x/r0/7/"))


# -- including --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "pattern", "whole"),
    [
        ("/", "/courses/", "/courses/"),
        ("", "/courses/", "/courses/"),
        ("shop", "courses/", "/shop/courses/"),
        ("/shop/", "/courses/", "/shop/courses/"),
        ("/{lang}/", "/courses/", "/{lang}/courses/"),
    ],
)
def test_a_prefix_goes_before_the_paths_of_a_module(module: Any, prefix: str, pattern: str, whole: str) -> None:
    module("included", [path(pattern, view)])
    assert router(include("included", prefix=prefix)).routes[0].pattern == whole


def test_includes_nest(module: Any) -> None:
    module("inner", [path("/c/", view)])
    module("outer", [include("inner", prefix="/b/")])
    assert router(include("outer", prefix="/a/")).routes[0].pattern == "/a/b/c/"


def test_modules_that_include_each_other_are_refused(module: Any) -> None:
    module("one", [include("two")])
    module("two", [include("one")])
    with pytest.raises(ConfigurationError, match="one -> two -> one"):
        router(include("one"))


def test_a_missing_module_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no URL module 'nowhere\.urls'"):
        router(include("nowhere.urls"))


def test_an_error_inside_a_module_is_not_hidden(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_urls.py").write_text("import not_there_at_all")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        router(include("broken_urls"))


def test_a_module_without_routes_is_named(module: Any) -> None:
    module("empty", None)
    with pytest.raises(ConfigurationError, match="no list called urlpatterns"):
        router(include("empty"))


# -- reversing --------------------------------------------------------------------------------------------------------


def test_a_name_leads_back_to_its_path() -> None:
    routes = router(path("/c/{id:int}/{name}/", view, name="course"))
    assert routes.url_for("course", id=7, name="a b?é") == "/c/7/a%20b%3F%C3%A9/"


def test_what_is_no_variable_becomes_the_query() -> None:
    routes = router(path("/c/", view, name="courses"))
    assert routes.url_for("courses", page=2, q="a&b", none=None, tag=["x", "y"]) == "/c/?page=2&q=a%26b&tag=x&tag=y"


@pytest.mark.parametrize(
    ("name", "variables", "reason"),
    [
        ("cource", {"id": 1}, "Did you mean 'course'"),
        ("course", {}, "needs a value for 'id'"),
        ("course", {"id": "x"}, "takes no 'x' for 'id'"),
        ("course", {"id": True}, "takes no True"),
        ("course", {"id": -1}, "a whole number from 0 up"),
    ],
)
def test_a_path_that_can_not_be_made_says_why(name: str, variables: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        router(path("/c/{id:int}/", view, name="course")).url_for(name, **variables)


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("/a/{name}/", {"name": ".."}),
        ("/a/{name}", {"name": "."}),
        ("/a/{rest:path}/", {"rest": "b/../.."}),
        ("/a/{name}./", {"name": "."}),
    ],
)
def test_no_path_is_made_that_clients_would_shorten(pattern: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="The route 'a' takes no "):
        router(path(pattern, view, name="a")).url_for("a", **values)


@pytest.mark.parametrize("name", ["...", "..a", ".hidden", "a.."])
def test_a_name_may_hold_dots(name: str) -> None:
    assert router(path("/a/{name}/", view, name="a")).url_for("a", name=name) == f"/a/{name}/"


@given(
    st.text(min_size=1).filter(lambda text: "/" not in text and text not in (".", "..")),
    st.integers(0, 2**63 - 1),
    st.uuids(),
)
def test_every_value_comes_back_from_the_path_it_makes(name: str, number: int, key: uuid.UUID) -> None:
    from urllib.parse import unquote

    routes = router(path("/x/{name}/{number:int}/{key:uuid}/", view, name="x"))
    try:
        address = routes.url_for("x", name=name, number=number, key=key)
    except (ValueError, UnicodeEncodeError):
        assert not name.isprintable()
        return
    assert found(routes, unquote(address)) == (
        "/x/{name}/{number:int}/{key:uuid}/",
        {"name": name, "number": number, "key": key},
    )


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_every_plain_number_comes_back(number: float) -> None:
    routes = router(path("/{n:float}/", view, name="n"))
    try:
        address = routes.url_for("n", n=number)
    except ValueError:
        assert 0 < abs(number) < 1e-3
        return
    match = routes.match(address)
    assert match is not None
    assert match[1] == {"n": number}


@given(st.text(alphabet="/ab{}:x%.", max_size=30))
def test_no_pattern_breaks_the_router(pattern: str) -> None:
    try:
        routes = router(path(pattern, view))
    except ConfigurationError:
        return
    routes.match("/a/b")


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "reason"),
    [
        ([path("/a/", view, name="x"), path("/b/", view, name="x")], "Two routes are named 'x'"),
        ([path("/a/", view), path("/a/", view)], "Two routes answer GET /a/"),
        ([path("/{a}/{a}/", view)], "uses the name of a variable twice"),
        ([path("/{1a}/", view)], "must be {name} or {name:type}"),
        ([path("/{a:nothing}/", view)], "no path converter 'nothing'"),
        ([path("/{a/", view)], "braces"),
        (["/a/"], "neither"),
    ],
)
def test_a_mistake_stops_the_start_with_a_sentence(patterns: list[Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        router(*patterns)


def test_a_view_must_be_callable_and_methods_known() -> None:
    with pytest.raises(ConfigurationError, match="must be a function"):
        path("/", "courses.views.index")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="FETCH"):
        path("/", view, ["fetch"])


def test_methods_are_upper_case_and_get_unless_given() -> None:
    assert path("/", view).methods == ("GET",)
    assert path("/", view, allowed_methods=["get", "Post"]).methods == ("GET", "POST")


def test_a_route_shows_what_it_is() -> None:
    assert str(path("/x/", view)).startswith("GET /x/ (")
    assert isinstance(path("/x/", view), Route)


class Month:
    """A converter of a project: 2026-11."""

    regex = "[0-9]{4}-[0-9]{2}"

    def to_python(self, text: str) -> tuple[int, int]:
        year, month = map(int, text.split("-"))
        if not 1 <= month <= 12:
            raise ValueError(text)
        return year, month

    def to_url(self, value: tuple[int, int]) -> str:
        return f"{value[0]:04d}-{value[1]:02d}"


def test_a_project_adds_converters_of_its_own() -> None:
    register_converter("month", Month())
    routes = router(path("/{m:month}/", view, name="m"))
    assert found(routes, "/2026-11/") == ("/{m:month}/", {"m": (2026, 11)})
    assert found(routes, "/2026-13/") is None
    assert routes.url_for("m", m=(2026, 1)) == "/2026-01/"


def test_a_converter_can_not_be_replaced() -> None:
    with pytest.raises(ConfigurationError, match="a converter 'int' already"):
        register_converter("int", Month())
