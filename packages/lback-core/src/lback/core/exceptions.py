"""The exceptions of Lback. This module imports nothing of the framework, so everything may import it.

::

    LbackError
    ├── ConfigurationError       the project can't start; the message says what to change
    ├── ValidationError          a value is not acceptable; forms, serializers and models raise it
    └── HTTPException            a view answers with a status other than 2xx
        ├── BadRequest           400
        ├── Unauthorized         401
        ├── Forbidden            403
        ├── NotFound             404
        ├── MethodNotAllowed     405
        ├── PayloadTooLarge      413
        ├── UnsupportedMediaType 415
        ├── TooManyRequests      429
        └── ServiceUnavailable   503
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

# What a visitor reads where nobody wrote something for the case.
MESSAGES = {
    400: "The request can't be understood.",
    401: "Log in first.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    405: "This address does not answer that method.",
    413: "What was sent is too large.",
    415: "What was sent is of a kind that is not read here.",
    429: "Too many requests. Wait a little, and try again.",
    500: "Something went wrong here. It has been written down.",
    503: "Something that is needed is away for the moment. Try again soon.",
}


class LbackError(Exception):
    """The base of every exception that Lback raises on purpose."""


class ConfigurationError(LbackError):
    """The settings, an app, a route or a middleware is wrong, and the application can't start."""


class ValidationError(LbackError, ValueError):
    """A value that is not acceptable.

    Args:
        message: What is wrong, for the person who entered the value. ``%(name)s`` is filled from `params`.
        code: A short name of the rule, such as ``"max_length"``, for programs.
        params: The values the message mentions.
    """

    def __init__(self, message: str, code: str | None = None, params: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, code, params)
        self.template = message
        self.code = code
        self.params = params

    @property
    def message(self) -> str:
        """The message with its parameters filled in."""
        return self.template % self.params if self.params else self.template

    def __str__(self) -> str:
        return self.message


class HTTPException(LbackError):
    """An answer with an error status, raised instead of returned.

    Args:
        message: One sentence for the client. Empty means the usual one of the status.
        status: The HTTP status; a subclass has its own.
        headers: Further response headers, such as ``{"Retry-After": "5"}``.
        data: Facts for programs, added to the problem document that JSON clients get.

    Example:
        ``raise NotFound("There is no course with that number.")``
    """

    status: int = 500

    def __init__(
        self,
        message: str = "",
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        if status is not None:
            self.status = HTTPStatus(status).value
        self.message = message or MESSAGES.get(self.status) or HTTPStatus(self.status).phrase
        self.headers = dict(headers or {})
        self.data = dict(data or {})
        super().__init__(self.message)


class BadRequest(HTTPException):
    """400: the request can't be understood."""

    status = 400


class Unauthorized(HTTPException):
    """401: the request carries no valid credentials."""

    status = 401


class Forbidden(HTTPException):
    """403: the user is known, and may not do this."""

    status = 403


class NotFound(HTTPException):
    """404: there is nothing at this address."""

    status = 404


class MethodNotAllowed(HTTPException):
    """405: the address exists, but not for this method.

    Args:
        allowed: The methods that it does answer; they go into the ``Allow`` header.
    """

    status = 405

    def __init__(self, allowed: Iterable[str], message: str = "") -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(message, headers={"Allow": ", ".join(self.allowed)})


class PayloadTooLarge(HTTPException):
    """413: the body, or a part of it, is over a limit."""

    status = 413


class UnsupportedMediaType(HTTPException):
    """415: the body has a content type that this address does not read."""

    status = 415


class TooManyRequests(HTTPException):
    """429: the client is over its rate limit."""

    status = 429


class ServiceUnavailable(HTTPException):
    """503: something the answer needs is away for now."""

    status = 503
