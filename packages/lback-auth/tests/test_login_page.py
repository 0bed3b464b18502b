"""The login page and the logout."""

import re

import pytest

from lback.auth.managers import UserManager
from lback.core.testing import Client

PASSWORD = "a fine password"
REFUSED = "The user name or the password is not right, or the e-mail address is not confirmed yet."


class TestPage:
    def test_shows_the_form(self, client):
        page = client.get("/auth/login/")
        assert page.status_code == 200
        assert 'name="identifier"' in page.text
        assert 'name="password"' in page.text
        assert 'name="csrfmiddlewaretoken"' in page.text

    def test_has_no_inline_style_or_script_and_keeps_the_strict_policy(self, client):
        page = client.get("/auth/login/")
        assert not re.search(r"<style|<script|style=|\son\w+=", page.text)
        assert "style-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]

    def test_its_style_sheet_is_there(self, client):
        address = re.search(r'<link rel="stylesheet" href="([^"]+)"', client.get("/auth/login/").text)[1]
        sheet = client.get(address)
        assert sheet.status_code == 200
        assert sheet.headers["content-type"].startswith("text/css")
        assert "prefers-color-scheme: dark" in sheet.text

    def test_each_input_has_a_label(self, client):
        text = client.get("/auth/login/").text
        for name in ("identifier", "password"):
            assert f'<label for="id_{name}">' in text
            assert f'id="id_{name}"' in text

    def test_begins_with_the_name(self, client):
        assert re.search(r'name="identifier"[^>]* autofocus', client.get("/auth/login/").text)

    def test_an_anonymous_visit_stores_no_session(self, client):
        client.get("/auth/login/")
        assert "session_id" not in client.cookies

    def test_who_is_logged_in_is_sent_on(self, client, add_user, log_in):
        add_user()
        log_in()
        assert client.get("/auth/login/?next=/posts/").location == "/posts/"
        assert client.get("/auth/login/?next=https://evil.example/").location == "/"

    def test_a_project_can_have_its_own(self, make_site, tmp_path):
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates" / "auth_login.html").write_text(
            '<form method="post">{{ form.as_p }}<i>{{ csrf_token|length > 20 }}</i>'
            "{% for flash in flash_messages %}{{ flash.category }}: {{ flash.message }}{% endfor %}</form>"
        )
        client = Client(make_site())
        client.get("/posts/")
        text = client.get("/auth/login/").text
        assert 'name="identifier"' in text
        assert 'name="csrfmiddlewaretoken"' in text
        assert "<i>True</i>" in text
        assert "warning: Log in to see this page." in text

    def test_the_form_can_be_sent_as_it_is_printed(self, client, add_user):
        add_user()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/auth/login/").text)[1]
        answer = client.post(
            "/auth/login/", {"csrfmiddlewaretoken": token, "identifier": "amira", "password": PASSWORD}
        )
        assert answer.status_code == 303


class TestLogin:
    def test_goes_to_the_usual_page(self, make_site, client, add_user, log_in):
        add_user()
        answer = log_in()
        assert (answer.status_code, answer.location) == (303, "/")
        assert log_in(client=Client(make_site(LOGIN_REDIRECT_URL="/home/"))).location == "/home/"

    def test_takes_the_address_as_well(self, client, add_user, log_in):
        add_user(email="amira@example.com")
        assert log_in("Amira@example.com").status_code == 303
        assert client.get("/whoami/").text == "amira"

    def test_tells_of_it(self, client, add_user, log_in, signals):
        add_user()
        received = signals("user_login_successful", "user_login_failed", "user_logged_out")
        log_in(password="wrong password")
        log_in()
        client.csrf_post("/auth/logout/")
        assert [name for name, *_ in received] == ["user_login_failed", "user_login_successful", "user_logged_out"]
        assert received[0][2]["username"] == "amira"
        assert received[0][2]["reason"] == "invalid_credentials"
        assert received[1][2]["user"].username == "amira"
        assert not any(PASSWORD in repr(kwargs) or "wrong password" in repr(kwargs) for *_, kwargs in received)

    def test_without_a_csrf_token_is_refused(self, client, add_user):
        add_user()
        answer = client.post("/auth/login/", {"identifier": "amira", "password": PASSWORD})
        assert answer.status_code == 403
        assert client.get("/whoami/").text == "nobody"

    def test_spaces_of_a_password_count(self, add_user, log_in):
        add_user(password=" spaces around ")
        assert log_in(password="spaces around").status_code == 401
        assert log_in(password=" spaces around ").status_code == 303

    def test_a_password_over_72_bytes(self, add_user, log_in):
        long = "correct horse battery staple " * 7
        add_user(password=long)
        assert log_in(password=long[:72]).status_code == 401
        assert log_in(password=long).status_code == 303

    def test_a_password_with_a_nul_is_no_error(self, add_user, log_in):
        add_user()
        assert log_in(password=f"{PASSWORD}\x00").status_code == 400
        assert log_in("amira\x00").status_code == 400


class TestRefused:
    def test_shows_the_form_again_with_one_message(self, add_user, log_in):
        add_user()
        page = log_in(password="another password")
        assert page.status_code == 401
        assert page.text.count(REFUSED) == 1
        assert page.text.count('aria-invalid="true" aria-describedby="form_errors"') == 2
        assert 'value="amira"' in page.text
        assert re.search(r'name="password"[^>]* autofocus', page.text)
        assert "another password" not in page.text

    def test_what_was_entered_is_escaped(self, add_user, log_in):
        page = log_in('"><script>alert(1)</script>')
        assert page.status_code == 401
        assert "<script>" not in page.text

    @pytest.fixture
    def unconfirmed(self, database):
        """A user who has registered, and not followed the link yet."""
        with database.transaction() as db:
            UserManager().register(db, "carla", "carla@example.org", PASSWORD)

    @pytest.mark.usefixtures("unconfirmed")
    def test_the_answer_tells_nothing_about_the_account(self, add_user, log_in):
        add_user("amira")
        add_user("ghost", is_active=False)

        def answer(username, password):
            page = log_in(username, password)
            text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page.text)
            return page.status_code, text.replace(username, ""), sorted(page.headers), len(page.cookies_set)

        unknown = answer("nobod", "wrong password")
        assert answer("amira", "wrong password") == unknown
        assert answer("ghost", "wrong password") == unknown
        assert answer("ghost", PASSWORD) == unknown
        assert answer("carla", PASSWORD) == unknown

    @pytest.mark.usefixtures("unconfirmed")
    @pytest.mark.parametrize(
        ("username", "password"),
        [
            ("nobody", PASSWORD),
            ("amira", "wrong password"),
            ("ghost", PASSWORD),
            ("no@example.com", PASSWORD),
            ("carla", PASSWORD),
        ],
    )
    def test_one_hash_is_computed_on_every_path(self, add_user, log_in, hashes, username, password):
        add_user("amira")
        add_user("ghost", is_active=False)
        hashes.clear()
        assert log_in(username, password).status_code == 401
        assert len(hashes) == 1

    @pytest.mark.parametrize(
        ("username", "password"),
        [("", ""), ("amira", ""), ("", PASSWORD), ("x" * 255, PASSWORD), ("amira", "x" * 1025)],
    )
    def test_a_form_that_is_not_filled_in_properly_is_a_400(self, add_user, log_in, hashes, username, password):
        add_user()
        hashes.clear()
        page = log_in(username, password)
        assert page.status_code == 400
        assert 'aria-invalid="true"' in page.text
        assert "_errors" in page.text
        assert hashes == []

    @pytest.mark.parametrize("field", ["identifier", "password"])
    def test_a_megabyte_is_refused_before_any_hash(self, client, add_user, hashes, field):
        add_user()
        hashes.clear()
        answer = client.csrf_post("/auth/login/", {"identifier": "amira", "password": PASSWORD, field: "x" * 1_000_000})
        assert answer.status_code in (400, 413)
        assert hashes == []

    def test_several_values_of_a_field_are_no_error(self, client, add_user):
        add_user()
        answer = client.csrf_post("/auth/login/", {"identifier": ["amira", "bilal"], "password": ["a", "b"]})
        assert answer.status_code == 401

    def test_a_json_body_is_not_taken_for_the_form(self, client, add_user):
        add_user()
        answer = client.request(
            "POST",
            "/auth/login/",
            json={"identifier": "amira", "password": PASSWORD},
            headers={"X-CSRF-Token": client.csrf_token()},
        )
        assert answer.status_code == 415


class TestNext:
    @pytest.mark.parametrize("target", ["/posts/", "/posts/?page=2&q=a%20b", "/a/b#c", "http://testserver/posts/"])
    def test_leads_back_on_this_site(self, add_user, log_in, client, target):
        from urllib.parse import urlencode

        add_user()
        answer = log_in(path=f"/auth/login/?{urlencode({'next': target})}")
        assert answer.location == target.removeprefix("http://testserver")

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example/",
            "///evil.example/",
            "/\\evil.example/",
            "\\\\evil.example/",
            "/\t/evil.example/",
            " //evil.example/",
            "http:evil.example",
            "javascript:alert(1)",
            "http://testserver@evil.example/",
            "http://testserver.evil.example/",
            "/ok\r\nSet-Cookie: a=b",
            "posts/",
            "x" * 5000,
        ],
    )
    def test_never_leads_away(self, add_user, log_in, client, target):
        from urllib.parse import urlencode

        add_user()
        in_query = log_in(path=f"/auth/login/?{urlencode({'next': target})}")
        assert in_query.location == "/"
        fields = {"identifier": "amira", "password": PASSWORD, "next": target}
        assert client.csrf_post("/auth/login/", fields).location == "/"

    def test_may_come_as_a_field(self, client, add_user):
        add_user()
        fields = {"identifier": "amira", "password": PASSWORD, "next": "/posts/"}
        assert client.csrf_post("/auth/login/", fields).location == "/posts/"

    def test_is_still_there_after_a_refusal(self, client, add_user, log_in):
        add_user()
        page = log_in(password="another password", path="/auth/login/?next=/posts/")
        # The form has no address of its own, so it is sent to that of the page, with its query.
        assert "action=" not in page.text
        assert log_in(path="/auth/login/?next=/posts/").location == "/posts/"


class TestLogout:
    def test_shows_the_login_page_with_a_message(self, client, add_user, log_in):
        add_user()
        log_in()
        answer = client.csrf_post("/auth/logout/", follow=True)
        assert "You have logged out." in answer.text
        assert client.get("/whoami/").text == "nobody"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
    def test_by_another_method_is_refused(self, client, add_user, log_in, method):
        add_user()
        log_in()
        headers = {"X-CSRF-Token": client.csrf_token()}
        assert client.request(method, "/auth/logout/", headers=headers).status_code == 405
        assert client.get("/whoami/").text == "amira"

    def test_without_a_csrf_token_is_refused(self, client, add_user, log_in):
        add_user()
        log_in()
        assert client.post("/auth/logout/").status_code == 403
        assert client.get("/whoami/").text == "amira"

    def test_of_an_anonymous_visitor_is_no_error(self, client):
        assert client.csrf_post("/auth/logout/").location == "/auth/login/"


def test_the_pages_work_below_any_prefix(make_site):
    client = Client(make_site(prefix="/accounts/in/"))
    assert client.get("/accounts/in/login/").status_code == 200
    assert client.csrf_post("/accounts/in/logout/").location == "/accounts/in/login/"
