"""Templates: escaped everywhere, found in an order, and given what a page needs only when it asks."""

from pathlib import Path
from typing import Any

import pytest

from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.utils.shortcuts import redirect, render, return_403, return_404
from lback.utils.urls import path


@pytest.fixture
def site(tmp_path: Path) -> Any:
    """Render a template text in a request, and return the response."""

    def show(text: str, name: str = "page.html", address: str = "/", context: Any = None, **settings: Any) -> Any:
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates" / name).write_text(text)
        routes = [
            path("/", lambda request: render(request, name, context)),
            path("/courses/{slug}/", lambda request, slug: render(request, name, context), name="course"),
        ]
        environ = settings.pop("environ", None)
        app = make_app(routes, BASE_DIR=tmp_path, **settings)
        return Client(app).get(address, environ=environ)

    return show


@pytest.mark.parametrize("name", ["page.html", "page.txt", "page.jinja", "page", "page.html.j2", "page.svg"])
def test_everything_is_escaped_whatever_the_file_is_called(site: Any, name: str) -> None:
    page = site("{{ text }}", name, context={"text": "<script>\"'&"})
    assert page.text == "&lt;script&gt;&#34;&#39;&amp;"


def test_text_of_users_is_never_a_template(site: Any) -> None:
    assert site("{{ text }}", context={"text": "{{ 7 * 7 }}"}).text == "{{ 7 * 7 }}"


def test_data_in_a_script_can_not_close_it(site: Any) -> None:
    page = site("<script>{{ data|tojson }}</script>", context={"data": "</script><img onerror=x>\u2028"})
    assert page.text.count("</script>") == 1


def test_what_is_not_defined_is_empty(site: Any) -> None:
    assert site("[{{ nothing }}][{{ course.title }}]", context={"course": object()}).text == "[][]"


def test_a_template_sees_the_request_and_the_settings(site: Any) -> None:
    page = site("{{ request.method }} {{ config.PROJECT_NAME }}", PROJECT_NAME="Shop")
    assert page.text == "GET Shop"


@pytest.mark.parametrize(
    "text",
    [
        "[{{ config.SECRET_KEY }}{{ config['EMAIL_PASSWORD'] }}]",
        "[{{ (config.SECRET_KEY or '')|tojson|replace('\"', '') }}]",
        "[{% for name in ('SECRET_KEY', 'EMAIL_PASSWORD') if name in config %}{{ name }}{% endfor %}]",
    ],
)
def test_a_secret_is_not_among_the_settings_that_a_template_sees(site: Any, text: str) -> None:
    assert site(text, EMAIL_PASSWORD="s3cr3t").text == "[]"


@pytest.mark.parametrize(
    "text",
    [
        "{{ config }}",
        "{{ request.config }}",
        "{% for name, value in config.items() %}{{ name }}: {{ value|string|tojson }}{% endfor %}",
        "{{ request.config.EMAIL_PASSWORD }} {{ '%s'|format(request.config.SECRET_KEY) }}",
    ],
)
def test_settings_that_are_shown_as_a_whole_show_no_secret(site: Any, text: str) -> None:
    page = site(text, EMAIL_PASSWORD="s3cr3t", EMAIL={"password": "s3cr3t"}, QUEUE="amqp://me:s3cr3t@localhost/")
    assert page.status_code == 200
    assert "s3cr3t" not in page.text
    assert "a-key-for-tests" not in page.text


def test_the_values_of_the_view_go_before_those_of_the_framework(site: Any) -> None:
    assert site("{{ session }}", context={"session": "own"}).text == "own"


def test_the_user_and_the_session_are_at_hand(site: Any) -> None:
    assert site("[{{ current_user or 'anonymous' }}][{{ session.get('a', 'empty') }}]").text == "[anonymous][empty]"


def test_nothing_is_looked_up_that_the_template_does_not_name(site: Any) -> None:
    page = site("plain")
    assert page.cookies_set == []
    assert "vary" not in page.headers


def test_a_token_is_made_when_the_template_asks(site: Any) -> None:
    page = site("{{ csrf_input() }}|{{ csrf_token }}")
    hidden, token = page.text.split("|")
    assert hidden.startswith('<input type="hidden" name="csrfmiddlewaretoken" value="')
    assert len(token) == 88
    assert page.headers["vary"] == "Cookie"


def test_lazy_values_work_in_loops_macros_and_included_files(site: Any, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "part.html").write_text("{{ request.path }}{{ current_user }}")
    text = "{% macro m() %}{{ request.path }}{% endmacro %}{{ m() }}{% include 'part.html' %}"
    assert site(text + "{% for x in [1] %}{{ request.path }}{% endfor %}").text == "//None/"


def test_static_gives_the_address_of_a_file(site: Any) -> None:
    assert site("{{ static('css/a b.css') }} {{ static('/x.js') }}").text == "/static/css/a%20b.css /static/x.js"


def test_static_knows_where_the_application_is_mounted(site: Any) -> None:
    assert site("{{ static('a.css') }}", environ={"SCRIPT_NAME": "/sh\u00c3\u00b6p/"}).text == "/sh%C3%B6p/static/a.css"


def test_static_may_lead_to_another_host(tmp_path: Path) -> None:
    app = make_app([], MIDDLEWARES=[], STATIC_URL="https://static.example.org/")
    assert app.templates.static("a.css") == "https://static.example.org/a.css"


def test_url_gives_the_address_of_a_route(site: Any) -> None:
    assert site("{{ url('course', slug='a b', page=2) }}").text == "/courses/a%20b/?page=2"


def test_url_knows_where_the_application_is_mounted(site: Any) -> None:
    page = site("{{ url('course', slug='a') }}", environ={"SCRIPT_NAME": "/shop"})
    assert page.text == "/shop/courses/a/"


@pytest.mark.parametrize(
    "source", ["messages", "messages()", "get_flashed_messages()", "get_flashed_messages('success')"]
)
def test_messages_are_shown_once(tmp_path: Path, source: str) -> None:
    (tmp_path / "templates").mkdir()
    text = "{% for m in " + source + " %}{{ m.category }}: {{ m.message }}{% endfor %}"
    (tmp_path / "templates" / "page.html").write_text(text)

    def flash(request: Request) -> Any:
        request.session.set_flash("<Saved>", "success")
        return redirect("/")

    routes = [path("/", lambda request: render(request, "page.html")), path("/flash/", flash)]
    client = Client(make_app(routes, BASE_DIR=tmp_path))
    assert client.get("/flash/", follow=True).text == "success: &lt;Saved&gt;"
    assert client.get("/").text == ""


def test_whether_there_are_messages_can_be_asked_before_they_are_shown(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    text = "{% if messages %}{{ messages|length }}{% for m in messages %}{{ m.message }}{% endfor %}{% endif %}"
    (tmp_path / "templates" / "page.html").write_text(text + "{{ get_flashed_messages('error')|length }}")

    def flash(request: Request) -> Any:
        request.session.set_flash("Saved", "success")
        return redirect("/")

    routes = [path("/", lambda request: render(request, "page.html")), path("/flash/", flash)]
    client = Client(make_app(routes, BASE_DIR=tmp_path))
    assert client.get("/flash/", follow=True).text == "1Saved0"
    assert client.get("/").text == "0"


def test_without_sessions_there_are_no_messages(site: Any) -> None:
    assert site("[{% for m in messages %}x{% endfor %}]", MIDDLEWARES=[]).text == "[]"


def test_the_project_goes_before_its_apps_and_those_before_the_framework(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, names in {"templates": ["a.html"], "tpl_app/templates": ["a.html", "b.html", "error.html"]}.items():
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            (tmp_path / folder / name).write_text(folder)
    (tmp_path / "tpl_app" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    app = make_app([], BASE_DIR=tmp_path, INSTALLED_APPS=["tpl_app"])
    rendered = [app.templates.render(name) for name in ("a.html", "b.html", "error.html")]
    assert rendered == ["templates", "tpl_app/templates", "tpl_app/templates"]


def test_a_missing_template_is_a_mistake_of_the_site(tmp_path: Path) -> None:
    app = make_app([path("/", lambda request: render(request, "none.html"))], BASE_DIR=tmp_path)
    assert Client(app).get("/").status_code == 500


def test_render_takes_a_status(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("x")
    app = make_app([path("/", lambda request: render(request, "page.html", status_code=422))], BASE_DIR=tmp_path)
    assert Client(app).get("/").status_code == 422


@pytest.mark.parametrize(("shortcut", "status"), [(return_403, 403), (return_404, 404)])
def test_a_view_may_return_an_error_page(shortcut: Any, status: int) -> None:
    app = make_app([path("/", lambda request: shortcut(request, "Not <today>."))])
    response = Client(app).get("/")
    assert response.status_code == status
    assert "Not &lt;today&gt;." in response.text
