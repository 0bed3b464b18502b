"""The forms of the login pages."""

from lback.auth.names import EMAIL_LENGTH
from lback.auth.passwords import MAXIMUM_LENGTH
from lback.forms.fields import CharField
from lback.forms.forms import Form
from lback.forms.widgets import PasswordInput, TextInput


class LoginForm(Form):
    """Who, and the password. The lengths are capped, so that nothing long is hashed or looked up."""

    identifier = CharField(
        label="User name or e-mail address",
        max_length=EMAIL_LENGTH,
        widget=TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = CharField(
        label="Password",
        max_length=MAXIMUM_LENGTH,
        strip=False,
        widget=PasswordInput(attrs={"autocomplete": "current-password"}),
    )
