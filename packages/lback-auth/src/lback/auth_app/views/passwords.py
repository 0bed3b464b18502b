"""The pages for a forgotten password, and for changing one."""

from lback.auth.authentication import check_own_password
from lback.auth.links import HOURS, LinkTokens
from lback.auth.models import User
from lback.auth.sessions import login
from lback.auth_app.accounts import change_password, request_reset, reset_password
from lback.auth_app.auth_forms import ChangePasswordForm, RequestPasswordResetForm, SetNewPasswordForm
from lback.auth_app.views.common import page, refused, see, too_many
from lback.core.exceptions import TooManyRequests
from lback.core.request import Request
from lback.core.response import Response

COOKIE = "reset_token"
CHANGED = "Your password is changed. Log in with the new one."
WRONG = "This is not your password."


def request_reset_page(request: Request) -> Response:
    """Ask for the address of the account."""
    return page(request, "request_password_reset.html", RequestPasswordResetForm(), sent=False)


def handle_request_reset(request: Request) -> Response:
    """Send the link, if there is such an account; the answer is the same if there is none."""
    form = RequestPasswordResetForm(data=request.form)
    if not form.is_valid():
        return page(request, "request_password_reset.html", form, 400, sent=False)
    try:
        request_reset(request, form.cleaned_data["email"])
    except TooManyRequests as error:
        return too_many(request, "request_password_reset.html", form, error, sent=False)
    return page(request, "request_password_reset.html", RequestPasswordResetForm(), sent=True)


def reset_confirm_page(request: Request) -> Response:
    """Ask for the new password.

    The token of the link goes into a cookie first, and the browser to the address without it: what stands in the
    address bar is kept in histories and logs.
    """
    sent = request.GET.get("token")
    token: str = request.cookies.get(_cookie(request), "") if sent is None else sent
    if request.app.container.get(LinkTokens).read("reset", token, request.db_session) is None:
        return page(request, "reset_password_confirm.html", SetNewPasswordForm(), 400, reset_token=None)
    if sent is None:
        form = SetNewPasswordForm(initial={"token": token})
        return page(request, "reset_password_confirm.html", form, reset_token=token)
    response = see(request, "web_reset_password_confirm_page")
    response.set_cookie(_cookie(request), token, max_age=HOURS["reset"] * 3600, secure=request.is_secure)
    return response


def handle_reset(request: Request) -> Response:
    """Set the new password, and show the login page."""
    form = SetNewPasswordForm(data=request.form)
    if not form.is_valid():
        return page(request, "reset_password_confirm.html", form, 400, reset_token=request.form.get("token"))
    user = reset_password(request, form.cleaned_data["token"], form.cleaned_data["new_password"])
    if user is None:
        return page(request, "reset_password_confirm.html", SetNewPasswordForm(), 400, reset_token=None)
    request.session.set_flash(CHANGED, "success")
    response = see(request, "web_login_page")
    response.delete_cookie(_cookie(request), secure=request.is_secure)
    return response


def change_password_page(request: Request, user: User) -> Response:
    """Ask for the old password and the new one."""
    return page(request, "auth/change_password.html", ChangePasswordForm())


def handle_change_password(request: Request, user: User) -> Response:
    """Change the password; this browser stays logged in, under another session id, and all others are logged out."""
    form = ChangePasswordForm(data=request.form)
    if not form.is_valid():
        return page(request, "auth/change_password.html", form, 400)
    try:
        right = check_own_password(request, user, form.cleaned_data["current_password"])
    except TooManyRequests as error:
        return too_many(request, "auth/change_password.html", form, error)
    if not right:
        refused(form, WRONG, "wrong_password", "current_password")
        return page(request, "auth/change_password.html", form, 403)
    change_password(request, user, form.cleaned_data["new_password"])
    login(request, user)
    request.session.set_flash("Your password is changed, and every other login has ended.", "success")
    return see(request, "web_account")


def _cookie(request: Request) -> str:
    return f"__Host-{COOKIE}" if request.is_secure else COOKIE
