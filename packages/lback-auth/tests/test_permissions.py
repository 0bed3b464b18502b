"""`PermissionRequired`: who is let into a view, and what the others are told."""

import pytest
from sqlalchemy import select

from lback.auth.models import Group, User
from lback.auth.permissions import PermissionRequired, permission_names
from lback.core.exceptions import ConfigurationError
from lback.core.response import Response
from lback.core.testing import Client
from lback.utils.urls import path


@PermissionRequired(["blog.add_post", "blog.publish_post"])
def create_and_publish_post(request):
    return Response("published")


def get_dynamic_edit_permission(request):
    if request.user and request.user.is_staff:
        return "article.edit_all"
    return "article.edit_own"


@PermissionRequired(get_dynamic_edit_permission)
def edit_article_view(request, article_id: int):
    return Response(f"editing {article_id}")


@PermissionRequired(lambda request: set())
def nothing_required(request):
    return Response("open")


@PermissionRequired("blog.view_posts")
class PostView:
    """A page."""

    def get(self, request):
        return Response("the post")

    def post(self, request):
        return Response("changed")


class CommentView:
    def get(self, request):
        return Response("the comments")

    @PermissionRequired("blog.comment")
    def post(self, request):
        return Response("commented")


class Dispatching:
    def dispatch(self, request, user: User | None):
        return Response(f"dispatched for {user}")


ROUTES = [
    path("/publish/", create_and_publish_post),
    path("/articles/{article_id:int}/", edit_article_view),
    path("/nothing/", nothing_required),
    path("/post/", PostView, allowed_methods=["GET", "POST"]),
    path("/comments/", CommentView, allowed_methods=["GET", "POST"]),
    path("/dispatching/", PermissionRequired({"blog.view_posts"})(Dispatching), allowed_methods=["GET"]),
]


@pytest.fixture
def site(make_site):
    return make_site(ROUTES)


class TestAnonymous:
    def test_is_sent_to_the_login_and_comes_back(self, client, add_user, log_in):
        add_user(groups={"readers": ["blog.view_posts"]})
        answer = client.get("/posts/?page=2")
        assert answer.status_code == 302
        assert answer.location == "/auth/login/?next=%2Fposts%2F%3Fpage%3D2"
        assert log_in(path=answer.location).location == "/posts/?page=2"
        assert client.get("/posts/?page=2").text == "the posts"

    def test_finds_a_message_on_the_login_page(self, client):
        assert "Log in to see this page." in client.get("/posts/", follow=True).text

    def test_goes_where_the_setting_says(self, make_site):
        site = make_site([path("/enter/", lambda request: Response("enter"))], LOGIN_URL="/enter/")
        assert Client(site).get("/posts/").location == "/enter/?next=%2Fposts%2F"

    def test_who_asks_for_json_gets_a_401_and_no_session(self, client):
        answer = client.get("/posts/", headers={"Accept": "application/json"})
        assert answer.status_code == 401
        assert answer.cookies_set == []


class TestLacking:
    def test_gets_a_403_that_says_so(self, client, add_user, log_in):
        add_user()
        log_in()
        answer = client.get("/posts/")
        assert answer.status_code == 403
        assert "You don&#39;t have permission to do that." in answer.text

    def test_finds_the_message_on_the_next_page_too(self, make_site, add_user, client, log_in):
        def messages(request):
            return Response(str(request.session.get_flashed_messages()))

        add_user()
        log_in()
        other = Client(make_site([path("/messages/", messages)]))
        other.cookies = dict(client.cookies)
        other.get("/posts/")
        assert "'category': 'error'" in other.get("/messages/").text

    def test_the_view_is_not_run(self, make_site, client, add_user, log_in):
        ran = []
        view = PermissionRequired("a.b")(lambda request: ran.append(request))
        add_user()
        log_in()
        other = Client(make_site([path("/view/", view)]))
        other.cookies = dict(client.cookies)
        assert other.get("/view/").status_code == 403
        assert ran == []


class TestAllowed:
    def test_with_the_permission(self, client, add_user, log_in):
        add_user(groups={"readers": ["blog.view_posts"]})
        log_in()
        assert client.get("/posts/").text == "the posts"

    @pytest.mark.parametrize("flags", [{"is_superuser": True}, {"groups": {"admin": []}}])
    def test_superusers(self, client, add_user, log_in, flags):
        add_user(**flags)
        log_in()
        assert client.get("/posts/").text == "the posts"

    def test_the_group_of_superusers_is_a_setting(self, make_site, database, client, add_user, log_in):
        add_user(groups={"owners": []})
        add_user("bilal", groups={"admin": []})
        site = make_site(ROUTES, SUPERUSER_GROUP="owners")
        for username, status in (("amira", 200), ("bilal", 403)):
            visitor = Client(site)
            log_in(username, client=visitor)
            assert visitor.get("/posts/").status_code == status


class TestSeveral:
    @pytest.mark.parametrize(
        ("permissions", "status"),
        [
            (["blog.add_post", "blog.publish_post"], 200),
            (["blog.add_post"], 403),
            (["blog.publish_post"], 403),
            (["blog.add_post,blog.publish_post"], 403),
            ([], 403),
        ],
    )
    def test_the_user_needs_all(self, client, add_user, log_in, permissions, status):
        add_user(groups={"editors": permissions})
        log_in()
        assert client.get("/publish/").status_code == status


class TestDynamic:
    @pytest.mark.parametrize(
        ("flags", "status"),
        [
            ({"groups": {"authors": ["article.edit_own"]}}, 200),
            ({"groups": {"authors": ["article.edit_own"]}, "is_staff": True}, 403),
            ({"groups": {"editors": ["article.edit_all"]}, "is_staff": True}, 200),
        ],
    )
    def test_the_function_says_what_is_needed(self, client, add_user, log_in, flags, status):
        add_user(**flags)
        log_in()
        assert client.get("/articles/7/").status_code == status

    def test_it_is_asked_for_anonymous_visitors_too(self, client):
        assert client.get("/articles/7/").status_code == 302

    def test_one_that_asks_for_nothing_opens_nothing(self, client, add_user, log_in):
        add_user(is_superuser=True)
        log_in()
        assert client.get("/nothing/").status_code == 500


class TestClasses:
    def test_all_methods_of_a_class_are_guarded(self, client, add_user, log_in):
        add_user()
        assert client.get("/post/").status_code == 302
        log_in()
        assert client.get("/post/").status_code == 403
        assert client.csrf_post("/post/").status_code == 403
        assert client.head("/post/").status_code == 403

    def test_with_the_permission_they_answer(self, client, add_user, log_in):
        add_user(groups={"readers": ["blog.view_posts"]})
        log_in()
        assert client.get("/post/").text == "the post"
        assert client.csrf_post("/post/").text == "changed"
        assert client.get("/dispatching/").text == "dispatched for amira"

    def test_one_method_can_be_guarded_alone(self, client, add_user, log_in):
        assert client.get("/comments/").text == "the comments"
        assert client.csrf_post("/comments/").status_code == 303
        add_user(groups={"writers": ["blog.comment"]})
        log_in()
        assert client.csrf_post("/comments/").text == "commented"

    def test_the_class_keeps_its_name_and_text(self):
        assert PostView.__name__ == "PostView"
        assert PostView.__doc__ == "A page."

    def test_a_class_without_such_methods_is_refused(self):
        with pytest.raises(ConfigurationError, match="no method that answers"):
            PermissionRequired("a.b")(type("Empty", (), {}))


def test_a_permission_taken_away_is_gone_on_the_next_request(client, database, add_user, log_in):
    add_user(groups={"readers": ["blog.view_posts"]})
    log_in()
    assert client.get("/posts/").status_code == 200
    with database.transaction() as db:
        group = db.scalars(select(Group)).one()
        group.permissions.clear()
    assert client.get("/posts/").status_code == 403


@pytest.mark.parametrize("required", ["", [], set(), [""], ["a.b", None], None, 7, [7]])
def test_what_would_let_everybody_in_is_refused_at_once(required):
    with pytest.raises(ConfigurationError, match="PermissionRequired takes a permission"):
        PermissionRequired(required)


def test_names_may_come_as_any_collection():
    assert permission_names("a.b") == permission_names(["a.b"]) == permission_names({"a.b"}) == {"a.b"}


class TestSignals:
    NAMES = ("permission_check_started", "permission_check_succeeded", "permission_check_failed")

    def test_of_a_success(self, client, add_user, log_in, signals):
        add_user(groups={"readers": ["blog.view_posts"]})
        log_in()
        received = signals(*self.NAMES)
        client.get("/posts/")
        assert [name for name, *_ in received] == ["permission_check_started", "permission_check_succeeded"]
        for _, sender, kwargs in received:
            assert isinstance(sender, PermissionRequired)
            assert set(kwargs) == {"request", "required_permissions", "user", "view_func_name"}
            assert kwargs["required_permissions"] == {"blog.view_posts"}
            assert kwargs["view_func_name"] == "posts"
            assert kwargs["request"].path == "/posts/"
            assert kwargs["user"].id is not None

    def test_of_an_anonymous_visitor(self, client, signals):
        received = signals(*self.NAMES)
        client.get("/posts/")
        assert [name for name, *_ in received] == ["permission_check_started", "permission_check_failed"]
        assert received[1][2]["reason"] == "user_not_authenticated"
        assert received[1][2]["user"] is None

    def test_of_a_user_who_lacks_one(self, client, add_user, log_in, signals):
        add_user()
        log_in()
        received = signals(*self.NAMES)
        client.get("/posts/")
        assert received[1][2]["reason"] == "permission_missing"
