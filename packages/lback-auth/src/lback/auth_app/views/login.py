"""The pages for logging in and out."""

from lback.auth.authentication import Refusal, check_code, check_password
from lback.auth.entering import enter
from lback.auth.events import announce
from lback.auth.models import User
from lback.auth.sessions import login, logout, pending_event, pending_user
from lback.auth_app.accounts import send_confirmation
from lback.auth_app.auth_forms import LoginForm, SecondFactorForm
from lback.auth_app.views.common import page, refused, see, target, too_many
from lback.core.exceptions import TooManyRequests
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response
from lback.forms.forms import Form
from lback.utils.shortcuts import redirect

# One sentence for every reason, so that it doesn't tell which accounts exist.
REFUSED = "The user name or the password is not right, or the e-mail address is not confirmed yet."
WRONG_CODE = "This code is not right, or was used already. Enter the one that the app shows now."
START_AGAIN = "Log in again: too much time has passed since you entered your password."


def login_page(request: Request) -> Response:
    """Show the login form; who is logged in already is sent on."""
    if request.user is not None:
        return redirect(target(request))
    return _page(request, LoginForm())


def handle_login(request: Request) -> Response:
    """Let in who knows the password: to where they wanted to go, or to the page that asks for the second factor.

    The answer is the same, and takes as long, whether the name is unknown, the password wrong, or the account
    deactivated or not confirmed. Who knows the password of an unconfirmed account is sent the link again.
    """
    form = LoginForm(data=request.form)
    if not form.is_valid():
        return _page(request, form, 400)
    try:
        found = check_password(request, form.cleaned_data["identifier"], form.cleaned_data["password"])
    except TooManyRequests as error:
        return too_many(request, "auth_login.html", form, error, registration_open=request.config.REGISTRATION_OPEN)
    if isinstance(found, User):
        # 303, so that the browser goes on with a GET and never sends the password there.
        return RedirectResponse(enter(request, found, target(request)), 303)
    if isinstance(found, Refusal):
        send_confirmation(request, found.user)
    return _page(request, refused(form, REFUSED, "invalid_credentials"), 401)


def second_factor_page(request: Request) -> Response:
    """Ask for the code, after the password."""
    if pending_user(request) is None:
        return see(request, "web_login_page", next=request.GET.get("next"))
    return page(request, "auth/second_factor.html", SecondFactorForm())


def handle_second_factor(request: Request) -> Response:
    """Log in who has the code as well."""
    user = pending_user(request)
    if user is None:
        request.session.set_flash(START_AGAIN, "warning")
        return see(request, "web_login_page", next=request.GET.get("next"))
    form = SecondFactorForm(data=request.form)
    if not form.is_valid():
        return page(request, "auth/second_factor.html", form, 400)
    try:
        right = check_code(request, user, form.cleaned_data["code"])
    except TooManyRequests as error:
        return too_many(request, "auth/second_factor.html", form, error)
    if not right:
        return page(request, "auth/second_factor.html", refused(form, WRONG_CODE, "invalid_code", "code"), 401)
    event = pending_event(request) or "user_login_successful"
    login(request, user)
    announce(request, event, handle_second_factor, user=user)
    return RedirectResponse(target(request), 303)


def handle_logout(request: Request) -> Response:
    """Log out and show the login page. By POST alone: otherwise any page could log its visitors out of this site."""
    user = request.user
    logout(request)
    if user is not None:
        announce(request, "user_logged_out", handle_logout, user=user)
    request.session.set_flash("You have logged out.", "success")
    return see(request, "web_login_page")


def _page(request: Request, form: Form, status: int = 200) -> Response:
    return page(request, "auth_login.html", form, status, registration_open=request.config.REGISTRATION_OPEN)
