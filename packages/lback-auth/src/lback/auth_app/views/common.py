"""What the views of the pages share."""

from typing import Any

from lback.core.exceptions import TooManyRequests, ValidationError
from lback.core.request import Request
from lback.core.response import RedirectResponse, Response
from lback.forms.forms import Form
from lback.security.csrf import get_token
from lback.security.redirects import safe_redirect_target
from lback.utils.shortcuts import render

TOO_MANY = "There were too many attempts. Wait a few minutes, and try again."


def page(request: Request, template: str, form: Form | None = None, status: int = 200, **context: Any) -> Response:
    """Return a page with what all of them get: ``form``, ``csrf_token`` and ``flash_messages``."""
    values = {
        "form": form,
        "csrf_token": get_token(request),
        "flash_messages": request.session.get_flashed_messages(),
        **context,
    }
    response = render(request, template, values, status)
    # Pages about accounts are nobody else's, and an address with a token in it is for no other site. With no referrer
    # at all, browsers would call the origin of a form "null", and older ones say nothing more about it.
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def refused(form: Form, message: str, code: str, field: str | None = None) -> Form:
    """Return the form with a sentence by a field, or on top."""
    form.add_error(field, ValidationError(message, code))
    return form


def too_many(request: Request, template: str, form: Form, error: TooManyRequests, **context: Any) -> Response:
    """Return the page again with the status 429, and when to come back."""
    response = page(request, template, refused(form, TOO_MANY, "too_many_attempts"), 429, **context)
    response.headers.update(error.headers)
    return response


def see(request: Request, name: str, **params: Any) -> Response:
    """Send the browser to one of the pages, with a GET."""
    return RedirectResponse(request.url_for(name, **params), 303)


def target(request: Request, usual: str | None = None) -> str:
    """Return where to go on: to what the visitor asked for if it is on this site, or else to the usual page.

    Args:
        request: It may have ``next``.
        usual: A path, that of ``LOGIN_REDIRECT_URL`` unless given.
    """
    wanted = request.POST.get("next") or request.GET.get("next")
    return safe_redirect_target(request, wanted, request.config.LOGIN_REDIRECT_URL if usual is None else usual)
