"""The pages for setting up the second factor, and for removing it."""

import segno
from markupsafe import Markup

from lback.auth import totp
from lback.auth.authentication import check_own_password, must_set_up, needs_code
from lback.auth.events import announce
from lback.auth.logins import SessionManager
from lback.auth.models import User
from lback.auth.second_factor import SecondFactors
from lback.auth.sessions import login, pending_event, pending_user
from lback.auth_app.auth_forms import SecondFactorRemoveForm, SecondFactorSetupForm
from lback.auth_app.views.common import page, refused, see, target, too_many
from lback.core.exceptions import TooManyRequests
from lback.core.request import Request
from lback.core.response import Response
from lback.forms.forms import Form

WRONG_PASSWORD = "This is not your password."  # noqa: S105 - a sentence
WRONG_CODE = "This code is not right. Enter the one that the app shows now; the clock of the phone must be right."
MANDATORY = "This site asks its staff for a second factor, so you can't switch yours off."
STATUS, SETUP = "auth/second_factor_status.html", "auth/second_factor_setup.html"


def status_page(request: Request, user: User) -> Response:
    """Show whether the second factor is on."""
    return _status(request, user, SecondFactorRemoveForm())


def setup_page(request: Request) -> Response:
    """Show the QR code. Beside users it is for staff who have shown their password, where the site asks them for it."""
    user = _setting_up(request)
    if user is None:
        return see(request, "web_login_page", next=request.full_path)
    if needs_code(request, user):
        return see(request, "web_second_factor_status")
    request.app.container.get(SecondFactors).secret(request.db_session, user, fresh=True)
    return _setup(request, user, SecondFactorSetupForm())


def handle_setup(request: Request) -> Response:
    """Switch it on when the code shows that the app has the secret; show the recovery codes, once."""
    user = _setting_up(request)
    if user is None:
        return see(request, "web_login_page")
    if needs_code(request, user):
        return see(request, "web_second_factor_status")
    form = SecondFactorSetupForm(data=request.form)
    if not form.is_valid():
        return _setup(request, user, form, 400)
    try:
        right = check_own_password(request, user, form.cleaned_data["current_password"])
    except TooManyRequests as error:
        return too_many(request, SETUP, form, error, **_shown(request, user))
    if not right:
        return _setup(request, user, _wrong_password(form), 403)
    codes = request.app.container.get(SecondFactors).confirm(request.db_session, user, form.cleaned_data["code"])
    if codes is None:
        return _setup(request, user, refused(form, WRONG_CODE, "invalid_code", "code"), 400)
    announce(request, "second_factor_enabled", handle_setup, user=user)
    # The account is protected in another way from here on: other logins end, and this one gets another session id.
    SessionManager().end_all(request.db_session, user)
    waiting = pending_event(request)
    login(request, user)
    if waiting is not None:
        announce(request, waiting, handle_setup, user=user)
    onward = target(request, request.url_for("web_account"))
    return page(request, "auth/recovery_codes.html", codes=codes, target=onward)


def handle_new_codes(request: Request, user: User) -> Response:
    """Replace the recovery codes, and show the new ones, once."""
    refusal = _protected(request, user)
    if refusal is not None:
        return refusal
    codes = request.app.container.get(SecondFactors).new_codes(request.db_session, user)
    announce(request, "recovery_codes_replaced", handle_new_codes, user=user)
    return page(request, "auth/recovery_codes.html", codes=codes, target=request.url_for("web_account"))


def handle_remove(request: Request, user: User) -> Response:
    """Switch it off."""
    refusal = _protected(request, user)
    if refusal is not None:
        return refusal
    if must_set_up(request, user):
        form = refused(SecondFactorRemoveForm(data=request.form), MANDATORY, "second_factor_mandatory")
        return _status(request, user, form, 403)
    request.app.container.get(SecondFactors).remove(request.db_session, user)
    announce(request, "second_factor_disabled", handle_remove, user=user)
    SessionManager().end_all(request.db_session, user)
    login(request, user)
    request.session.set_flash("You are asked for your password alone from now on.", "success")
    return see(request, "web_account")


def _setting_up(request: Request) -> User | None:
    user: User | None = request.user
    if user is None:
        user = pending_user(request)
        if user is not None and not must_set_up(request, user):
            return None
    return user


def _setup(request: Request, user: User, form: Form, status: int = 200) -> Response:
    return page(request, SETUP, form, status, **_shown(request, user))


def _shown(request: Request, user: User) -> dict[str, object]:
    secret = request.app.container.get(SecondFactors).secret(request.db_session, user)
    site = request.config.PROJECT_NAME or request.host
    # With a white margin of its own: most readers want one, on dark pages as well.
    drawing = segno.make(totp.address(secret, user.username, site), error="m").svg_inline(
        border=4, light="#fff", svgclass=None, lineclass=None, omitsize=True
    )
    text = totp.base32(secret)
    return {
        "qr_svg": Markup(drawing),  # noqa: S704 - drawn here, of our own numbers
        "secret": " ".join(text[start : start + 4] for start in range(0, len(text), 4)),
        "mandatory": must_set_up(request, user),
    }


def _protected(request: Request, user: User) -> Response | None:
    """Return the page again when the password that was sent along isn't the user's, or None."""
    form = SecondFactorRemoveForm(data=request.form)
    if not form.is_valid():
        return _status(request, user, form, 400)
    if not needs_code(request, user):
        return see(request, "web_second_factor_status")
    try:
        right = check_own_password(request, user, form.cleaned_data["current_password"])
    except TooManyRequests as error:
        return too_many(request, STATUS, form, error, **_state(request, user))
    return None if right else _status(request, user, _wrong_password(form), 403)


def _wrong_password(form: Form) -> Form:
    return refused(form, WRONG_PASSWORD, "wrong_password", "current_password")


def _status(request: Request, user: User, form: Form, status: int = 200) -> Response:
    return page(request, STATUS, form, status, **_state(request, user))


def _state(request: Request, user: User) -> dict[str, object]:
    factors = request.app.container.get(SecondFactors)
    return {
        "enabled": factors.is_on(request.db_session, user),
        "codes_left": factors.codes_left(request.db_session, user),
    }
