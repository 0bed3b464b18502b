"""The second factor: set up, asked for after the password, and removed."""

import re
import time
from base64 import b32decode, b32encode

import pytest
from sqlalchemy import select

from lback.auth.models import RecoveryCode, SecondFactor, User
from lback.auth.second_factor import SecondFactors
from lback.auth.totp import code_at
from lback.core.config import Config
from lback.core.testing import Client

PASSWORD = "a fine password"
SETUP = "/auth/second-factor/setup/"


class Phone:
    """An authenticator app."""

    def __init__(self, secret):
        self.secret = secret

    def code(self, steps=0):
        return code_at(self.secret, int(time.time() // 30) + steps)


@pytest.fixture
def scan(client):
    """Return a function that reads the secret from the page into a phone."""

    def scan(client=client, path=SETUP):
        text = client.get(path).text
        secret = re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", text)[1]
        return Phone(b32decode(secret.replace(" ", "")))

    return scan


@pytest.fixture
def set_up(client, scan):
    """Return a function that sets the second factor up for who is logged in, and gives the phone and the codes."""

    def set_up(client=client):
        phone = scan(client)
        page = client.csrf_post(SETUP, {"current_password": PASSWORD, "code": phone.code(-1)})
        assert page.status_code == 200
        return phone, re.findall(r"\b([a-z2-9]{5}-[a-z2-9]{5})\b", page.text)

    return set_up


@pytest.fixture
def enter(client):
    """Return a function that sends a code after the password."""

    def enter(code, client=client, query=""):
        return client.csrf_post(f"/auth/second-factor/{query}", {"code": code})

    return enter


@pytest.fixture
def owner(client, add_user, log_in, set_up):
    """A user with a second factor, logged out, as ``(phone, recovery codes)``."""
    add_user()
    log_in()
    found = set_up()
    client.csrf_post("/auth/logout/")
    return found


def onward(page):
    """Return where the page with the recovery codes leads."""
    return re.search(r'href="([^"]*)">I have kept them', page.text)[1]


class TestLogin:
    def test_asks_for_the_code_after_the_password(self, client, owner, log_in, enter):
        phone, _ = owner
        answer = log_in(path="/auth/login/?next=/basket/")
        assert answer.location == "/auth/second-factor/?next=%2Fbasket%2F"
        assert client.get("/whoami/").text == "nobody"
        done = enter(phone.code(), query="?next=%2Fbasket%2F")
        assert (done.status_code, done.location) == (303, "/basket/")
        assert client.get("/whoami/").text == "amira"

    def test_keeps_what_the_visitor_had_in_the_session(self, client, owner, log_in, enter):
        client.get("/remember/?basket=apples")
        log_in()
        enter(owner[0].code())
        assert client.get("/basket/").text == "apples"

    def test_changes_the_session_id_with_the_code(self, client, owner, log_in, enter):
        log_in()
        before = client.cookies["session_id"]
        enter(owner[0].code())
        assert client.cookies["session_id"] != before

    @pytest.mark.parametrize("code", ["000000", "", "abcdef", "12345", "\u0661" * 6, "x" * 21, "aaaaa-aaaaa"])
    def test_another_code_lets_nobody_in(self, client, owner, log_in, enter, code):
        log_in()
        page = enter(code)
        assert page.status_code in (400, 401)
        assert 'class="auth-error" id="id_code_errors">' in page.text
        assert client.get("/whoami/").text == "nobody"

    def test_without_the_password_the_code_is_worth_nothing(self, client, owner, enter):
        assert enter(owner[0].code()).location == "/auth/login/"
        assert client.get("/whoami/").text == "nobody"

    def test_a_code_works_once(self, site, client, owner, log_in, enter):
        code = owner[0].code()
        log_in()
        enter(code)
        other = Client(site)
        log_in(client=other)
        assert enter(code, other).status_code == 401
        assert other.get("/whoami/").text == "nobody"

    def test_nor_does_an_older_one_work_after_it(self, owner, log_in, enter, site):
        log_in()
        enter(owner[0].code())
        other = Client(site)
        log_in(client=other)
        assert enter(owner[0].code(-1), other).status_code == 401

    def test_spaces_in_a_code_do_not_matter(self, owner, log_in, enter):
        log_in()
        code = owner[0].code()
        assert enter(f" {code[:3]} {code[3:]}").status_code == 303

    def test_guesses_are_counted_for_the_account(self, site, owner, log_in, enter):
        clients = [Client(site), Client(site)]
        for client in clients:
            log_in(client=client)
        statuses = [enter("000000", clients[number % 2]).status_code for number in range(11)]
        assert statuses == [401] * 10 + [429]
        assert enter(owner[0].code(), clients[1]).status_code == 429

    def test_the_password_counts_for_ten_minutes(self, client, owner, log_in, enter, later):
        log_in()
        later(601)
        assert enter(owner[0].code()).location == "/auth/login/"
        assert "too much time" in client.get("/auth/login/").text

    def test_not_longer_than_it_is_the_password(self, client, owner, log_in, enter, database):
        log_in()
        with database.transaction() as db:
            db.scalars(select(User)).one().set_password("another fine one")
        assert enter(owner[0].code()).location == "/auth/login/"

    def test_nor_for_a_deactivated_account(self, client, owner, log_in, enter, database):
        log_in()
        with database.transaction() as db:
            db.scalars(select(User)).one().is_active = False
        assert enter(owner[0].code()).location == "/auth/login/"

    def test_the_session_holds_no_password_meanwhile(self, owner, log_in, database):
        log_in()
        with database.engine.connect() as connection:
            kept = repr(connection.exec_driver_sql("SELECT * FROM sessions").all())
        assert "auth_pending" in kept
        assert PASSWORD not in kept

    def test_next_stays_on_the_site(self, owner, log_in, enter):
        log_in(path="/auth/login/?next=//evil.example")
        assert enter(owner[0].code(), query="?next=//evil.example").location == "/"

    def test_what_the_wrong_code_was_is_written_nowhere(self, owner, log_in, enter, events, caplog):
        log_in()
        enter("000000")
        assert ("user_login_failed", "amira", "invalid_second_factor") in events()
        assert "000000" not in caplog.text


class TestRecoveryCodes:
    def test_stand_in_for_the_app_once(self, site, client, owner, log_in, enter):
        _, codes = owner
        assert len(set(codes)) == 10
        log_in()
        assert enter(codes[0]).status_code == 303
        other = Client(site)
        log_in(client=other)
        assert enter(codes[0], other).status_code == 401
        assert enter(codes[1].upper().replace("-", " "), other).status_code == 303

    def test_are_not_in_the_database(self, owner, database):
        with database.transaction(immediate=False) as db:
            kept = repr(db.scalars(select(RecoveryCode.code_hash)).all())
        assert not any(code.replace("-", "") in kept for code in owner[1])

    def test_of_another_user_are_worth_nothing(self, site, owner, add_user, log_in, set_up, enter):
        add_user("bilal")
        other = Client(site)
        log_in("bilal", client=other)
        set_up(other)
        other.csrf_post("/auth/logout/")
        log_in("bilal", client=other)
        assert enter(owner[1][0], other).status_code == 401

    def test_can_be_replaced_with_the_password(self, client, owner, log_in, enter):
        phone, old = owner
        log_in()
        enter(phone.code())
        path = "/auth/second-factor/recovery-codes/"
        assert client.csrf_post(path, {"current_password": "wrong password"}).status_code == 403
        page = client.csrf_post(path, {"current_password": PASSWORD})
        new = re.findall(r"\b([a-z2-9]{5}-[a-z2-9]{5})\b", page.text)
        assert len(new) == 10
        client.csrf_post("/auth/logout/")
        log_in()
        assert enter(old[0]).status_code == 401
        assert enter(new[0]).status_code == 303


class TestSetUp:
    def test_shows_a_code_for_the_app(self, client, add_user, log_in):
        add_user()
        log_in()
        page = client.get(SETUP)
        assert "<svg" in page.text
        assert "style=" not in page.text
        assert "no-store" in page.headers["cache-control"]

    def test_the_secret_is_not_in_the_database(self, add_user, log_in, scan, database):
        add_user()
        log_in()
        phone = scan()
        with database.transaction(immediate=False) as db:
            kept = db.scalars(select(SecondFactor)).one().salt
        assert phone.secret.hex() not in kept
        assert phone.secret not in bytes.fromhex(kept)

    def test_asks_nobody_for_a_code_before_the_first_one_was_right(self, client, add_user, log_in, scan):
        add_user()
        log_in()
        phone = scan()
        refused = client.csrf_post(SETUP, {"current_password": PASSWORD, "code": "000000"})
        assert refused.status_code == 400
        assert 'id="id_code_errors">This code is not right.' in refused.text
        # The page shows what was scanned, so that another try will do.
        assert b32encode(phone.secret).decode()[:4] in refused.text
        client.csrf_post("/auth/logout/")
        assert log_in().location == "/"

    def test_what_somebody_else_saw_on_the_page_earlier_is_worth_nothing(self, add_user, log_in, scan):
        add_user()
        log_in()
        seen = scan()
        assert scan().secret != seen.secret

    def test_nor_is_it_after_another_password(self, client, add_user, log_in, scan, database):
        user_id = add_user()
        log_in()
        scan()
        with database.transaction() as db:
            db.get(User, user_id).set_password("another fine one")
        with database.transaction(immediate=False) as db:
            assert db.scalars(select(SecondFactor)).all() == []

    def test_ends_the_other_logins(self, site, client, add_user, log_in, set_up):
        add_user()
        other = Client(site)
        log_in(client=other)
        log_in()
        set_up()
        assert other.get("/whoami/").text == "nobody"
        assert client.get("/whoami/").text == "amira"

    def test_needs_the_password(self, client, add_user, log_in, scan):
        add_user()
        log_in()
        phone = scan()
        data = {"current_password": "wrong password", "code": phone.code()}
        page = client.csrf_post(SETUP, data)
        assert page.status_code == 403
        assert 'id="id_current_password_errors">This is not your password.' in page.text

    @pytest.mark.parametrize("query", ["", "?next=//evil.example"])
    def test_leads_back_to_the_account(self, client, add_user, log_in, scan, query):
        add_user()
        log_in()
        page = client.csrf_post(SETUP + query, {"current_password": PASSWORD, "code": scan().code()})
        assert onward(page) == "/auth/account/"

    def test_changes_the_session_id(self, client, add_user, log_in, set_up):
        add_user()
        log_in()
        before = client.cookies["session_id"]
        set_up()
        assert client.cookies["session_id"] != before
        assert client.get("/whoami/").text == "amira"

    def test_shows_the_secret_no_more_afterwards(self, client, owner, log_in, enter):
        log_in()
        enter(owner[0].code())
        assert client.get(SETUP).location == "/auth/second-factor/status/"

    def test_is_for_users(self, client):
        assert client.get(SETUP).location.startswith("/auth/login/?next=")
        assert client.csrf_post(SETUP, {}).location == "/auth/login/"

    def test_after_the_password_of_an_account_that_has_one_it_stays_closed(self, client, owner, log_in):
        log_in()
        assert client.get(SETUP).location.startswith("/auth/login/?next=")


class TestRemoval:
    def test_needs_the_password(self, client, owner, log_in, enter, events):
        log_in()
        enter(owner[0].code())
        path = "/auth/second-factor/remove/"
        page = client.csrf_post(path, {"current_password": "wrong password"})
        assert page.status_code == 403
        assert 'id="id_current_password_errors">This is not your password.' in page.text
        assert client.csrf_post(path, {"current_password": PASSWORD}).location == "/auth/account/"
        assert "second_factor_disabled" in [event for event, *_ in events()]
        client.csrf_post("/auth/logout/")
        assert log_in().location == "/"

    def test_the_page_tells_what_is_there(self, client, owner, log_in, enter):
        log_in()
        enter(owner[0].code())
        assert "10" in client.get("/auth/second-factor/status/").text


class TestMandatoryForStaff:
    @pytest.fixture
    def strict(self, make_site):
        return Client(make_site(REQUIRE_STAFF_SECOND_FACTOR=True))

    def test_staff_without_one_set_it_up_before_they_are_in(self, strict, add_user, log_in, set_up):
        add_user(is_staff=True)
        assert log_in(client=strict).location == "/auth/second-factor/setup/?next=%2F"
        assert strict.get("/whoami/").text == "nobody"
        set_up(strict)
        assert strict.get("/whoami/").text == "amira"

    def test_from_there_they_go_on_to_where_they_wanted(self, strict, add_user, log_in, scan):
        add_user(is_staff=True)
        path = log_in(client=strict, path="/auth/login/?next=/basket/").location
        sent = {"current_password": PASSWORD, "code": scan(strict).code()}
        assert onward(strict.csrf_post(path, sent)) == "/basket/"

    def test_others_are_not_asked(self, strict, add_user, log_in):
        add_user()
        assert log_in(client=strict).location == "/"

    def test_it_can_not_be_switched_off(self, strict, add_user, log_in, set_up):
        add_user(is_staff=True)
        log_in(client=strict)
        set_up(strict)
        answer = strict.csrf_post("/auth/second-factor/remove/", {"current_password": PASSWORD})
        assert answer.status_code == 403
        strict.csrf_post("/auth/logout/")
        assert log_in(client=strict).location.startswith("/auth/second-factor/?")

    def test_the_login_is_told_when_it_is_complete(self, strict, add_user, log_in, set_up, events):
        add_user(is_staff=True)
        log_in(client=strict)
        assert events() == []
        set_up(strict)
        assert [event for event, *_ in events()] == ["second_factor_enabled", "user_login_successful"]

    def test_superusers_by_their_group_are(self, strict, add_user, log_in):
        add_user(groups={"admin": []})
        assert log_in(client=strict).location == "/auth/second-factor/setup/?next=%2F"


def test_another_secret_key_as_long_as_the_old_one_is_a_fallback_changes_nothing(database, add_user):
    old, new = (f"{letter}aZ19-{'kq83vLmx' * 2}-{'Tp4WcR7u' * 2}" for letter in "ab")
    user_id = add_user()
    before = SecondFactors(Config({"SECRET_KEY": old}))
    with database.transaction() as db:
        user = db.get(User, user_id)
        phone = Phone(before.secret(db, user))
        codes = before.confirm(db, user, phone.code(-1))
    rotated = SecondFactors(Config({"SECRET_KEY": new, "SECRET_KEY_FALLBACKS": [old]}))
    with database.transaction() as db:
        user = db.get(User, user_id)
        assert rotated.accept(db, user, phone.code())
        assert rotated.accept(db, user, codes[0])
        assert not SecondFactors(Config({"SECRET_KEY": new})).accept(db, user, codes[1])


def test_of_two_with_the_same_code_at_once_one_gets_in(database, add_user):
    factors = SecondFactors(Config({"SECRET_KEY": "one-key-for-this-test-9f8e7d6c5b4a"}))
    user_id = add_user()
    with database.transaction() as db:
        user = db.get(User, user_id)
        phone = Phone(factors.secret(db, user))
        factors.confirm(db, user, phone.code(-1))
    with database.transaction() as first:
        stale = first.get(SecondFactor, user_id)
        assert factors.accept(first, first.get(User, user_id), phone.code())
        # What the other one had read before is as old as this.
        stale.last_step = 0
        first.expunge(stale)
        assert not factors.accept(first, first.get(User, user_id), phone.code())
