"""`AuthMiddleware`: when the user is loaded, and what it needs."""

import pytest

from lback.auth.models import User
from lback.core.exceptions import ConfigurationError
from lback.core.response import Response
from lback.core.testing import Client
from lback.utils.urls import path

SESSIONS = "lback.middlewares.session.SessionMiddleware"
DATABASE = "lback.models.middleware.SQLAlchemySessionMiddleware"
AUTH = "lback.auth.middleware.AuthMiddleware"


def test_a_page_that_does_not_touch_the_user_costs_no_query(client, add_user, log_in, queries):
    add_user()
    log_in()
    queries.clear()
    assert client.get("/untouched/").text == "hello"
    assert queries == []


def test_an_anonymous_visitor_costs_no_query_either(client, queries):
    assert client.get("/whoami/").text == "nobody"
    assert queries == []


def test_the_user_is_loaded_once_a_request(make_site, client, add_user, log_in, queries):
    add_user()
    log_in()
    site = make_site([path("/thrice/", lambda request: Response(f"{request.user}{request.user}{request.user}"))])
    other = Client(site)
    other.cookies = dict(client.cookies)
    assert other.get("/thrice/").text == "amiraamiraamira"
    queries.clear()
    client.get("/whoami/")
    assert len([query for query in queries if "FROM users" in query]) == 1


def test_a_view_gets_the_user_by_its_annotation(make_site, client, add_user, log_in):
    def greet(request, user: User | None):
        return Response(f"hello {user}")

    add_user()
    log_in()
    other = Client(make_site([path("/greet/", greet)]))
    assert other.get("/greet/").text == "hello None"
    other.cookies = dict(client.cookies)
    assert other.get("/greet/").text == "hello amira"


def test_templates_have_the_user(make_site, client, add_user, log_in, tmp_path, page):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("{{ current_user }} {{ request.user.username }}")
    add_user("amira<b>".replace("<b>", ".k"))
    log_in("amira.k")
    other = Client(make_site([path("/page/", page)]))
    other.cookies = dict(client.cookies)
    assert other.get("/page/").text == "amira.k amira.k"


def test_a_page_that_depends_on_the_user_is_not_shared_by_caches(client, add_user, log_in):
    add_user()
    log_in()
    answer = client.get("/whoami/")
    assert "Cookie" in answer.headers["vary"]
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_route_that_requires_a_login_has_one(make_site, client, add_user, log_in):
    site = make_site([path("/mine/", lambda request: Response("mine"), requires_auth=True)])
    other = Client(site)
    refused = other.get("/mine/?page=2")
    assert refused.status_code == 302
    assert refused.location == "/auth/login/?next=%2Fmine%2F%3Fpage%3D2"
    add_user()
    log_in()
    other.cookies = dict(client.cookies)
    assert other.get("/mine/").text == "mine"


class TestSetUp:
    @pytest.mark.parametrize(
        ("middlewares", "missing"),
        [([AUTH], SESSIONS), ([SESSIONS, AUTH], DATABASE), ([AUTH, SESSIONS, DATABASE], SESSIONS)],
    )
    def test_without_session_or_database_before_it_the_site_does_not_start(self, make_site, middlewares, missing):
        with pytest.raises(ConfigurationError, match=f"Put {missing} before it"):
            make_site(MIDDLEWARES=middlewares)

    def test_sessions_that_can_not_be_ended_are_refused(self, make_site):
        with pytest.raises(ConfigurationError, match="a logout can't end them"):
            make_site(SESSION_STORE="cookie")

    def test_the_app_without_the_middleware_does_not_start(self, make_site):
        with pytest.raises(ConfigurationError, match="AuthMiddleware"):
            make_site(MIDDLEWARES=[DATABASE, SESSIONS])

    def test_a_middleware_of_the_project_on_top_of_it_will_do(self, make_site, monkeypatch, tmp_path):
        (tmp_path / "own_auth.py").write_text(
            "from lback.auth.middleware import AuthMiddleware\nclass Own(AuthMiddleware):\n    pass\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        assert make_site(MIDDLEWARES=[DATABASE, SESSIONS, {"class": "own_auth.Own"}])
