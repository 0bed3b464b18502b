"""The forms of the login and account pages. The lengths are capped, so that nothing long is hashed or looked up."""

from typing import Any

from lback.auth.names import EMAIL_LENGTH, USERNAME_LENGTH, normal_email, normal_username
from lback.auth.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH, validate_password
from lback.core.exceptions import ValidationError
from lback.forms.fields import CharField, EmailField
from lback.forms.forms import Form
from lback.forms.widgets import EmailInput, HiddenInput, PasswordInput, TextInput

#: The longest code that is looked at: six digits, or a recovery code with its hyphens.
CODE_LENGTH = 20
#: The longest token of a link that is looked at.
TOKEN_LENGTH = 512

_AS_TYPED = {"autocapitalize": "none", "spellcheck": "false"}
_NEW_PASSWORD_HELP = f"At least {MINIMUM_LENGTH} characters. A few words in a row are easy to remember."


class CodeInput(PasswordInput):
    """A line of text that is seen while it is typed, and never sent back to the browser: a code works once."""

    input_type = "text"


def _password(label: str, autocomplete: str, help_text: str = "") -> CharField:
    # Spaces of a password count.
    return CharField(
        label=label,
        help_text=help_text,
        max_length=MAXIMUM_LENGTH,
        strip=False,
        widget=PasswordInput(attrs={"autocomplete": autocomplete}),
    )


def _email(autocomplete: str) -> EmailField:
    return EmailField(
        label="E-mail address",
        max_length=EMAIL_LENGTH,
        widget=EmailInput(attrs={"autocomplete": autocomplete, **_AS_TYPED}),
    )


def _code(help_text: str, **attrs: str) -> CharField:
    return CharField(
        label="Code",
        help_text=help_text,
        max_length=CODE_LENGTH,
        widget=CodeInput(attrs={"autocomplete": "one-time-code", **_AS_TYPED, **attrs}),
    )


def _accepted(password: str) -> str:
    """Return a new password that keeps to the rules."""
    validate_password(password)
    return password


class LoginForm(Form):
    """Who, and the password."""

    identifier = CharField(
        label="User name or e-mail address",
        max_length=EMAIL_LENGTH,
        widget=TextInput(attrs={"autocomplete": "username", **_AS_TYPED}),
    )
    password = _password("Password", "current-password")


class RegisterForm(Form):
    """A new account; `cleaned_data` has the name and the address in the form they are kept in."""

    username = CharField(
        label="User name",
        help_text="At least 3 characters, without spaces.",
        max_length=USERNAME_LENGTH,
        widget=TextInput(attrs={"autocomplete": "username", **_AS_TYPED}),
    )
    email = _email("email")
    password = _password("Password", "new-password", _NEW_PASSWORD_HELP)
    password_confirm = _password("The password again", "new-password")

    def clean_username(self, username: str) -> str:
        """Return the name as it is kept."""
        return normal_username(username)

    def clean_email(self, email: str) -> str:
        """Return the address as it is kept."""
        return normal_email(email)

    def clean_password(self, password: str) -> str:
        """Hold the password against the rules for new ones."""
        return _accepted(password)


class RequestPasswordResetForm(Form):
    """Where to send the link for a new password."""

    email = _email("email")


class CurrentPasswordForm(Form):
    """The password that the account has, to show that it is still the owner who sits there."""

    current_password = _password("Current password", "current-password")


class NewPasswordForm(Form):
    """Another password, typed twice."""

    new_password = _password("New password", "new-password", _NEW_PASSWORD_HELP)
    confirm_new_password = _password("The new password again", "new-password")

    def clean_new_password(self, password: str) -> str:
        """Hold the password against the rules for new ones."""
        return _accepted(password)

    def clean(self) -> Any:
        """Compare the two."""
        values = super().clean()
        both = [values[name] for name in ("new_password", "confirm_new_password") if name in values]
        if len(both) == 2 and both[0] != both[1]:
            self.add_error("confirm_new_password", ValidationError("The passwords differ.", "password_mismatch"))
        return values


class SetNewPasswordForm(NewPasswordForm):
    """Another password for who has the link of a mail; `token` is what the link carried."""

    token = CharField(max_length=TOKEN_LENGTH, widget=HiddenInput)


# Of several bases the last one's fields come first, so the current password is asked for before the new one.
class ChangePasswordForm(NewPasswordForm, CurrentPasswordForm):
    """Another password for who knows the current one."""


class SecondFactorForm(Form):
    """The second step of a login: a code of the app, or a recovery code."""

    # No numeric keyboard: recovery codes have letters.
    code = _code("The six digits in your authenticator app, or one of your recovery codes.")


class SecondFactorSetupForm(CurrentPasswordForm):
    """Proof that the app was set up: a code that it shows."""

    code = _code("The six digits that the app shows now.", inputmode="numeric")


class SecondFactorRemoveForm(CurrentPasswordForm):
    """The password, to change or remove the second factor."""
