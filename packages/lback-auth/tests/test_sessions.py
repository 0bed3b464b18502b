"""Who a session belongs to, and what ends it."""

import pytest
from sqlalchemy import select

from lback.auth.logins import fingerprint
from lback.auth.models import User
from lback.auth.sessions import login
from lback.core.response import Response
from lback.core.testing import Client
from lback.utils.urls import path

PASSWORD = "a fine password"


@pytest.fixture
def change(database):
    """Return a function that changes the columns of a user behind the site's back."""

    def change(username, password=None, **values):
        with database.transaction() as db:
            user = db.scalars(select(User).where(User.username == username)).one()
            for name, value in values.items():
                setattr(user, name, value)
            if password:
                user.set_password(password)

    return change


def whoami(client):
    return client.get("/whoami/").text


def test_after_the_login_every_request_has_the_user(client, add_user, log_in):
    add_user()
    log_in()
    assert whoami(client) == "amira"
    assert whoami(client) == "amira"


class TestFixation:
    def test_the_session_id_changes_at_the_login(self, client, add_user, log_in):
        add_user()
        client.get("/remember/?basket=apples")
        before = client.cookies["session_id"]
        log_in()
        assert client.cookies["session_id"] != before

    def test_a_planted_cookie_is_worth_nothing_afterwards(self, site, client, add_user, log_in):
        add_user()
        attacker = Client(site)
        attacker.get("/remember/?basket=bait")
        client.cookies["session_id"] = attacker.cookies["session_id"]
        log_in()
        assert whoami(client) == "amira"
        assert whoami(attacker) == "nobody"
        assert attacker.get("/basket/").text == "empty"

    def test_an_invented_id_is_not_taken_over(self, client, add_user, log_in):
        add_user()
        client.cookies["session_id"] = "chosen-by-the-attacker"
        log_in()
        assert client.cookies["session_id"] != "chosen-by-the-attacker"

    def test_the_csrf_secret_changes_at_login_and_logout(self, client, add_user, log_in):
        add_user()
        token = client.csrf_token()
        log_in()
        assert client.post("/auth/logout/", headers={"X-CSRF-Token": token}).status_code == 403
        token = client.csrf_token()
        client.csrf_post("/auth/logout/")
        refused = client.post(
            "/auth/login/", {"identifier": "amira", "password": PASSWORD}, headers={"X-CSRF-Token": token}
        )
        assert refused.status_code == 403


class TestWhatIsKept:
    def test_what_a_visitor_put_into_the_session_is_kept_at_the_login(self, client, add_user, log_in):
        add_user()
        client.get("/remember/?basket=apples")
        log_in()
        assert client.get("/basket/").text == "apples"

    def test_what_another_user_put_there_is_not(self, client, add_user, log_in):
        add_user()
        add_user("bilal")
        log_in()
        client.get("/remember/?basket=apples")
        log_in("bilal")
        assert whoami(client) == "bilal"
        assert client.get("/basket/").text == "empty"

    def test_nothing_is_kept_at_the_logout(self, client, add_user, log_in):
        add_user()
        log_in()
        client.get("/remember/?basket=apples")
        client.csrf_post("/auth/logout/")
        assert client.get("/basket/").text == "empty"
        assert whoami(client) == "nobody"

    def test_the_session_holds_neither_password_nor_hash(self, database, client, add_user, log_in):
        add_user()
        log_in()
        with database.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM sessions").all()
        kept = repr(rows)
        assert "user_login" in kept
        assert PASSWORD not in kept
        assert "bcrypt" not in kept
        assert "$2b$" not in kept


class TestEnds:
    def test_the_cookie_of_before_the_logout_is_worth_nothing(self, site, client, add_user, log_in):
        add_user()
        log_in()
        thief = Client(site)
        thief.cookies = dict(client.cookies)
        assert whoami(thief) == "amira"
        client.csrf_post("/auth/logout/")
        assert whoami(thief) == "nobody"

    def test_a_deactivated_user_is_out_at_once(self, client, add_user, log_in, change):
        add_user()
        log_in()
        change("amira", is_active=False)
        assert whoami(client) == "nobody"

    def test_and_stays_out_when_the_account_is_activated_again(self, client, add_user, log_in, change):
        add_user()
        log_in()
        change("amira", is_active=False)
        client.get("/whoami/")
        change("amira", is_active=True)
        assert whoami(client) == "nobody"

    def test_a_changed_password_ends_every_session(self, site, client, add_user, log_in, change):
        add_user()
        other = Client(site)
        log_in()
        log_in(client=other)
        change("amira", password="another fine one")
        assert whoami(client) == "nobody"
        assert whoami(other) == "nobody"

    def test_the_same_password_set_again_ends_them_too(self, client, add_user, log_in, change):
        add_user()
        log_in()
        change("amira", password=PASSWORD)
        assert whoami(client) == "nobody"

    def test_a_deleted_user_is_out(self, client, database, add_user, log_in):
        user_id = add_user()
        log_in()
        with database.transaction() as db:
            db.delete(db.get(User, user_id))
        assert whoami(client) == "nobody"


@pytest.mark.parametrize("user_id", ["x", "", "-1", "1.0", "\u0661", "9" * 40, 1, None, ["1"]])
def test_a_session_with_another_id_in_it_belongs_to_nobody(make_site, add_user, user_id):
    def plant(request):
        request.session["user_id"] = user_id
        return Response("planted")

    site = make_site([path("/plant/", plant)])
    client = Client(site)
    client.get("/plant/")
    assert client.get("/whoami/").text == "nobody"


def test_the_id_alone_is_not_enough(make_site, add_user):
    user_id = add_user()

    def plant(request):
        request.session["user_id"] = str(user_id)
        return Response("planted")

    client = Client(make_site([path("/plant/", plant)]))
    client.get("/plant/")
    assert client.get("/whoami/").text == "nobody"


class TestLogin:
    def test_a_deactivated_user_can_not_be_logged_in_by_a_view_either(self, make_site, add_user, database):
        user_id = add_user(is_active=False)

        def view(request):
            with pytest.raises(ValueError, match="deactivated"):
                login(request, request.db_session.get(User, user_id))
            return Response("refused")

        assert Client(make_site([path("/in/", view)])).get("/in/").text == "refused"

    def test_the_user_is_there_in_the_same_request_and_the_time_is_noted(self, make_site, add_user):
        user_id = add_user()

        def view(request):
            assert request.user is None
            login(request, request.db_session.get(User, user_id))
            return Response(f"{request.user} {request.user.last_login_at is not None}")

        assert Client(make_site([path("/in/", view)])).get("/in/").text == "amira True"


def test_a_fingerprint_changes_with_the_password_and_gives_nothing_away():
    user = User(username="amira")
    user.set_password("one password")
    first = fingerprint(user)
    user.set_password("two passwords")
    assert first != fingerprint(user)
    assert len(first) == 64
