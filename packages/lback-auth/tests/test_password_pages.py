"""A forgotten password, and changing one."""

import re

import pytest

from lback.auth.models import User
from lback.core.mail import EmailSender
from lback.core.testing import Client

PASSWORD, NEW = "a fine password", "another fine one"
ADDRESS = "amira@example.org"


@pytest.fixture
def forget(client):
    """Return a function that asks for a link."""

    def forget(email=ADDRESS, client=client):
        return client.csrf_post("/auth/request-reset-password/", {"email": email})

    return forget


@pytest.fixture
def set_new(client):
    """Return a function that follows a link and sends the form behind it."""

    def set_new(link, password=NEW, again=None, client=client):
        page = client.get(link, follow=True)
        token = re.search(r'name="token" value="([^"]+)"', page.text)
        return client.csrf_post(
            "/auth/reset-password/",
            {
                "token": token[1] if token else link.partition("=")[2],
                "new_password": password,
                "confirm_new_password": password if again is None else again,
            },
        )

    return set_new


class TestReset:
    def test_who_follows_the_link_sets_another_password(
        self, client, add_user, forget, set_new, mailed_link, log_in, events
    ):
        add_user(email=ADDRESS)
        assert "on its way" in forget().text
        answer = set_new(mailed_link())
        assert (answer.status_code, answer.location) == (303, "/auth/login/")
        assert "Your password is changed" in client.get("/auth/login/").text
        assert log_in(password=PASSWORD).status_code == 401
        assert log_in(password=NEW).status_code == 303
        assert [event for event, *_ in events()] == [
            "password_reset_requested",
            "password_reset_successful",
            "user_login_failed",
            "user_login_successful",
        ]

    def test_ends_every_login(self, site, client, add_user, log_in, forget, set_new, mailed_link):
        add_user(email=ADDRESS)
        log_in()
        other = Client(site)
        forget(client=other)
        set_new(mailed_link(), client=other)
        assert client.get("/whoami/").text == "nobody"

    def test_confirms_the_address(self, client, forget, set_new, mailed_link, log_in):
        data = {"username": "amira", "email": ADDRESS, "password": PASSWORD, "password_confirm": PASSWORD}
        client.csrf_post("/auth/register/", data)
        forget()
        set_new(mailed_link())
        assert log_in(password=NEW).status_code == 303

    def test_is_told_by_mail(self, add_user, forget, set_new, mailed_link, outbox):
        add_user(email=ADDRESS)
        forget()
        set_new(mailed_link())
        assert "was changed" in outbox[-1]["Subject"]
        assert NEW not in outbox[-1].as_string()

    def test_the_token_leaves_the_address_bar(self, client, add_user, forget, mailed_link):
        add_user(email=ADDRESS)
        forget()
        answer = client.get(mailed_link())
        assert (answer.status_code, answer.location) == (303, "/auth/reset-password-confirm/")
        page = client.get(answer.location)
        assert page.headers["referrer-policy"] == "same-origin"
        assert "no-store" in page.headers["cache-control"]

    def test_nothing_of_it_is_in_the_database(self, client, add_user, forget, mailed_link, database):
        add_user(email=ADDRESS)
        forget()
        token = mailed_link().partition("=")[2]
        client.get(mailed_link(), follow=True)
        with database.engine.connect() as connection:
            tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
            kept = repr([connection.exec_driver_sql(f'SELECT * FROM "{table}"').all() for table in tables])
        assert "amira" in kept
        assert token not in kept
        assert token[:20] not in kept


class TestLink:
    def test_works_once(self, add_user, forget, set_new, mailed_link, outbox):
        add_user(email=ADDRESS)
        forget()
        link = mailed_link()
        set_new(link)
        assert set_new(link, "a third fine one").status_code == 400

    def test_of_before_a_change_is_worth_nothing(self, add_user, forget, set_new, mailed_link):
        add_user(email=ADDRESS)
        forget()
        first = mailed_link()
        forget()
        set_new(mailed_link())
        assert set_new(first, "a third fine one").status_code == 400

    def test_ends_after_an_hour(self, client, add_user, forget, set_new, mailed_link, later):
        add_user(email=ADDRESS)
        forget()
        later(3601)
        answer = client.get(mailed_link(), follow=True)
        assert answer.status_code == 400
        assert 'name="new_password"' not in answer.text
        assert set_new(mailed_link()).status_code == 400

    def test_of_a_deactivated_account_is_worth_nothing(self, client, add_user, forget, mailed_link, database):
        user_id = add_user(email=ADDRESS)
        forget()
        with database.transaction() as db:
            db.get(User, user_id).is_active = False
        assert client.get(mailed_link(), follow=True).status_code == 400

    @pytest.mark.parametrize(
        "token",
        ["", "x", "a" * 600, "WzEsMTc5NTc1NTM5OSwieCJd.forged", "%00", "a%0d%0aX:y", "a;b=c", "%22%2c", "%c3%bc"],
    )
    def test_that_is_forged_shows_no_form(self, client, token):
        page = client.get(f"/auth/reset-password-confirm/?token={token}", follow=True)
        assert page.status_code == 400
        assert 'name="new_password"' not in page.text

    def test_from_the_mail_of_a_confirmation_resets_nothing(self, client, set_new, mailed_link):
        data = {"username": "amira", "email": ADDRESS, "password": PASSWORD, "password_confirm": PASSWORD}
        client.csrf_post("/auth/register/", data)
        assert set_new(mailed_link().replace("verify-email", "reset-password-confirm")).status_code == 400

    def test_does_not_lead_to_the_host_of_the_request(self, make_site, add_user, forget):
        site = make_site(DEBUG=False, ALLOWED_HOSTS=["shop.example", ".test"])
        add_user(email=ADDRESS)
        forget(client=Client(site, host="evil.test"))
        assert "http://shop.example/auth/" in site.container.get(EmailSender).outbox[-1].get_content()

    def test_leads_to_the_address_of_the_site(self, make_site, add_user, forget):
        site = make_site(SITE_URL="https://shop.example/")
        add_user(email=ADDRESS)
        forget(client=Client(site))
        text = site.container.get(EmailSender).outbox[-1].get_content()
        assert "https://shop.example/auth/reset-password-confirm/?token=" in text


class TestAskingForALink:
    def test_looks_the_same_without_an_account(self, add_user, forget, outbox, hashes):
        add_user(email=ADDRESS)
        hashes.clear()
        pages = [forget(), forget("nobody@example.org")]
        without_tokens = [re.sub(r'value="[^"]+"|nonce="[^"]+"', "", page.text) for page in pages]
        assert without_tokens[0] == without_tokens[1]
        assert pages[0].status_code == pages[1].status_code == 200
        assert len(outbox) == 1
        assert hashes == []

    def test_works_in_every_spelling_of_the_address_but_not_by_name(self, add_user, forget, outbox):
        add_user(email=ADDRESS)
        forget("Amira@EXAMPLE.org")
        forget("amira")
        assert len(outbox) == 1

    def test_few_mails_go_to_an_address_in_whatever_spelling(self, add_user, forget, outbox):
        add_user(email=ADDRESS)
        statuses = [forget(ADDRESS.title() if n % 2 else ADDRESS).status_code for n in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        assert len(outbox) == 5

    def test_an_unknown_address_is_counted_just_so(self, forget):
        assert [forget("nobody@example.org").status_code for _ in range(6)] == [200] * 5 + [429]

    def test_one_client_asks_for_few(self, forget):
        statuses = [forget(f"user{number}@example.org").status_code for number in range(22)]
        assert statuses == [200] * 20 + [429] * 2

    def test_what_is_no_address_is_refused(self, forget, outbox):
        assert forget("a\r\nBcc: x@example.org").status_code == 400
        assert outbox == []


def test_a_project_can_have_templates_of_its_own_without_an_action(make_site, add_user, tmp_path):
    """As the README of the framework has it: four templates, each with the form and a button."""
    (tmp_path / "templates").mkdir()
    for name in ("register", "auth_login", "request_password_reset", "reset_password_confirm"):
        text = '<form method="post">{{ form.as_p }}<button>Send</button></form>{{ flash_messages }}'
        (tmp_path / "templates" / f"{name}.html").write_text(f"{name}: {text}")
    site = make_site()
    client = Client(site)

    def send(address, **values):
        page = client.get(address, follow=True)
        fields = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', page.text))
        path = "/auth/reset-password-confirm/" if "reset-password-confirm" in address else address
        return client.post(path, {**fields, **values})

    def link():
        text = site.container.get(EmailSender).outbox[-1].get_content()
        return re.search(r"^http://testserver(/\S+)$", text, re.MULTILINE)[1]

    new = {"username": "amira", "email": ADDRESS, "password": PASSWORD, "password_confirm": PASSWORD}
    assert send("/auth/register/", **new).status_code == 303
    client.get(link())
    assert send("/auth/request-reset-password/", email=ADDRESS).text.startswith("request_password_reset: ")
    assert send(link(), new_password=NEW, confirm_new_password=NEW).status_code == 303
    assert send("/auth/login/", identifier="amira", password=NEW).status_code == 303
    assert client.get("/whoami/").text == "amira"


class TestRefusedPasswords:
    @pytest.mark.parametrize(("password", "again"), [("short", None), ("password1", None), (NEW, "different one")])
    def test_show_the_form_again_with_the_token(self, add_user, forget, set_new, mailed_link, log_in, password, again):
        add_user(email=ADDRESS)
        forget()
        page = set_new(mailed_link(), password, again)
        assert page.status_code == 400
        assert re.search(r'name="token" value="[^"]{20,}"', page.text)
        assert log_in().status_code == 303


class TestChange:
    @pytest.fixture
    def change(self, client):
        def change(current=PASSWORD, new=NEW, again=None, client=client):
            data = {"current_password": current, "new_password": new, "confirm_new_password": again or new}
            return client.csrf_post("/auth/change-password/", data)

        return change

    def test_keeps_this_browser_in_and_nobody_else(self, site, client, add_user, log_in, change):
        add_user(email=ADDRESS)
        other = Client(site)
        log_in()
        log_in(client=other)
        before = client.cookies["session_id"]
        assert change().location == "/auth/account/"
        assert client.get("/whoami/").text == "amira"
        assert client.cookies["session_id"] != before
        assert other.get("/whoami/").text == "nobody"
        assert log_in(password=NEW, client=Client(site)).status_code == 303

    def test_asks_for_the_current_one(self, add_user, log_in, change):
        add_user()
        log_in()
        page = change("wrong password")
        assert page.status_code == 403
        assert 'id="id_current_password_errors">This is not your password.' in page.text
        assert log_in().status_code == 303

    def test_guesses_of_the_current_one_are_counted(self, add_user, log_in, change):
        add_user()
        log_in()
        assert [change("wrong password").status_code for _ in range(11)] == [403] * 10 + [429]
        assert change().status_code == 429

    def test_keeps_to_the_rules(self, add_user, log_in, change):
        add_user()
        log_in()
        assert change(new="short").status_code == 400
        assert change(again="different one").status_code == 400

    def test_is_for_users(self, client, change):
        assert client.get("/auth/change-password/").location == "/auth/login/?next=%2Fauth%2Fchange-password%2F"
        assert change().location == "/auth/login/"

    def test_is_told_by_mail_to_who_has_an_address(self, add_user, log_in, change, outbox):
        add_user()
        log_in()
        change()
        assert outbox == []
