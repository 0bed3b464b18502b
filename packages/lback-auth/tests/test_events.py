"""What is written down about accounts, and the signals that tell of it."""

import re
import time
from base64 import b32decode

import pytest
from sqlalchemy import select

from lback.auth.events import announce
from lback.auth.models import AuthEvent, User
from lback.auth.signals import SIGNALS
from lback.auth.totp import code_at
from lback.core.exceptions import NotFound
from lback.core.response import Response
from lback.core.signals import dispatcher
from lback.core.testing import Client
from lback.utils.urls import path

PASSWORD, NEW = "a fine password", "another fine one"


class TestRows:
    def test_say_who_what_when_and_from_where(self, client, add_user, database):
        user_id = add_user()
        client.csrf_post(
            "/auth/login/",
            {"identifier": "amira", "password": PASSWORD},
            headers={"User-Agent": "A browser"},
            environ={"REMOTE_ADDR": "203.0.113.7"},
        )
        with database.transaction(immediate=False) as db:
            row = db.scalars(select(AuthEvent)).one()
        assert (row.event, row.user_id, row.username) == ("user_login_successful", user_id, "amira")
        assert (row.ip, row.user_agent) == ("203.0.113.7", "A browser")
        assert row.happened_at.tzinfo is not None

    def test_survive_the_refusal_that_rolls_the_request_back(self, log_in, events):
        assert log_in("nobody").status_code == 401
        assert events() == [("user_login_failed", "nobody", "invalid_credentials")]

    @pytest.mark.parametrize("error", [NotFound, ValueError])
    def test_survive_an_error_of_the_view(self, make_site, events, error):
        def view(request):
            announce(request, "user_login_failed", view, username="amira", reason="invalid_credentials")
            request.db_session.add(User(username="nobody", password_hash="x"))
            raise error

        Client(make_site([path("/fails/", view)], DEBUG=False)).get("/fails/")
        assert events() == [("user_login_failed", "amira", "invalid_credentials")]

    def test_what_was_entered_is_cut_and_printable(self, log_in, database):
        log_in("a\x1b[31m" + "x" * 240)
        with database.transaction(immediate=False) as db:
            names = db.scalars(select(AuthEvent.username)).all()
        assert all(name.isprintable() and len(name) <= 254 for name in names)

    def test_outlive_the_account(self, client, add_user, log_in, database, events):
        user_id = add_user()
        log_in()
        with database.transaction() as db:
            db.delete(db.get(User, user_id))
        assert events() == [("user_login_successful", "amira", "")]

    def test_tell_of_somebody_who_lacks_a_permission(self, client, add_user, log_in, events):
        add_user()
        log_in()
        client.get("/posts/")
        assert events()[-1] == ("permission_check_failed", "amira", "posts")

    def test_of_requests_that_have_none_cost_no_query(self, client, add_user, log_in, queries):
        add_user()
        log_in()
        queries.clear()
        client.get("/whoami/")
        assert not any("auth_events" in statement for statement in queries)


def test_every_declared_signal_is_sent_with_what_it_declares(site, client, add_user, log_in, api, mailed_link, signals):
    received = signals(*(signal.name for signal in SIGNALS))
    add_user("carla")
    data = {"username": "amira", "email": "amira@example.org", "password": PASSWORD, "password_confirm": PASSWORD}
    client.csrf_post("/auth/register/", data)
    client.get(mailed_link())
    client.csrf_post("/auth/request-reset-password/", {"email": "amira@example.org"})
    token = mailed_link().partition("=")[2]
    client.csrf_post(
        "/auth/reset-password/", {"token": token, "new_password": PASSWORD, "confirm_new_password": PASSWORD}
    )
    log_in(password="wrong password")
    log_in()
    client.get("/posts/")
    client.csrf_post("/auth/sessions/end-others/")
    new = {"current_password": PASSWORD, "new_password": NEW, "confirm_new_password": NEW}
    client.csrf_post("/auth/change-password/", new)
    setup = "/auth/second-factor/setup/"
    secret = re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", client.get(setup).text)[1].replace(" ", "")
    code = code_at(b32decode(secret), int(time.time() // 30))
    client.csrf_post(setup, {"current_password": NEW, "code": code})
    client.csrf_post("/auth/second-factor/recovery-codes/", {"current_password": NEW})
    client.csrf_post("/auth/second-factor/remove/", {"current_password": NEW})
    client.csrf_post("/auth/logout/")
    add_user("dora", groups={"readers": ["blog.view_posts"]})
    log_in("dora")
    client.get("/posts/")
    renewal = api("login", {"identifier": "carla", "password": PASSWORD}).json()["refresh_token"]
    for _ in range(2):
        api("refresh", {"refresh_token": renewal})

    declared = {signal.name: set(signal.kwargs) for signal in SIGNALS}
    assert {name for name, *_ in received} == set(declared)
    for name, _, kwargs in received:
        assert set(kwargs) - {"user"} == declared[name] - {"user"}
    shown = repr([kwargs for *_, kwargs in received])
    assert not any(secret in shown for secret in (PASSWORD, NEW, token, renewal, secret, code))


def test_a_receiver_that_fails_lets_the_login_be(client, add_user, log_in, caplog):
    def broken(sender, **_):
        raise RuntimeError("no")

    add_user()
    dispatcher.connect("user_login_successful", broken)
    try:
        assert log_in().status_code == 303
    finally:
        dispatcher.disconnect("user_login_successful", broken)


def test_no_secret_is_logged(client, add_user, log_in, api, caplog):
    caplog.set_level("DEBUG")
    add_user()
    log_in(password="wrong password")
    log_in()
    found = api("login", {"identifier": "amira", "password": PASSWORD}).json()
    api("refresh", {"refresh_token": found["refresh_token"]})
    api("refresh", {"refresh_token": found["refresh_token"]})
    client.get("/whoami/", headers={"Authorization": f"Bearer {found['access_token']}"})
    for secret in (PASSWORD, "wrong password", found["access_token"], found["refresh_token"]):
        assert secret not in caplog.text
    assert client.cookies["session_id"] not in caplog.text


def test_a_view_can_announce_events_of_its_own(make_site, events):
    def view(request):
        announce(request, "passkey_added", view)
        return Response("done")

    assert Client(make_site([path("/adds/", view)])).get("/adds/").text == "done"
    assert events() == [("passkey_added", "", "")]
