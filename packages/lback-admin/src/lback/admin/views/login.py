"""Coming in and going out."""

from lback.admin.access import is_staff
from lback.admin.views.page import page
from lback.auth.managers import AdminUserManager
from lback.auth.sessions import login, logout
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response
from lback.core.signals import dispatcher
from lback.security.redirects import safe_redirect_target

# One sentence for every reason, so that it doesn't tell which accounts exist or who is staff.
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
    user = AdminUserManager().authenticate(request.db_session, username, request.form.get("password", ""))
    target = request.form.get("next", "")
    if user is None:
        dispatcher.send(
            "admin_login_failed", login_view, request=request, username=username, reason="invalid_credentials"
        )
        return page(request, "login.html", {"next": target, "username": username, "error": REFUSED}, status=401)
    login(request, user)
    dispatcher.send("admin_login_successful", login_view, request=request, user=user)
    return RedirectResponse(_target(request, target), 303)


def logout_view(request: Request) -> Response:
    """End the session."""
    user = request.user
    if user is not None:
        logout(request)
        dispatcher.send("user_logged_out", logout_view, request=request, user=user)
        request.session.set_flash("You are logged out.", "success")
    return RedirectResponse(request.url_for("admin_login_page"), 303)


def _target(request: Request, target: str) -> str:
    return safe_redirect_target(request, target, request.url_for("admin_dashboard"))
