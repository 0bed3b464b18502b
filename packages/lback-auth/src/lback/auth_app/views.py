"""The pages for logging in and out."""

from lback.auth.managers import UserManager
from lback.auth.models import User
from lback.auth.sessions import login, logout
from lback.auth_app.auth_forms import LoginForm
from lback.core.exceptions import ValidationError
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response
from lback.core.signals import dispatcher
from lback.security.csrf import get_token
from lback.security.redirects import safe_redirect_target
from lback.utils.shortcuts import redirect, render

REFUSED = "The user name or the password is not right."


def login_page(request: Request) -> Response:
    """Show the login form; who is logged in already is sent on."""
    if request.user is not None:
        return redirect(_target(request))
    return _page(request, LoginForm())


def handle_login(request: Request) -> Response:
    """Log in who knows the password, and send them to where they wanted to go.

    The answer is the same, and takes as long, whether the name is unknown, the password wrong or the account
    deactivated.
    """
    form = LoginForm(data=request.form)
    if not form.is_valid():
        return _page(request, form, 400)
    identifier: str = form.cleaned_data["identifier"]
    user: User | None = UserManager().authenticate(request.db_session, identifier, form.cleaned_data["password"])
    if user is None:
        dispatcher.send(
            "user_login_failed", handle_login, request=request, username=identifier, reason="invalid_credentials"
        )
        form.add_error(None, ValidationError(REFUSED, "invalid_credentials"))
        return _page(request, form, 401)
    login(request, user)
    dispatcher.send("user_login_successful", handle_login, request=request, user=user)
    # 303, so that the browser goes on with a GET and never sends the password there.
    return RedirectResponse(_target(request), 303)


def handle_logout(request: Request) -> Response:
    """Log out and show the login page. By POST alone: otherwise any page could log its visitors out of this site."""
    user = request.user
    logout(request)
    if user is not None:
        dispatcher.send("user_logged_out", handle_logout, request=request, user=user)
    request.session.set_flash("You have logged out.", "success")
    return RedirectResponse(request.url_for("web_login_page"), 303)


def _page(request: Request, form: LoginForm, status: int = 200) -> Response:
    context = {
        "form": form,
        "csrf_token": get_token(request),
        "flash_messages": request.session.get_flashed_messages(),
    }
    return render(request, "auth_login.html", context, status)


def _target(request: Request) -> str:
    """Return where to go after the login: what the visitor asked for if it is on this site, or the usual page."""
    wanted = request.POST.get("next") or request.GET.get("next")
    return safe_redirect_target(request, wanted, request.config.LOGIN_REDIRECT_URL)
