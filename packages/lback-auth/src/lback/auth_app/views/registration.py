"""The pages for making an account and confirming its address."""

from lback.auth_app.accounts import confirm_email, register
from lback.auth_app.auth_forms import RegisterForm
from lback.auth_app.views.common import page, see, too_many
from lback.core.exceptions import NotFound, TooManyRequests, ValidationError
from lback.core.request import Request
from lback.core.response import Response
from lback.utils.shortcuts import redirect

CHECK_MAIL = "Almost done: follow the link in the mail that is on its way to you."
CONFIRMED = "Your e-mail address is confirmed. You can log in now."
LINK_IS_OLD = "This link was used already, or is too old. Log in to get a new one."


def register_page(request: Request) -> Response:
    """Show the form for a new account.

    Raises:
        NotFound: ``REGISTRATION_OPEN`` is off.
    """
    if not request.config.REGISTRATION_OPEN:
        raise NotFound
    if request.user is not None:
        return redirect(request.config.LOGIN_REDIRECT_URL)
    return page(request, "register.html", RegisterForm())


def handle_register(request: Request) -> Response:
    """Make the account and send the link; the answer is the same when the address has an account already."""
    form = RegisterForm(data=request.form)
    if not form.is_valid():
        return page(request, "register.html", form, 400)
    data = form.cleaned_data
    try:
        register(request, data["username"], data["email"], data["password"])
    except TooManyRequests as error:
        return too_many(request, "register.html", form, error)
    except ValidationError as error:
        form.add_error("username", error)
        return page(request, "register.html", form, 400)
    request.session.set_flash(CHECK_MAIL, "success")
    return see(request, "web_login_page")


def verify_email(request: Request) -> Response:
    """Confirm the address that a link was sent to."""
    user = confirm_email(request, request.GET.get("token", ""))
    if user is None:
        request.session.set_flash(LINK_IS_OLD, "warning")
    else:
        request.session.set_flash(CONFIRMED, "success")
    return see(request, "web_login_page")
