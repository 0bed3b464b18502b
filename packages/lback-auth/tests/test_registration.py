"""Making an account, and confirming its address."""

import re

import pytest
from sqlalchemy import func, select

from lback.auth.managers import UserManager
from lback.auth.models import User
from lback.core.exceptions import ValidationError
from lback.core.mail import EmailSender, MailError
from lback.core.testing import Client

PASSWORD = "a fine password"
NEW = {
    "username": "amira",
    "email": "amira@example.org",
    "password": PASSWORD,
    "password_confirm": PASSWORD,
}


@pytest.fixture
def register(client):
    """Return a function that sends the form, with some values changed."""

    def register(client=client, **changes):
        return client.csrf_post("/auth/register/", {**NEW, **changes})

    return register


@pytest.fixture
def count(database):
    """Return a function that counts the users."""

    def count():
        with database.transaction(immediate=False) as db:
            return db.scalar(select(func.count()).select_from(User))

    return count


class TestRoad:
    def test_a_new_user_follows_the_link_and_logs_in(self, client, register, mailed_link, log_in):
        answer = register()
        assert (answer.status_code, answer.location) == (303, "/auth/login/")
        assert "the mail that is on its way" in client.get("/auth/login/").text
        assert log_in().status_code == 401
        confirmed = client.get(mailed_link())
        assert (confirmed.status_code, confirmed.location) == (303, "/auth/login/")
        assert "is confirmed" in client.get("/auth/login/").text
        assert log_in().status_code == 303
        assert client.get("/whoami/").text == "amira"

    def test_the_form_can_be_sent_as_it_is_printed(self, client):
        page = client.get("/auth/register/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        assert client.post("/auth/register/", {**NEW, "csrfmiddlewaretoken": token}).status_code == 303

    def test_the_new_user_is_in_the_basic_group_which_is_made_where_it_is_missing(self, register, database):
        register()
        register(username="bilal", email="bilal@example.org")
        with database.transaction(immediate=False) as db:
            users = db.scalars(select(User)).all()
            assert [[group.name for group in user.groups] for user in users] == [["basic_user"], ["basic_user"]]
            assert not any(user.is_staff or user.is_superuser for user in users)

    def test_fields_that_are_not_in_the_form_give_no_rights(self, register, database):
        register(is_superuser="on", is_staff="1", is_active="on", email_verified_at="2026-01-01")
        with database.transaction(immediate=False) as db:
            user = db.scalars(select(User)).one()
            assert (user.is_staff, user.is_superuser, user.email_verified_at) == (False, False, None)

    def test_who_knows_the_password_of_an_unconfirmed_account_gets_the_link_again(
        self, client, register, outbox, mailed_link, log_in
    ):
        register()
        assert log_in().status_code == 401
        assert len(outbox) == 2
        client.get(mailed_link())
        assert log_in().status_code == 303

    def test_who_does_not_know_it_gets_none(self, register, outbox, log_in):
        register()
        log_in(password="wrong password")
        assert len(outbox) == 1

    def test_a_site_can_do_without_confirmation(self, make_site, register, log_in):
        client = Client(make_site(REQUIRE_CONFIRMED_EMAIL=False))
        register(client)
        assert log_in(client=client).status_code == 303

    def test_a_site_can_be_closed(self, make_site, register):
        client = Client(make_site(REGISTRATION_OPEN=False))
        assert client.get("/auth/register/").status_code == 404
        assert register(client).status_code == 404
        assert "/auth/register/" not in client.get("/auth/login/").text


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"username": "am"}, "3 to 150 characters"),
            ({"username": "two words"}, "without spaces"),
            ({"username": "x" * 151}, "150"),
            ({"username": ""}, "required"),
            ({"email": "no address"}, "e-mail address"),
            ({"email": "a\r\nBcc: x@example.org"}, "e-mail address"),
            ({"password": "short", "password_confirm": "short"}, "at least 8"),
            ({"password": "password1", "password_confirm": "password1"}, "first that are tried"),
            ({"password_confirm": "another one"}, "differ|match"),
        ],
    )
    def test_shows_the_form_again_and_makes_nothing(self, register, count, outbox, changes, message):
        page = register(**changes)
        assert page.status_code == 400
        assert re.search(message, page.text)
        assert PASSWORD not in page.text
        assert (count(), outbox) == (0, [])

    @pytest.mark.parametrize("name", ["amira", "AMIRA", "\uff41mira"])
    def test_a_taken_name_is_told_however_it_is_written(self, register, count, name):
        register()
        page = register(username=name, email="other@example.org")
        assert page.status_code == 400
        assert "There is a user named" in page.text
        assert count() == 1

    def test_without_a_csrf_token(self, client, count):
        assert client.post("/auth/register/", NEW).status_code == 403
        assert count() == 0

    def test_a_megabyte_as_a_name(self, register, count):
        assert register(username="x" * 1_000_000).status_code in (400, 413)
        assert count() == 0


class TestAddressesThatHaveAnAccount:
    def test_look_the_same_and_cost_one_hash_as_well(self, register, count, hashes):
        first = register()
        assert len(hashes) == 1
        again = register(username="bilal")
        assert len(hashes) == 2
        assert (first.status_code, first.location, first.body) == (again.status_code, again.location, again.body)
        assert count() == 1

    def test_are_told_by_mail_who_gets_no_link_that_confirms(self, register, outbox):
        register()
        register(username="bilal")
        assert [mail["To"] for mail in outbox] == ["amira@example.org"] * 2
        assert "/auth/request-reset-password/" in outbox[1].get_content()
        assert "token" not in outbox[1].get_content()

    def test_are_not_told_by_a_name_that_is_free_afterwards(self, register):
        register()
        statuses = []
        for name, address in (("probe", "amira@example.org"), ("other", "new@example.org")):
            register(username=name, email=address)
            statuses.append(register(username=name, email=f"{name}@example.org").status_code)
        assert statuses == [400, 400]

    def test_are_known_in_every_spelling(self, register, count):
        register()
        register(username="bilal", email=" AMIRA@Example.ORG ")
        assert count() == 1

    def test_keep_their_password(self, client, register, mailed_link, log_in):
        register()
        client.get(mailed_link())
        register(username="bilal", password="quite another one", password_confirm="quite another one")
        assert log_in("amira@example.org", "quite another one").status_code == 401
        assert log_in().status_code == 303


class TestLink:
    def test_works_once(self, client, register, mailed_link):
        register()
        client.get(mailed_link())
        client.get("/auth/login/")
        client.get(mailed_link())
        assert "was used already" in client.get("/auth/login/").text

    def test_ends_after_a_day(self, client, register, mailed_link, log_in, later):
        register()
        later(24 * 3600 + 1)
        client.get(mailed_link())
        assert "too old" in client.get("/auth/login/").text

    @pytest.mark.parametrize("token", ["", "x", "." * 600, "\u0661", "WzEsMTc5NTc1NTM5OSwieCJd.forged"])
    def test_that_is_forged_confirms_nothing(self, client, register, database, token):
        register()
        assert client.get(f"/auth/verify-email/?token={token}").status_code == 303
        with database.transaction(immediate=False) as db:
            assert db.scalars(select(User)).one().email_verified_at is None

    def test_for_a_reset_confirms_nothing(self, client, register, mailed_link, database):
        register()
        client.csrf_post("/auth/request-reset-password/", {"email": "amira@example.org"})
        token = mailed_link().partition("=")[2]
        client.get(f"/auth/verify-email/?token={token}")
        with database.transaction(immediate=False) as db:
            assert db.scalars(select(User)).one().email_verified_at is None


class TestMail:
    def test_a_mail_server_that_is_away_refuses_nobody_and_tells_nothing(
        self, register, site, count, caplog, monkeypatch
    ):
        def refuse(message):
            raise MailError("The mail server is away.")

        monkeypatch.setattr(site.container.get(EmailSender), "_deliver", lambda: refuse)
        assert register().status_code == 303
        assert count() == 1
        assert "was not sent: The mail server is away." in caplog.text

    def test_does_not_hold_what_whoever_registers_chose_but_the_address(self, register, outbox):
        register(username="visit-evil.example")
        assert "visit-evil" not in outbox[0].as_string()

    def test_an_address_gets_few(self, register, outbox):
        statuses = [register(username=f"user{number}").status_code for number in range(7)]
        assert statuses == [303] * 5 + [429] * 2
        assert len(outbox) == 5


def test_one_client_makes_few_accounts(register, count):
    statuses = [register(username=f"user{n}", email=f"user{n}@example.org").status_code for n in range(22)]
    assert statuses == [303] * 20 + [429] * 2
    assert count() == 20


def test_two_at_once_with_one_name_make_one_account(database):
    users = UserManager()
    with database.transaction() as db:
        users.register(db, "amira", "amira@example.org", PASSWORD)
        real = users.check_free
        # The other one looked before this one wrote.
        users.check_free = lambda *args: setattr(users, "check_free", real)
        with pytest.raises(ValidationError, match="named amira"):
            users.register(db, "amira", "other@example.org", PASSWORD)
    with database.transaction(immediate=False) as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1
