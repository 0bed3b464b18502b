"""What most views end with: a rendered template, a redirect, an error page."""

from collections.abc import Mapping
from typing import Any

from lback.core.exceptions import Forbidden, NotFound
from lback.core.request import Request
from lback.core.response import HTMLResponse, RedirectResponse, Response


def render(
    request: Request, template_name: str, context: Mapping[str, Any] | None = None, status_code: int = 200
) -> HTMLResponse:
    """Return a rendered template as a response.

    The template sees `context`, and ``request``, ``current_user``, ``session``, ``config`` (without secrets),
    ``csrf_token``, ``csrf_input()``, ``csp_nonce``, ``static(path)``, ``url(name)`` and ``messages()``.

    Args:
        request: The request that the page answers.
        template_name: The template, such as ``"course_list.html"``.
        context: The values for it; they go before those named above.
        status_code: The HTTP status.
    """
    values = {"request": request, **context} if context else {"request": request}
    return HTMLResponse(request.app.templates.render(template_name, values), status_code)


def redirect(to_url: str, status_code: int = 302) -> RedirectResponse:
    """Send the browser to another address, given as a path or whole."""
    return RedirectResponse(to_url, status_code)


def return_403(request: Request, message: str = "") -> Response:
    """Return the page for something the user may not do."""
    return request.app.errors.respond(request, Forbidden(message))


def return_404(request: Request, message: str = "") -> Response:
    """Return the page for something that is not there."""
    return request.app.errors.respond(request, NotFound(message))
