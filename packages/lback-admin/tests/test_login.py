import re
import time

import pytest

from lback.auth.models import User
from lback.auth.second_factor import SecondFactors
from lback.auth.totp import code_at
from lback.core.signals import dispatcher
from lback.core.testing import Client, make_app
from lback.core.urls_utils import include
from lback.models.database import DatabaseManager

PASSWORD = "correct horse battery"


@pytest.fixture
def client(app):
    return Client(app)


@pytest.mark.parametrize("path", ["/admin/", "/admin/dashboard/", "/admin/course/", "/admin/course/1/change/?a=b"])
def test_a_stranger_is_sent_to_the_login_of_the_admin_and_back(client, path):
    response = client.get(path)
    assert response.status_code == 302
    assert response.location.startswith("/admin/login/?next=")
    page = client.get(response.location)
    assert page.status_code == 200
    assert 'name="next"' in page.text


def test_an_unknown_model_tells_a_stranger_nothing(client):
    assert client.get("/admin/nonsense/").location.startswith("/admin/login/")


def test_logging_in_leads_where_the_visitor_wanted_to_go(client, make_user):
    make_user("ada")
    form = {"username": "ada", "password": PASSWORD, "next": "/admin/course/?q=x"}
    assert client.csrf_post("/admin/login/", form).location == "/admin/course/?q=x"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_other_site_can_be_the_target(client, make_user, target):
    make_user("ada")
    form = {"username": "ada", "password": PASSWORD, "next": target}
    assert client.csrf_post("/admin/login/", form).location == "/admin/dashboard/"


def test_the_prefix_leads_to_the_dashboard(root):
    assert root.get("/admin/").location == "/admin/dashboard/"
    assert root.get("/admin/login/").location == "/admin/dashboard/"


def test_every_refusal_reads_the_same(client, make_user):
    make_user("ada")
    make_user("visitor", is_staff=False)
    make_user("gone", is_active=False)
    pages = set()
    for username, password in [("ada", "wrong"), ("visitor", PASSWORD), ("gone", PASSWORD), ("nobody", PASSWORD)]:
        response = client.csrf_post("/admin/login/", {"username": username, "password": password})
        assert response.status_code == 401
        text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", response.text)
        pages.add(text.replace(username, ""))
    assert len(pages) == 1
    assert client.get("/admin/dashboard/").status_code == 302


def test_what_was_typed_comes_back_escaped_and_the_password_not_at_all(client):
    response = client.csrf_post("/admin/login/", {"username": '"><script>x', "password": "hunter22hunter22"})
    assert "<script>" not in response.text
    assert "hunter22" not in response.text


def test_the_login_needs_a_token(client, make_user):
    make_user("ada")
    assert client.post("/admin/login/", {"username": "ada", "password": PASSWORD}).status_code == 403


def test_the_session_id_changes_at_login(client, make_user):
    make_user("ada")
    client.csrf_post("/admin/login/", {"username": "ada", "password": "wrong"})
    before = dict(client.cookies)
    client.csrf_post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert client.cookies["session_id"] != before.get("session_id")


def test_logging_out_ends_the_session_everywhere(root, app):
    stolen = Client(app)
    stolen.cookies = dict(root.cookies)
    response = root.csrf_post("/admin/logout/", follow=True)
    assert "You are logged out." in response.text
    assert root.get("/admin/dashboard/").status_code == 302
    assert stolen.get("/admin/dashboard/").status_code == 302


def test_nothing_is_ended_by_a_get(root):
    assert root.get("/admin/logout/").status_code == 405
    assert root.get("/admin/dashboard/").status_code == 200


def test_somebody_logged_in_who_is_not_staff_is_refused(log_in, transaction, models):
    client = log_in(username="ada")
    with transaction() as db:
        db.query(models.User).filter_by(username="ada").one().is_staff = False
    assert client.get("/admin/dashboard/").status_code == 403


def test_a_deactivated_account_is_out_at_once(log_in, transaction, models):
    client = log_in(username="ada")
    with transaction() as db:
        db.query(models.User).filter_by(username="ada").one().is_active = False
    assert client.get("/admin/dashboard/").location.startswith("/admin/login/")


def test_signals_tell_of_logins(client, make_user):
    make_user("ada")
    heard = []

    def listen(sender, **kwargs):
        heard.append({name: value for name, value in kwargs.items() if name != "request"})

    for name in ("admin_login_successful", "admin_login_failed"):
        dispatcher.connect(name, listen)
    try:
        client.csrf_post("/admin/login/", {"username": "ada", "password": "wrong"})
        client.csrf_post("/admin/login/", {"username": "ada", "password": PASSWORD})
    finally:
        for name in ("admin_login_successful", "admin_login_failed"):
            dispatcher.disconnect(name, listen)
    assert heard[0] == {"username": "ada", "reason": "invalid_credentials"}
    assert list(heard[1]) == ["user"]


def test_a_member_of_the_group_of_superusers_enters_and_may_do_everything(log_in):
    client = log_in(username="boss", is_staff=False, groups=["admin"])
    assert client.get("/admin/user/add/").status_code == 200


def test_guesses_are_limited_and_count_with_those_on_the_other_login(app, client, make_user):
    make_user("ada")
    statuses = [
        client.csrf_post("/admin/login/", {"username": "ada", "password": "wrong"}).status_code for _ in range(11)
    ]
    assert statuses == [401] * 10 + [429]
    answer = client.csrf_post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert answer.status_code == 429
    assert "too many attempts" in answer.text
    assert int(answer.headers["retry-after"]) > 0


class TestSecondFactor:
    """Somebody with a second factor is asked for it by the admin as well."""

    @pytest.fixture
    def both(self, app):
        """A site with the pages of accounts beside the admin, on the same database."""
        routes = [include("lback.admin.urls", prefix="/admin/"), include("lback.auth_app.urls", prefix="/auth/")]
        names = ("BASE_DIR", "INSTALLED_APPS", "DATABASE_URL", "MIDDLEWARES")
        site = make_app(routes, **{name: app.config[name] for name in names})
        yield site
        site.container.get(DatabaseManager).dispose()

    @pytest.fixture
    def secret(self, both, make_user):
        make_user("ada")
        factors = both.container.get(SecondFactors)
        with both.container.get(DatabaseManager).transaction() as db:
            user = db.query(User).one()
            secret = factors.secret(db, user)
            factors.confirm(db, user, code_at(secret, int(time.time() // 30) - 1))
        return secret

    def test_the_code_comes_after_the_password_and_leads_into_the_admin(self, both, secret):
        client = Client(both)
        answer = client.csrf_post("/admin/login/", {"username": "ada", "password": PASSWORD})
        assert answer.location == "/auth/second-factor/?next=%2Fadmin%2Fdashboard%2F"
        assert client.get("/admin/dashboard/").status_code == 302
        code = code_at(secret, int(time.time() // 30))
        assert client.csrf_post(answer.location, {"code": code}).location == "/admin/dashboard/"
        assert client.get("/admin/dashboard/").status_code == 200

    def test_without_its_pages_nobody_gets_in(self, app, secret, caplog):
        client = Client(app)
        assert client.csrf_post("/admin/login/", {"username": "ada", "password": PASSWORD}).status_code == 500
        assert client.get("/admin/dashboard/").status_code == 302
        assert "put include('lback.auth_app.urls'" in caplog.text


def test_an_address_that_staff_enters_counts_as_confirmed(root, transaction):
    data = {"username": "bilal", "email": "bilal@example.org", "new_password": PASSWORD, "is_active": "on"}
    assert root.csrf_post("/admin/user/add/", data).status_code in (302, 303)
    with transaction() as db:
        user = db.query(User).filter_by(username="bilal").one()
        assert user.email_verified_at is not None
