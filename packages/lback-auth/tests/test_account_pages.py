"""The page of one's own account, and where it is logged in."""

import re

import pytest
from sqlalchemy import event, select

from lback.auth.models import Group, Login, User
from lback.core.testing import Client

PAGES = ["account", "sessions", "change-password", "second-factor/status"]


@pytest.fixture
def elsewhere(site, log_in):
    """Return a function that logs in from another browser."""

    def elsewhere(username="amira", agent="Another browser"):
        client = Client(site)
        client.csrf_post(
            "/auth/login/",
            {"identifier": username, "password": "a fine password"},
            headers={"User-Agent": agent},
        )
        return client

    return elsewhere


@pytest.mark.parametrize("name", PAGES)
def test_they_are_for_users(client, name):
    assert client.get(f"/auth/{name}/").location.startswith("/auth/login/?next=")


@pytest.mark.parametrize("name", PAGES)
def test_they_are_kept_by_no_cache_and_have_no_inline_script_or_style(client, add_user, log_in, name):
    add_user(email="amira@example.org")
    log_in()
    page = client.get(f"/auth/{name}/")
    assert page.status_code == 200
    assert "no-store" in page.headers["cache-control"]
    assert not re.search(r"<style|<script|\sstyle=|\son\w+=", page.text)


def test_the_account_shows_the_name_escaped(client, add_user, log_in):
    add_user("<i>amira</i>")
    log_in("<i>amira</i>")
    text = client.get("/auth/account/").text
    assert "&lt;i&gt;amira" in text
    assert "<i>amira" not in text


class TestSessions:
    def test_are_listed_with_browser_and_address(self, client, add_user, log_in, elsewhere):
        add_user()
        log_in()
        elsewhere(agent="<b>Evil</b> browser")
        text = client.get("/auth/sessions/").text
        assert "127.0.0.1" in text
        assert "&lt;b&gt;Evil" in text
        assert "<b>Evil" not in text

    def test_can_be_ended_one_by_one(self, client, add_user, log_in, elsewhere):
        add_user()
        log_in()
        other = elsewhere()
        address = re.search(r'action="(/auth/sessions/[^/"]+/end/)"', client.get("/auth/sessions/").text)[1]
        assert client.csrf_post(address).location == "/auth/sessions/"
        assert other.get("/whoami/").text == "nobody"
        assert client.get("/whoami/").text == "amira"
        assert client.csrf_post(address).status_code == 404

    def test_of_others_can_not(self, client, add_user, log_in, elsewhere, database):
        add_user()
        bilal = add_user("bilal")
        other = elsewhere("bilal")
        log_in()
        with database.transaction(immediate=False) as db:
            login_id = db.scalars(select(Login.id).where(Login.user_id == bilal)).one()
        assert login_id not in client.get("/auth/sessions/").text
        assert client.csrf_post(f"/auth/sessions/{login_id}/end/").status_code == 404
        assert other.get("/whoami/").text == "bilal"

    def test_can_all_be_ended_but_this_one_tokens_too(self, client, add_user, log_in, elsewhere, api):
        add_user()
        token = api("login", {"identifier": "amira", "password": "a fine password"}).json()["access_token"]
        others = [elsewhere(), elsewhere()]
        log_in()
        client.csrf_post("/auth/sessions/end-others/")
        assert [other.get("/whoami/").text for other in others] == ["nobody", "nobody"]
        assert api("user", method="GET", token=token).status_code == 401
        assert client.get("/whoami/").text == "amira"

    def test_the_one_at_hand_is_a_logout(self, client, add_user, log_in, database):
        add_user()
        log_in()
        with database.transaction(immediate=False) as db:
            login_id = db.scalars(select(Login.id)).one()
        assert client.csrf_post(f"/auth/sessions/{login_id}/end/").location == "/auth/login/"
        assert client.get("/whoami/").text == "nobody"

    def test_ends_only_by_post_with_a_token(self, client, add_user, log_in, database):
        add_user()
        log_in()
        with database.transaction(immediate=False) as db:
            login_id = db.scalars(select(Login.id)).one()
        assert client.get(f"/auth/sessions/{login_id}/end/").status_code == 405
        assert client.post(f"/auth/sessions/{login_id}/end/").status_code == 403
        assert client.get("/whoami/").text == "amira"

    def test_a_logout_leaves_no_row(self, client, add_user, log_in, database):
        add_user()
        log_in()
        client.csrf_post("/auth/logout/")
        with database.transaction(immediate=False) as db:
            assert db.scalars(select(Login)).all() == []

    def test_a_second_login_of_the_same_browser_takes_the_place_of_the_first(self, add_user, log_in, database):
        add_user()
        log_in()
        log_in()
        with database.transaction(immediate=False) as db:
            assert len(db.scalars(select(Login)).all()) == 1

    def test_the_time_of_the_last_use_is_noted_now_and_then(self, client, add_user, log_in, database, queries):
        add_user()
        log_in()
        with database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE auth_logins SET used_at = '2020-01-01 00:00:00'")
        client.get("/whoami/")
        with database.transaction(immediate=False) as db:
            assert db.scalars(select(Login)).one().used_at.year > 2020


class TestRights:
    """More rights are for who logs in again."""

    @pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
    def test_who_gains_some_logs_in_again(self, client, add_user, log_in, api, database, flag):
        user_id = add_user()
        log_in()
        token = api("login", {"identifier": "amira", "password": "a fine password"}).json()["access_token"]
        with database.transaction() as db:
            setattr(db.get(User, user_id), flag, True)
        assert client.get("/whoami/").text == "nobody"
        assert api("user", method="GET", token=token).status_code == 401
        log_in()
        assert client.get("/whoami/").text == "amira"

    @pytest.mark.parametrize("side", ["user", "group"])
    def test_so_does_who_comes_into_the_group_of_superusers(self, client, add_user, log_in, database, side):
        user_id = add_user()
        log_in()
        with database.transaction() as db:
            user, group = db.get(User, user_id), Group(name="admin")
            db.add(group)
            if side == "user":
                user.groups.append(group)
            else:
                group.users.append(user)
        assert client.get("/whoami/").text == "nobody"

    def test_another_group_changes_nothing(self, client, add_user, log_in, database):
        user_id = add_user()
        log_in()
        with database.transaction() as db:
            user = db.get(User, user_id)
            user.groups.append(Group(name="readers"))
        assert client.get("/whoami/").text == "amira"

    def test_who_loses_some_does_not(self, client, add_user, log_in, database):
        user_id = add_user(is_staff=True)
        log_in()
        with database.transaction() as db:
            db.get(User, user_id).is_staff = False
        assert client.get("/whoami/").text == "amira"


def test_a_request_with_a_user_costs_two_queries_and_one_without_none(client, add_user, log_in, queries, database):
    add_user()
    log_in()
    # The session is read on a connection of its own.
    beside = []

    def record(_connection, _cursor, statement, *_):
        beside.append(statement)

    event.listen(database._beside, "before_cursor_execute", record)
    queries.clear()
    client.get("/whoami/")
    assert len([statement for statement in [*queries, *beside] if statement.startswith("SELECT")]) == 2
    queries.clear()
    beside.clear()
    client.get("/untouched/")
    event.remove(database._beside, "before_cursor_execute", record)
    assert [*queries, *beside] == []
