"""The forms of the login and account pages."""

import pytest

from lback.auth_app import auth_forms
from lback.auth_app.auth_forms import (
    ChangePasswordForm,
    LoginForm,
    RegisterForm,
    RequestPasswordResetForm,
    SecondFactorForm,
    SecondFactorRemoveForm,
    SecondFactorSetupForm,
    SetNewPasswordForm,
)
from lback.forms.forms import Form

PASSWORD = "a fine password"
ANOTHER = "another fine one"

#: Each form with what it accepts.
ACCEPTED = {
    LoginForm: {"identifier": "amira", "password": PASSWORD},
    RegisterForm: {
        "username": "amira",
        "email": "amira@example.com",
        "password": PASSWORD,
        "password_confirm": PASSWORD,
    },
    RequestPasswordResetForm: {"email": "amira@example.com"},
    SetNewPasswordForm: {"token": "t" * 43, "new_password": ANOTHER, "confirm_new_password": ANOTHER},
    ChangePasswordForm: {"current_password": PASSWORD, "new_password": ANOTHER, "confirm_new_password": ANOTHER},
    SecondFactorForm: {"code": "123456"},
    SecondFactorSetupForm: {"current_password": PASSWORD, "code": "123456"},
    SecondFactorRemoveForm: {"current_password": PASSWORD},
}
FIELDS = [(form, name) for form, accepted in ACCEPTED.items() for name in accepted]
PASSWORDS = [(form, name) for form, name in FIELDS if "password" in name]


def errors(form_class, **changes):
    """Return the codes of what is wrong, by field, when a form is sent with changes to what it accepts."""
    form = form_class(data=ACCEPTED[form_class] | changes)
    return {name: [error.code for error in wrong] for name, wrong in form.errors.items()}


def attributes(form_class, name):
    return form_class().fields[name].widget.attrs


def test_every_form_of_the_module_is_tested_here():
    forms = {each for each in vars(auth_forms).values() if isinstance(each, type) and issubclass(each, Form)}
    assert forms - {Form, auth_forms.CurrentPasswordForm, auth_forms.NewPasswordForm} == set(ACCEPTED)


class TestEveryForm:
    @pytest.mark.parametrize("form_class", ACCEPTED)
    def test_accepts_what_it_is_for(self, form_class):
        form = form_class(data=ACCEPTED[form_class])
        assert form.is_valid()
        assert form.cleaned_data == ACCEPTED[form_class]

    @pytest.mark.parametrize("form_class", ACCEPTED)
    def test_asks_for_its_fields_in_this_order(self, form_class):
        asked = [name for name in form_class().fields if name != "token"]
        assert asked == [name for name in ACCEPTED[form_class] if name != "token"]

    @pytest.mark.parametrize(("form_class", "name"), FIELDS)
    @pytest.mark.parametrize("value", ["", None])
    def test_needs_every_field(self, form_class, name, value):
        assert errors(form_class, **{name: value}) == {name: ["required"]}

    @pytest.mark.parametrize(("form_class", "name"), FIELDS)
    def test_refuses_a_megabyte_by_its_length_alone(self, form_class, name):
        assert errors(form_class, **{name: "x" * 1_000_000}) == {name: ["max_length"]}

    @pytest.mark.parametrize(("form_class", "name"), FIELDS)
    @pytest.mark.parametrize("character", ["\x00", "\ud800"])
    def test_refuses_a_character_that_no_database_keeps(self, form_class, name, character):
        assert list(errors(form_class, **{name: f"long enough{character}"[-12:]})) == [name]


class TestPasswords:
    @pytest.mark.parametrize(("form_class", "name"), PASSWORDS)
    def test_are_never_shown_again(self, form_class, name):
        form = form_class(data=ACCEPTED[form_class])
        assert 'type="password"' in form[name].input
        assert ACCEPTED[form_class][name] not in form[name].input

    @pytest.mark.parametrize(("form_class", "name"), PASSWORDS)
    def test_keep_their_spaces(self, form_class, name):
        names = {each for form, each in PASSWORDS if form is form_class}
        form = form_class(data=ACCEPTED[form_class] | dict.fromkeys(names, "  spaces around  "))
        assert form.is_valid()
        assert form.cleaned_data[name] == "  spaces around  "

    @pytest.mark.parametrize(("form_class", "name"), PASSWORDS)
    def test_tell_password_managers_which_one_they_are(self, form_class, name):
        new = form_class is RegisterForm or "new" in name
        assert attributes(form_class, name)["autocomplete"] == ("new-password" if new else "current-password")

    @pytest.mark.parametrize(
        ("form_class", "name", "again"),
        [
            (RegisterForm, "password", "password_confirm"),
            (SetNewPasswordForm, "new_password", "confirm_new_password"),
            (ChangePasswordForm, "new_password", "confirm_new_password"),
        ],
    )
    class TestNewOnes:
        def test_have_to_be_typed_twice_the_same(self, form_class, name, again):
            assert errors(form_class, **{again: "something else"}) == {again: ["password_mismatch"]}

        @pytest.mark.parametrize(
            ("password", "code"), [("short", "password_too_short"), ("Password123", "password_too_common")]
        )
        def test_keep_to_the_rules(self, form_class, name, again, password, code):
            assert errors(form_class, **{name: password, again: password}) == {name: [code]}

        def test_that_break_a_rule_are_not_compared_as_well(self, form_class, name, again):
            assert errors(form_class, **{name: "short", again: "other"}) == {name: ["password_too_short"]}

        def test_say_what_is_asked_of_them(self, form_class, name, again):
            assert "At least 8 characters." in form_class()[name].help_text
            assert form_class()[again].help_text == ""

    @pytest.mark.parametrize(
        "form_class", [LoginForm, ChangePasswordForm, SecondFactorSetupForm, SecondFactorRemoveForm]
    )
    def test_that_exist_are_held_against_no_rule(self, form_class):
        # It may be from before the rules.
        name = "password" if form_class is LoginForm else "current_password"
        assert errors(form_class, **{name: "short"}) == {}


class TestRegister:
    def test_the_name_and_the_address_are_as_they_are_kept(self):
        sent = {"username": " \uff41mira ", "email": " Amira@Example.COM "}
        form = RegisterForm(data=ACCEPTED[RegisterForm] | sent)
        assert form.is_valid()
        assert form.cleaned_data["username"] == "amira"
        assert form.cleaned_data["email"] == "amira@example.com"

    @pytest.mark.parametrize(
        ("username", "code"),
        [
            ("ab", "username_length"),
            ("x" * 151, "max_length"),
            ("amira@example", "username_characters"),
            ("am ira", "username_characters"),
        ],
    )
    def test_a_name_that_is_not_accepted_is_an_error_of_its_field(self, username, code):
        assert errors(RegisterForm, username=username) == {"username": [code]}

    @pytest.mark.parametrize("email", ["amira", "amira@", "a@b@example.com", "amira@example", "amira@exa mple.com"])
    def test_an_address_that_is_none_is_an_error_of_its_field(self, email):
        assert list(errors(RegisterForm, email=email)) == ["email"]

    def test_browsers_know_what_to_fill_in(self):
        assert attributes(RegisterForm, "username")["autocomplete"] == "username"
        assert attributes(RegisterForm, "email")["autocomplete"] == "email"
        assert 'type="email"' in RegisterForm()["email"].input


class TestRequestPasswordReset:
    def test_an_address_that_is_none_is_refused(self):
        assert errors(RequestPasswordResetForm, email="amira") == {"email": ["invalid"]}

    def test_browsers_know_what_to_fill_in(self):
        assert attributes(RequestPasswordResetForm, "email")["autocomplete"] == "email"


def test_the_token_of_a_link_is_not_seen():
    form = SetNewPasswordForm(initial={"token": "the-token"})
    assert [field.name for field in form.hidden_fields] == ["token"]
    assert 'value="the-token"' in form["token"].input


class TestCodes:
    @pytest.mark.parametrize("form_class", [SecondFactorForm, SecondFactorSetupForm])
    def test_phones_offer_the_code_and_leave_it_as_typed(self, form_class):
        attrs = attributes(form_class, "code")
        assert attrs["autocomplete"] == "one-time-code"
        assert attrs["autocapitalize"] == "none"
        assert attrs["spellcheck"] == "false"

    def test_a_recovery_code_is_taken_and_can_be_typed_on_a_phone(self):
        assert errors(SecondFactorForm, code="k3vd-92mx-7qpa") == {}
        assert "inputmode" not in attributes(SecondFactorForm, "code")

    def test_the_code_of_the_app_gets_a_keyboard_of_digits(self):
        assert attributes(SecondFactorSetupForm, "code")["inputmode"] == "numeric"

    def test_spaces_around_do_not_count(self):
        form = SecondFactorForm(data={"code": " 123456 "})
        assert form.is_valid()
        assert form.cleaned_data["code"] == "123456"

    def test_of_more_than_20_characters_is_refused(self):
        assert errors(SecondFactorForm, code="x" * 20) == {}
        assert errors(SecondFactorForm, code="x" * 21) == {"code": ["max_length"]}
