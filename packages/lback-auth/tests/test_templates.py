"""The pages of the login app as they are rendered; the views that fill them have tests of their own."""

import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
import segno
from markupsafe import Markup

from lback.auth_app import auth_forms
from lback.core.exceptions import ValidationError
from lback.core.response import Response
from lback.core.testing import Client, make_app
from lback.utils.shortcuts import render
from lback.utils.urls import path

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 "
    "Edg/140.0.0.0"
)
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)

ROUTES = {
    "web_login_page": "/login/",
    "web_logout_user": "/logout/",
    "web_register_page": "/register/",
    "web_request_reset_password_page": "/request-reset-password/",
    "web_handle_reset_password_confirm_submit": "/reset-password/",
    "web_account": "/account/",
    "web_change_password": "/account/password/",
    "web_sessions": "/account/sessions/",
    "web_end_session": "/account/sessions/{login_id:int}/end/",
    "web_end_other_sessions": "/account/sessions/end-others/",
    "web_second_factor_status": "/account/second-factor/",
    "web_second_factor_setup": "/account/second-factor/setup/",
    "web_new_recovery_codes": "/account/second-factor/codes/",
    "web_remove_second_factor": "/account/second-factor/remove/",
}


def a_login(login_id, user_agent=FIREFOX, current=False, kind="session", ip="203.0.113.5"):
    made, used = datetime(2026, 3, 1, 9, 30, tzinfo=UTC), datetime(2026, 3, 2, 17, 5, tzinfo=UTC)
    return SimpleNamespace(
        id=login_id, kind=kind, ip=ip, user_agent=user_agent, made_at=made, used_at=used, current=current
    )


AMIRA = SimpleNamespace(username="amira", email="amira@example.com")
LOGINS = [a_login(1, current=True), a_login(2, SAFARI), a_login(3, "curl/8.14.1", kind="token")]
QR = Markup(segno.make("otpauth://totp/Site:amira?secret=JBSWY3DPEHPK3PXP").svg_inline(omitsize=True))
SETUP = {"form": auth_forms.SecondFactorSetupForm, "qr_svg": QR, "secret": "JBSW Y3DP EHPK 3PXP", "mandatory": False}
STATUS = {"form": auth_forms.SecondFactorRemoveForm, "enabled": True, "codes_left": 8}
CODES = ["k3vd-92mx-7qpa", "w8fh-t4zc-n6re", "b5yj-3gus-x2kd", "m7na-q9pv-4wht"]
RESET = {"form": auth_forms.SetNewPasswordForm, "reset_token": "the-token"}

#: Each page in each of its states, with what the view gives it.
PAGES = {
    "login": ("auth_login.html", {"form": auth_forms.LoginForm, "registration_open": True}),
    "register": ("register.html", {"form": auth_forms.RegisterForm}),
    "request": ("request_password_reset.html", {"form": auth_forms.RequestPasswordResetForm, "sent": False}),
    "requested": ("request_password_reset.html", {"form": auth_forms.RequestPasswordResetForm, "sent": True}),
    "reset": ("reset_password_confirm.html", RESET),
    "reset-too-old": ("reset_password_confirm.html", RESET | {"reset_token": None}),
    "change-password": ("auth/change_password.html", {"form": auth_forms.ChangePasswordForm}),
    "account": ("auth/account.html", {"user": AMIRA, "second_factor": True}),
    "sessions": ("auth/sessions.html", {"sessions": LOGINS}),
    "code": ("auth/second_factor.html", {"form": auth_forms.SecondFactorForm}),
    "setup": ("auth/second_factor_setup.html", SETUP),
    "setup-mandatory": ("auth/second_factor_setup.html", SETUP | {"mandatory": True}),
    "status-on": ("auth/second_factor_status.html", STATUS),
    "status-off": ("auth/second_factor_status.html", STATUS | {"enabled": False}),
    "codes": ("auth/recovery_codes.html", {"codes": CODES, "target": "/account/"}),
}
WITH_FORM = [name for name, (_, context) in PAGES.items() if "form" in context]
SHOWS_NO_FORM = {"requested", "reset-too-old", "status-off"}


class Page(HTMLParser):
    """The tags of a page, each as ``(name, attributes)``, with the forms that stand in it; each is closed in turn."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        self.tags = []
        self.open = []
        self.forms = []
        self.feed(text)
        assert self.open == []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in ("input", "link", "meta"):
            self.open.append(tag)
        self.tags.append((tag, values))
        if tag == "form":
            self.forms.append({"action": values.get("action"), "method": values["method"], "fields": {}, "to": []})
        elif tag == "input" and self.forms and "name" in values:
            self.forms[-1]["fields"][values["name"]] = values.get("value")
        elif tag == "button":
            self.forms[-1]["to"].append(values.get("formaction", self.forms[-1]["action"]))

    def all(self, tag):
        return [values for name, values in self.tags if name == tag]

    def links(self):
        return [values["href"] for values in self.all("a")]

    def goes_to(self):
        """Return where the buttons of the page send something; None is the page itself."""
        return [address for form in self.forms for address in form["to"]]

    def words(self):
        """Return what there is to read."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.text)).split())


@pytest.fixture
def show(settings):
    """Return a function that renders a page of `PAGES`, with changes to what it is given, after its form was sent."""

    def shown(request):
        name, changes, sent, error = wanted
        template, context = PAGES[name]
        context = context | changes
        if "form" in context:
            form = context["form"] = context["form"](data=sent)
            if error:
                form.add_error(None, ValidationError(error))
        return render(request, template, {"flash_messages": [], "current_user": AMIRA, **context})

    wanted = None
    client = Client(make_app([path("/page/", shown), *_routes()], **settings, PROJECT_NAME="The Shop"))

    def show(name, sent=None, error=None, **changes):
        nonlocal wanted
        wanted = name, changes, sent, error
        answer = client.get("/page/")
        assert answer.status_code == 200
        assert "unsafe" not in answer.headers["content-security-policy"]
        return Page(answer.text)

    return show


def _routes():
    return [path(address, lambda request, **_: Response(""), name=name) for name, address in ROUTES.items()]


class TestEveryPage:
    @pytest.mark.parametrize("name", PAGES)
    def test_has_a_title_one_heading_and_a_main_part(self, show, name):
        page = show(name)
        assert [len(page.all(tag)) for tag in ("title", "h1", "main")] == [1, 1, 1]
        assert re.search(r"<title>[A-Z][\w -]+ · The Shop</title>", page.text)

    @pytest.mark.parametrize("name", PAGES)
    def test_has_the_style_of_the_app_at_the_width_of_the_screen(self, show, name):
        page = show(name)
        assert [values["href"] for values in page.all("link")] == ["/static/auth/auth.css"]
        assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
        assert page.all("html") == [{"lang": "en"}]

    @pytest.mark.parametrize("name", PAGES)
    def test_leads_on(self, show, name):
        page = show(name)
        assert page.links() or "/logout/" in page.goes_to()

    @pytest.mark.parametrize("name", PAGES)
    def test_keeps_the_strict_policy(self, show, name):
        assert not re.search(r"<style|<script|style=|\son\w+=|javascript:", show(name).text)

    @pytest.mark.parametrize("name", PAGES)
    def test_each_form_is_a_post_with_a_token(self, show, name):
        for form in show(name).forms:
            assert form["method"] == "post"
            assert form["fields"]["csrfmiddlewaretoken"]

    @pytest.mark.parametrize("name", PAGES)
    @pytest.mark.parametrize("sent", [None, {}], ids=["new", "errors"])
    def test_ids_are_there_once_and_what_refers_to_them_finds_them(self, show, name, sent):
        page = show(name, sent)
        ids = [values["id"] for _, values in page.tags if "id" in values]
        assert len(ids) == len(set(ids))
        labelled = {values["for"] for values in page.all("label")}
        seen = [values for values in page.all("input") if values.get("type") != "hidden" and "hidden" not in values]
        assert labelled == {values["id"] for values in seen}
        for values in seen:
            assert set(values.get("aria-describedby", "").split()) <= set(ids)

    @pytest.mark.parametrize("name", PAGES)
    def test_shows_messages(self, show, name):
        page = show(name, flash_messages=[{"message": "Well <done>.", "category": "success"}])
        assert '<p class="auth-message auth-message-success" role="status">Well &lt;done&gt;.</p>' in page.text


class TestForms:
    @pytest.mark.parametrize("name", sorted(set(WITH_FORM) - SHOWS_NO_FORM))
    def test_an_error_stands_with_its_field(self, show, name):
        page = show(name, sent={})
        for values in page.all("input"):
            if values.get("type") != "hidden" and "hidden" not in values:
                assert values["aria-invalid"] == "true"
                assert f"{values['id']}_errors" in values["aria-describedby"].split()
                assert f'<p class="auth-error" id="{values["id"]}_errors">This field is required.</p>' in page.text

    @pytest.mark.parametrize("name", sorted(set(WITH_FORM) - SHOWS_NO_FORM))
    def test_an_error_of_the_whole_form_stands_above_it(self, show, name):
        page = show(name, error="Not today.")
        assert page.text.count("Not today.") == 1
        assert 'role="alert" id="form_errors">Not today.' in page.text

    def test_a_field_is_described_by_its_help_and_all_errors(self, show):
        page = show("register", sent={}, error="Not today.")
        described = page.all("input")[1]["aria-describedby"]
        assert described == "id_username_help id_username_errors form_errors"

    def test_the_page_begins_in_the_first_field(self, show):
        assert [values["name"] for values in show("register").all("input") if "autofocus" in values] == ["username"]

    def test_the_page_begins_in_the_first_field_with_an_error(self, show):
        page = show("register", sent={"username": "amira", "password": "long enough"})
        assert [values["name"] for values in page.all("input") if "autofocus" in values] == ["email"]

    @pytest.mark.parametrize(
        ("name", "sent", "error", "field"),
        [
            ("register", {"username": "amira", "email": "a@example.com", "password": "long enough"}, None, "password"),
            ("setup", {"current_password": "a fine password"}, None, "current_password"),
            ("login", {"identifier": "amira", "password": "wrong"}, "Not today.", "password"),
            ("setup", {"current_password": "a fine password", "code": "123456"}, "Not today.", "current_password"),
        ],
    )
    def test_or_in_one_that_has_to_be_filled_in_again(self, show, name, sent, error, field):
        page = show(name, sent=sent, error=error)
        assert [values["name"] for values in page.all("input") if "autofocus" in values] == [field]

    @pytest.mark.parametrize("name", ["code", "setup"])
    def test_a_code_is_seen_while_it_is_typed_and_not_sent_back(self, show, name):
        page = show(name, sent={"current_password": "a fine password", "code": "123456"}, error="Not today.")
        [field] = [values for values in page.all("input") if values.get("name") == "code"]
        assert field["type"] == "text"
        assert "123456" not in page.text

    def test_a_form_below_other_things_takes_the_cursor_with_errors_alone(self, show):
        for name in ("setup", "status-on"):
            assert not any("autofocus" in values for values in show(name).all("input"))
            assert any("autofocus" in values for values in show(name, sent={}).all("input"))

    @pytest.mark.parametrize("name", ["login", "register", "request", "change-password", "code", "setup"])
    def test_goes_to_the_page_itself(self, show, name):
        assert show(name).goes_to() == [None]


class TestLogin:
    def test_leads_to_a_reset_and_to_the_registration(self, show):
        assert show("login").links() == ["/request-reset-password/", "/register/"]

    def test_does_not_lead_to_a_registration_that_is_closed(self, show):
        assert show("login", registration_open=False).links() == ["/request-reset-password/"]


def test_the_registration_leads_to_the_login(show):
    assert show("register").links() == ["/login/"]


class TestReset:
    def test_after_asking_there_is_a_sentence_that_tells_nothing(self, show):
        page = show("requested")
        assert page.forms == []
        assert "If there is an account with this address, a mail with a link is on its way to it." in page.text

    def test_the_token_goes_along(self, show):
        page = show("reset")
        assert page.goes_to() == ["/reset-password/"]
        assert page.forms[0]["fields"]["token"] == "the-token"
        assert len([values for values in page.all("input") if values["name"] == "token"]) == 1

    def test_a_link_that_is_used_up_leads_to_another_one(self, show):
        page = show("reset-too-old")
        assert page.forms == []
        assert "This link has been used or is too old." in page.text
        assert "/request-reset-password/" in page.links()


@pytest.mark.parametrize("name", ["change-password", "setup", "status-on"])
def test_password_managers_are_told_whose_password_it_is(show, name):
    [told] = [values for values in show(name).all("input") if values.get("autocomplete") == "username"]
    assert told["value"] == "amira"
    assert "name" not in told


def test_where_nobody_is_logged_in_yet_they_are_told_nothing(show):
    page = show("setup-mandatory", current_user=None)
    assert not [values for values in page.all("input") if values.get("autocomplete") == "username"]


class TestAccount:
    def test_shows_who_and_leads_to_the_rest(self, show):
        page = show("account")
        assert "User name amira E-mail address amira@example.com" in page.words()
        assert page.links() == ["/account/password/", "/account/second-factor/", "/account/sessions/"]
        assert page.goes_to() == ["/logout/"]

    def test_an_account_without_an_address(self, show):
        assert "E-mail address None" in show("account", user=SimpleNamespace(username="amira", email=None)).words()

    @pytest.mark.parametrize(("on", "shown"), [(True, "Two-step login On"), (False, "Two-step login Off")])
    def test_tells_of_the_second_factor(self, show, on, shown):
        assert shown in show("account", second_factor=on).words()


class TestSessions:
    def test_each_but_this_one_can_be_ended(self, show):
        ends = ["/account/sessions/2/end/", "/account/sessions/3/end/", "/account/sessions/end-others/"]
        assert show("sessions").goes_to() == ends

    def test_with_one_alone_there_is_nothing_to_end(self, show):
        assert show("sessions", sessions=[a_login(1, current=True)]).forms == []

    def test_shows_when_and_from_where(self, show):
        words = show("sessions", sessions=[a_login(1, current=True)]).words()
        assert (
            "Firefox on Linux This one Last used 2026-03-02, 17:05 UTC Logged in 2026-03-01, 09:30 UTC "
            "IP address 203.0.113.5" in words
        )

    def test_a_token_is_told_from_a_browser(self, show):
        assert "curl/8.14.1 API Last used" in show("sessions").words()

    def test_each_button_says_what_it_ends(self, show):
        words = show("sessions").words()
        assert "Log out : Safari on iPhone, last used 2026-03-02, 17:05 UTC" in words
        assert "Log out : curl/8.14.1, last used 2026-03-02, 17:05 UTC" in words

    @pytest.mark.parametrize(
        ("agent", "shown"),
        [
            (FIREFOX, "Firefox on Linux"),
            (SAFARI, "Safari on iPhone"),
            (EDGE, "Edge on Windows"),
            (CHROME, "Chrome on Android"),
            ("curl/8.14.1", "curl/8.14.1"),
            ("<b>" + "x" * 100, "<b>" + "x" * 54 + "..."),
            ("", "Unknown device"),
        ],
    )
    def test_names_the_device(self, show, agent, shown):
        page = show("sessions", sessions=[a_login(1, agent)])
        assert unescape(re.search(r"<h2>(.*)", page.text)[1]) == shown
        assert "<b>" not in page.text


class TestSecondFactor:
    def test_the_code_page_tells_of_recovery_codes_and_lets_start_over(self, show):
        page = show("code")
        assert "A recovery code does the same" in page.text
        assert page.links() == ["/login/"]

    def test_the_setup_is_three_steps_with_the_code_and_the_key(self, show):
        page = show("setup")
        assert len(page.all("li")) == 3
        assert str(QR) in page.text
        assert "JBSW Y3DP EHPK 3PXP" in page.words()
        assert page.links() == ["/account/"]

    def test_a_setup_that_must_be_says_so_and_leaves_the_logout(self, show):
        page = show("setup-mandatory")
        assert "This site asks its staff for a second step" in page.text
        assert page.links() == []
        assert page.goes_to() == [None, "/logout/"]

    def test_one_password_field_serves_new_codes_and_the_removal(self, show):
        page = show("status-on")
        assert page.goes_to() == ["/account/second-factor/codes/", "/account/second-factor/remove/"]
        assert len(page.forms) == 1
        assert "current_password" in page.forms[0]["fields"]

    @pytest.mark.parametrize(
        ("left", "words", "warns"),
        [
            (8, "You have 8 recovery codes left", False),
            (1, "You have 1 recovery code left", True),
            (0, "You have no recovery codes left", True),
        ],
    )
    def test_tells_how_many_codes_are_left(self, show, left, words, warns):
        page = show("status-on", codes_left=left)
        assert words in page.text
        assert ("auth-message-warning" in page.text) == warns

    def test_where_it_is_off_it_leads_to_the_setup(self, show):
        page = show("status-off")
        assert page.forms == []
        assert page.links() == ["/account/second-factor/setup/", "/account/"]

    def test_recovery_codes_are_shown_with_a_way_back(self, show):
        page = show("codes")
        assert " ".join(CODES) in page.words()
        assert "They are not shown again." in page.text
        assert page.links() == ["/account/"]


def test_a_project_can_have_a_page_of_its_own(show, tmp_path):
    (tmp_path / "templates" / "auth").mkdir(parents=True)
    (tmp_path / "templates" / "auth" / "account.html").write_text("<h1>{{ user.username }}'s own</h1>")
    assert show("account").text == "<h1>amira's own</h1>"
