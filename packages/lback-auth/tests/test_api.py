"""The JSON endpoints under ``/auth/api/``."""

import time

import pytest
from sqlalchemy import select

from lback.auth.models import Login, User
from lback.auth.second_factor import SecondFactors
from lback.auth.totp import code_at
from lback.core.mail import EmailSender
from lback.core.testing import Client

PASSWORD, NEW = "a fine password", "another fine one"
ADDRESS = "amira@example.org"
SECRET_FIELDS = ("password", "hash", "salt", "fingerprint")


@pytest.fixture
def tokens(api):
    """Return a function that logs a program in and gives what it is sent."""

    def tokens(identifier="amira", password=PASSWORD, **more):
        answer = api("login", {"identifier": identifier, "password": password, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return tokens


@pytest.fixture
def whose(api):
    """Return a function that tells whom an access token belongs to, or the status."""

    def whose(token):
        answer = api("user", method="GET", token=token)
        return answer.json()["username"] if answer.status_code == 200 else answer.status_code

    return whose


class TestRoad:
    def test_register_confirm_log_in_refresh_and_log_out(self, api, mailed_link, whose):
        assert api("register", {"username": "amira", "email": ADDRESS, "password": PASSWORD}).status_code == 201
        refused = api("login", {"identifier": "amira", "password": PASSWORD})
        assert refused.status_code == 401
        token = mailed_link().partition("=")[2]
        assert api("verify-email", {"token": token}).status_code == 200
        found = api("login", {"identifier": ADDRESS, "password": PASSWORD}).json()
        assert found["username"] == "amira"
        assert found["token_type"] == "Bearer"
        assert 0 < found["expires_in"] <= 900
        assert whose(found["access_token"]) == "amira"
        following = api("refresh", {"refresh_token": found["refresh_token"]}).json()
        assert whose(following["access_token"]) == "amira"
        assert api("logout", {"refresh_token": following["refresh_token"]}).status_code == 200
        assert whose(following["access_token"]) == 401
        assert api("refresh", {"refresh_token": following["refresh_token"]}).status_code == 401

    def test_the_address_is_confirmed_by_the_link_of_the_documentation_as_well(self, client, api, outbox):
        api("register", {"username": "amira", "email": ADDRESS, "password": PASSWORD})
        token = outbox[-1].get_content().partition("token=")[2].split()[0]
        answer = client.get(f"/auth/api/verify-email/?token={token}")
        assert (answer.status_code, "message" in answer.json()) == (200, True)
        assert api("verify-email", {"token": token}).status_code == 400

    def test_a_forgotten_password(self, api, add_user, mailed_link, tokens, whose):
        add_user(email=ADDRESS)
        before = tokens()["access_token"]
        assert api("request-reset-password", {"email": ADDRESS}).status_code == 200
        token = mailed_link().partition("=")[2]
        assert api("reset-password", {"token": token, "new_password": "short"}).status_code == 400
        assert api("reset-password", {"token": token, "new_password": NEW}).status_code == 200
        assert api("reset-password", {"token": token, "new_password": NEW}).status_code == 400
        assert whose(before) == 401
        assert tokens(password=NEW)["username"] == "amira"

    def test_another_password(self, api, add_user, tokens, whose):
        add_user()
        first, second = tokens(), tokens()
        data = {"current_password": "wrong password", "new_password": NEW}
        assert api("change-password", data, token=first["access_token"]).status_code == 403
        answer = api("change-password", {**data, "current_password": PASSWORD}, token=first["access_token"])
        assert answer.status_code == 200
        assert whose(answer.json()["access_token"]) == "amira"
        assert [whose(old["access_token"]) for old in (first, second)] == [401, 401]
        assert api("refresh", {"refresh_token": second["refresh_token"]}).status_code == 401

    def test_logins_are_listed_and_ended(self, api, add_user, tokens, whose):
        add_user()
        first, second = tokens(), tokens()
        listed = api("sessions", method="GET", token=first["access_token"]).json()["sessions"]
        assert [login["kind"] for login in listed] == ["token", "token"]
        assert sum(login["current"] for login in listed) == 1
        other = next(login["id"] for login in listed if not login["current"])
        assert api(f"sessions/{other}", method="DELETE", token=first["access_token"]).status_code == 200
        assert whose(second["access_token"]) == 401
        assert api(f"sessions/{other}", method="DELETE", token=first["access_token"]).status_code == 404
        assert api("sessions", method="DELETE", token=first["access_token"]).status_code == 200
        assert whose(first["access_token"]) == 401


class TestRotation:
    def test_a_used_refresh_token_ends_the_login_for_thief_and_owner(self, api, add_user, tokens, whose, events):
        add_user()
        first = tokens()
        second = api("refresh", {"refresh_token": first["refresh_token"]}).json()
        assert api("refresh", {"refresh_token": first["refresh_token"]}).status_code == 401
        assert api("refresh", {"refresh_token": second["refresh_token"]}).status_code == 401
        assert whose(second["access_token"]) == 401
        assert ("refresh_token_reused", "amira", "") in events()

    def test_it_ends_no_other_login_of_the_user(self, api, add_user, tokens, whose):
        add_user()
        first, other = tokens(), tokens()
        api("refresh", {"refresh_token": first["refresh_token"]})
        api("refresh", {"refresh_token": first["refresh_token"]})
        assert whose(other["access_token"]) == "amira"

    def test_the_login_ends_in_any_case_however_often_it_was_renewed(self, api, add_user, tokens, later):
        add_user()
        token = tokens()["refresh_token"]
        for _ in range(13):
            later(86400)
            token = api("refresh", {"refresh_token": token}).json()["refresh_token"]
        later(86401)
        assert api("refresh", {"refresh_token": token}).status_code == 401

    def test_an_access_token_lasts_a_quarter_of_an_hour(self, add_user, tokens, whose, later):
        add_user()
        token = tokens()["access_token"]
        later(899)
        assert whose(token) == "amira"
        later(2)
        assert whose(token) == 401

    def test_the_database_holds_no_token(self, api, add_user, tokens, database):
        add_user()
        found = tokens()
        with database.engine.connect() as connection:
            kept = repr(connection.exec_driver_sql("SELECT * FROM auth_logins").all())
        assert not any(part in kept for name in ("access_token", "refresh_token") for part in found[name].split("."))


class TestTokensAreWorthNothing:
    def test_of_the_other_kind(self, api, add_user, tokens, whose):
        add_user()
        found = tokens()
        assert whose(found["refresh_token"]) == 401
        assert api("refresh", {"refresh_token": found["access_token"]}).status_code == 401
        assert api("logout", {"refresh_token": found["access_token"]}).status_code == 401

    def test_when_the_account_is_deactivated(self, add_user, tokens, whose, api, database):
        user_id = add_user()
        found = tokens()
        with database.transaction() as db:
            db.get(User, user_id).is_active = False
        assert whose(found["access_token"]) == 401
        assert api("refresh", {"refresh_token": found["refresh_token"]}).status_code == 401

    def test_nor_when_it_is_activated_again(self, add_user, tokens, whose, database):
        user_id = add_user()
        token = tokens()["access_token"]
        for active in (False, True):
            with database.transaction() as db:
                db.get(User, user_id).is_active = active
        assert whose(token) == 401

    def test_when_the_hash_was_changed_behind_the_back_of_the_models(self, add_user, tokens, whose, database):
        add_user()
        token = tokens()["access_token"]
        with database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE users SET password = 'another'")
        assert whose(token) == 401

    def test_of_another_site(self, make_site, add_user, tokens, client):
        add_user()
        token = tokens()["access_token"]
        other = Client(make_site(SECRET_KEY="another-key-8c7b6a5f4e3d2c1b0a9f8e7d6c5b"))
        assert other.get("/whoami/", headers={"Authorization": f"Bearer {token}"}).status_code == 401

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 1_000_000, "\xff", "e30.e30.e30"])
    def test_that_are_none(self, client, token):
        answer = client.get("/whoami/", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


class TestRequestsOfTheSite:
    def test_an_access_token_works_in_every_view(self, client, add_user, tokens):
        add_user(groups={"readers": ["blog.view_posts"]})
        headers = {"Authorization": f"Bearer {tokens()['access_token']}"}
        assert client.get("/whoami/", headers=headers).text == "amira"
        assert client.get("/posts/", headers=headers).text == "the posts"

    def test_it_goes_before_the_session(self, client, add_user, log_in, tokens):
        add_user()
        add_user("bilal")
        log_in("bilal")
        headers = {"Authorization": f"bearer {tokens()['access_token']}"}
        assert client.get("/whoami/", headers=headers).text == "amira"

    def test_a_wrong_one_is_no_anonymous_visit(self, client, add_user, log_in):
        add_user()
        log_in()
        assert client.get("/whoami/", headers={"Authorization": "Bearer x.y.z"}).status_code == 401

    def test_pages_that_ask_for_no_user_do_not_look(self, client):
        assert client.get("/untouched/", headers={"Authorization": "Bearer x.y.z"}).text == "hello"


class TestCSRF:
    """The endpoints need no token of a form, because a cookie counts for nothing there."""

    def test_a_session_is_nobody_there(self, client, add_user, log_in):
        add_user()
        log_in()
        assert client.get("/auth/api/user/").status_code == 401
        assert client.get("/auth/api/sessions/").status_code == 401
        data = {"current_password": PASSWORD, "new_password": NEW}
        assert client.post("/auth/api/change-password/", json=data).status_code == 401

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_what_a_page_can_send_without_asking_is_not_read(self, client, add_user, kind):
        add_user()
        body = b'{"identifier": "amira", "password": "a fine password"}'
        answer = client.post("/auth/api/login/", body, headers={"Content-Type": kind})
        assert answer.status_code == 415

    def test_tokens_come_by_post_alone_and_are_kept_by_no_cache(self, client, api, add_user):
        add_user()
        for name in ("login", "refresh"):
            assert client.get(f"/auth/api/{name}/").status_code == 405
        answer = api("login", {"identifier": "amira", "password": PASSWORD})
        assert answer.headers["cache-control"] == "no-store"

    def test_a_login_sets_no_cookie(self, api, add_user):
        add_user()
        assert api("login", {"identifier": "amira", "password": PASSWORD}).cookies_set == []


class TestRefusedLogins:
    @pytest.fixture
    def refusals(self, api, add_user, database):
        add_user()
        add_user("bilal", is_active=False)
        user_id = add_user("carla", email="carla@example.org")
        with database.transaction() as db:
            db.get(User, user_id).email_verified_at = None

        def refusals(*pairs):
            return [api("login", {"identifier": name, "password": password}) for name, password in pairs]

        return refusals

    def test_look_the_same_and_cost_one_hash_each(self, refusals, hashes):
        hashes.clear()
        pairs = [
            ("nobody", PASSWORD),
            ("amira", "wrong password"),
            ("bilal", PASSWORD),
            ("carla", PASSWORD),
            ("nobody@example.org", PASSWORD),
        ]
        answers = refusals(*pairs)
        assert len(hashes) == len(pairs)
        assert len({(answer.status_code, answer.body, repr(answer.headers)) for answer in answers}) == 1
        assert answers[0].json()["code"] == "invalid_credentials"

    def test_are_counted_for_the_account_in_every_spelling(self, api, add_user):
        add_user(email=ADDRESS)
        spellings = [ADDRESS, ADDRESS.upper()]
        statuses = [
            api("login", {"identifier": spellings[n % 2], "password": "wrong password"}).status_code for n in range(11)
        ]
        assert statuses == [401] * 10 + [429]
        assert api("login", {"identifier": ADDRESS, "password": PASSWORD}).status_code == 429
        assert api("login", {"identifier": "amira", "password": PASSWORD}).status_code == 401


class TestSecondFactor:
    @pytest.fixture
    def phone(self, site, add_user, database):
        user_id = add_user()
        factors = site.container.get(SecondFactors)
        with database.transaction() as db:
            user = db.get(User, user_id)
            secret = factors.secret(db, user)
            factors.confirm(db, user, code_at(secret, int(time.time() // 30) - 1))
        return lambda: code_at(secret, int(time.time() // 30))

    def test_is_asked_for_after_the_password(self, api, phone, tokens):
        asked = api("login", {"identifier": "amira", "password": PASSWORD})
        assert (asked.status_code, asked.json()["code"]) == (401, "second_factor_required")
        assert tokens(code=phone())["username"] == "amira"

    def test_a_wrong_one_is_told_and_counted(self, api, phone):
        data = {"identifier": "amira", "password": PASSWORD, "code": "000000"}
        answers = [api("login", data) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert answers[0].json()["code"] == "invalid_second_factor"

    def test_with_the_wrong_password_nobody_hears_of_it(self, api, phone):
        answer = api("login", {"identifier": "amira", "password": "wrong password"})
        assert answer.json()["code"] == "invalid_credentials"

    def test_staff_that_must_have_one_is_sent_to_the_site(self, make_site, api, add_user):
        add_user(is_staff=True)
        strict = Client(make_site(REQUIRE_STAFF_SECOND_FACTOR=True))
        answer = api("login", {"identifier": "amira", "password": PASSWORD}, client=strict)
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")


class TestBadInput:
    @pytest.mark.parametrize(
        "name", ["register", "login", "refresh", "logout", "verify-email", "request-reset-password", "reset-password"]
    )
    @pytest.mark.parametrize("document", [[], "text", 1, None, {}, {"identifier": 1, "password": ["x"]}])
    def test_is_a_400_that_says_what_is_missing(self, client, name, document):
        answer = (
            client.post(f"/auth/api/{name}/", json=document)
            if document is not None
            else client.post(f"/auth/api/{name}/", b"null", headers={"Content-Type": "application/json"})
        )
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"

    def test_names_the_fields(self, api):
        answer = api("register", {"username": "am", "email": "none", "password": "short"})
        assert answer.status_code == 400
        assert answer.json()["errors"].keys() >= {"username", "email", "password"}

    @pytest.mark.parametrize(
        "text", ["\x00", "x" * 100_000, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
    )
    def test_of_any_length_and_kind_is_refused(self, api, text):
        for name, document in (
            ("login", {"identifier": text, "password": PASSWORD}),
            ("login", {"identifier": "amira", "password": text}),
            ("refresh", {"refresh_token": text}),
            ("reset-password", {"token": text, "new_password": NEW}),
            ("verify-email", {"token": text}),
        ):
            assert api(name, document).status_code in (400, 401), name


def test_no_answer_holds_a_secret_of_the_account(api, add_user, tokens):
    add_user(email=ADDRESS)
    found = tokens()
    shown = api("user", method="GET", token=found["access_token"]).json()
    assert shown.keys() == {"user_id", "username", "email"}
    listed = api("sessions", method="GET", token=found["access_token"]).text
    assert not any(word in listed for word in SECRET_FIELDS)


def test_registering_an_address_that_is_taken_looks_the_same(site, api, add_user):
    add_user(email=ADDRESS)
    new = api("register", {"username": "bilal", "email": "bilal@example.org", "password": PASSWORD})
    taken = api("register", {"username": "carla", "email": ADDRESS, "password": PASSWORD})
    assert (new.status_code, new.body) == (taken.status_code, taken.body)
    assert len(site.container.get(EmailSender).outbox) == 2


def test_rows_of_logins_that_ended_long_ago_go_at_the_next_login(add_user, tokens, database):
    add_user()
    tokens()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE auth_logins SET expires_at = '2020-01-01 00:00:00'")
    tokens()
    with database.transaction(immediate=False) as db:
        assert len(db.scalars(select(Login)).all()) == 1
