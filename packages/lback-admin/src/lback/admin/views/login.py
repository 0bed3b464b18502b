"""Coming in and going out."""

from lback.admin.access import is_staff
from lback.admin.views.page import page
from lback.auth.authentication import check_password
from lback.auth.entering import enter
from lback.auth.events import announce
from lback.auth.managers import AdminUserManager
from lback.auth.models import User
from lback.auth.sessions import logout
from lback.core.exceptions import TooManyRequests
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response
from lback.security.redirects import safe_redirect_target

# One sentence for every reason, so that it doesn't tell which accounts exist or who is staff.
TOO_MANY = "There were too many attempts. Wait a few minutes, and try again."
REFUSED = "This user name and password do not belong to an account of the staff."


def login_view(request: Request) -> Response:
    """Show the login, and let members of staff in."""
    if request.method == "POST":
        return _log_in(request)
    target = request.GET.get("next", "")
    if is_staff(request.user):
        return RedirectResponse(_target(request, target))
    return page(request, "login.html", {"next": target})


def _log_in(request: Request) -> Response:
    username = request.form.get("username", "").strip()
    target = request.form.get("next", "")
    shown = {"next": target, "username": username}
    staff = AdminUserManager(request.config.REQUIRE_CONFIRMED_EMAIL)
    try:
        user = check_password(request, username, request.form.get("password", ""), staff, "admin_login_failed")
    except TooManyRequests as error:
        response = page(request, "login.html", {**shown, "error": TOO_MANY}, status=429)
        response.headers.update(error.headers)
        return response
    if not isinstance(user, User):
        return page(request, "login.html", {**shown, "error": REFUSED}, status=401)
    return RedirectResponse(enter(request, user, _target(request, target), "admin_login_successful"), 303)


def logout_view(request: Request) -> Response:
    """End the session."""
    user = request.user
    if user is not None:
        logout(request)
        announce(request, "user_logged_out", logout_view, user=user)
        request.session.set_flash("You are logged out.", "success")
    return RedirectResponse(request.url_for("admin_login_page"), 303)


def _target(request: Request, target: str) -> str:
    return safe_redirect_target(request, target, request.url_for("admin_dashboard"))
