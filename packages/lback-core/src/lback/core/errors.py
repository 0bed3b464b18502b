"""Errors as responses: pages for people, problem documents (RFC 9457) for programs, reports for developers."""

import logging
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from lback.core.config import Config
from lback.core.exceptions import MESSAGES, HTTPException
from lback.core.payload import dump_json
from lback.core.request import Request
from lback.core.response import HTMLResponse, Response
from lback.core.signals import SignalDispatcher
from lback.core.translations import note_language

if TYPE_CHECKING:
    from lback.core.templating import TemplateRenderer

logger = logging.getLogger("lback.request")


class ErrorHandler:
    """Turns exceptions into responses.

    A project's own ``templates/404.html`` (or ``500.html``, ...) is used where there is one, ``error.html`` otherwise;
    both get ``status``, ``title`` and ``message``. With ``DEBUG`` on, an unexpected exception becomes a report.

    Args:
        config: ``DEBUG`` is read.
        templates: Renders the pages.
        dispatcher: Gets ``error_response_generated`` and ``unhandled_exception_response_generated``.
    """

    def __init__(self, config: Config, templates: "TemplateRenderer", dispatcher: SignalDispatcher) -> None:
        self._debug: bool = config.DEBUG
        self._templates = templates
        self._dispatcher = dispatcher

    def respond(self, request: Request, error: Exception) -> Response:
        """Return the response for an exception; one that is not an `HTTPException` is logged and becomes a 500.

        It always returns one, even when a log handler or the exception itself fails in turn.
        """
        try:
            return self._answer(request, error)
        except Exception:
            # There is nobody left to turn it into a response.
            with suppress(Exception):
                logger.exception("The answer to an error failed.")
            status = error.status if isinstance(error, HTTPException) else 500
            return HTMLResponse(_plain_page(status), status)

    def _answer(self, request: Request, error: Exception) -> Response:
        expected = isinstance(error, HTTPException)
        if isinstance(error, HTTPException):
            response = self._page(request, error)
        else:
            logger.error("%s %r failed.", request.method, request.path, exc_info=error)
            response = self._report(request, error) if self._debug else self._page(request, HTTPException())
        self._announce(request, response, error, expected)
        return response

    def _page(self, request: Request, error: HTTPException) -> Response:
        title = HTTPStatus(error.status).phrase
        if request.wants_json():
            response = _problem(error.status, title, error.message, error.data)
        else:
            response = HTMLResponse(self._rendered(request, error.status, title, error.message), error.status)
        response.headers.update(error.headers)
        language = request.made("language")
        if language is not None:
            note_language(language, request, response, None)
        return response

    def _rendered(self, request: Request, status: int, title: str, message: str) -> str:
        context = {"request": request, "status": status, "title": title, "message": message}
        try:
            template = self._templates.environment.select_template([f"{status}.html", "error.html"])
            return template.render(context)
        except Exception:
            # The page of an error must not fail in turn: the visitor still gets the status and a sentence.
            logger.exception("The template of the error page for %s failed.", status)
            return _plain_page(status)

    def _report(self, request: Request, error: Exception) -> Response:
        from lback.core.debug import html_report, message_of, text_report

        if request.wants_json():
            return _problem(500, "Internal Server Error", f"{type(error).__name__}: {message_of(error)}", {})
        if "text/html" in request.headers.get("Accept", ""):
            try:
                return html_report(self._templates, request, error)
            except Exception:
                logger.exception("The report of the error failed, so it is given as text.")
        return Response(text_report(error, request.config.secrets), 500, content_type="text/plain; charset=utf-8")

    def _announce(self, request: Request, response: Response, error: Exception, expected: bool) -> None:
        send = self._dispatcher.send
        if self._dispatcher.has_receivers("error_response_generated"):
            message = error.message if isinstance(error, HTTPException) else MESSAGES[500]
            send(
                "error_response_generated",
                self,
                request=request,
                response=response,
                status_code=response.status_code,
                error_message=message,
                exception=error,
            )
        if not expected and self._dispatcher.has_receivers("unhandled_exception_response_generated"):
            send(
                "unhandled_exception_response_generated",
                self,
                request=request,
                response=response,
                status_code=response.status_code,
                exception=error,
            )


def _plain_page(status: int) -> str:
    title = f"{status} {HTTPStatus(status).phrase}"
    return f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1>'


def _problem(status: int, title: str, detail: str, data: dict[str, Any]) -> Response:
    document = {**data, "type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(dump_json(document), status, content_type="application/problem+json")
