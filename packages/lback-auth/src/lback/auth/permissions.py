"""`PermissionRequired`: a view is only for users with certain permissions."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from lback.auth.events import record
from lback.auth.models import User
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.response import Response
from lback.core.routing import METHODS
from lback.core.signals import dispatcher
from lback.core.views import login_required_response
from lback.utils.shortcuts import return_403

Required = str | Iterable[str]
V = TypeVar("V", bound=Callable[..., Any])

LOGIN_FIRST = "Log in to see this page."
NOT_ALLOWED = "You don't have permission to do that."


class PermissionRequired:
    """A decorator that lets only users with all of the given permissions into a view.

    Anonymous visitors are sent to ``LOGIN_URL``, and come back from there; users who lack a permission get a 403.
    Both find a message. Superusers pass without a check of the single permissions. It decorates functions, methods
    of a class, and whole class views (all of their methods).

    Args:
        required: A permission, a list or set of which the user needs all, or a function that is given the request and
            returns either.

    Raises:
        ConfigurationError: `required` is empty or holds something that is no text, which would let everybody in.

    Example:
        ``@PermissionRequired("blog.view_posts")``
    """

    def __init__(self, required: Required | Callable[[Request], Required]) -> None:
        self._required = required if callable(required) else permission_names(required)

    def __call__(self, view: V) -> V:
        """Return the view with the check in front of it."""
        guarded: V = self._class(view) if isinstance(view, type) else self._function(view)
        return guarded

    def _function(self, view: Any) -> Any:
        position = _request_position(view)

        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            request = kwargs["request"] if "request" in kwargs else args[position]
            refusal = self._refusal(request, view.__name__)
            return view(*args, **kwargs) if refusal is None else refusal

        return checked

    def _class(self, view: Any) -> Any:
        names = ["dispatch"] if hasattr(view, "dispatch") else [method.lower() for method in METHODS]
        found = {name: getattr(view, name) for name in names if hasattr(view, name)}
        if not found:
            raise ConfigurationError(f"{view.__qualname__} has no method that answers requests, such as get or post.")
        # A subclass, so that the undecorated class stays what it was.
        guarded = {name: self._function(method) for name, method in found.items()}
        return type(view)(view.__name__, (view,), {**guarded, "__module__": view.__module__, "__doc__": view.__doc__})

    def _refusal(self, request: Request, name: str) -> Response | None:
        """Return the answer to a user who may not go on, or None."""
        required = permission_names(self._required(request) if callable(self._required) else self._required)
        user: User | None = request.user
        facts = {"request": request, "required_permissions": set(required), "user": user, "view_func_name": name}
        dispatcher.send("permission_check_started", self, **facts)
        if user is not None and all(user.has_permission(permission) for permission in required):
            dispatcher.send("permission_check_succeeded", self, **facts)
            return None
        reason = "user_not_authenticated" if user is None else "permission_missing"
        dispatcher.send("permission_check_failed", self, **facts, reason=reason)
        if user is None:
            return login_required(request)
        if isinstance(user, User):
            # A project may have users of its own making, by another middleware.
            record(request, "permission_check_failed", user=user, reason=name)
        _flash(request, NOT_ALLOWED, "error")
        return return_403(request, NOT_ALLOWED)


def permission_names(required: object) -> frozenset[str]:
    """Return the names of permissions that were given as one text or as several.

    Raises:
        ConfigurationError: There is none, or one is no text: either would let everybody in.
    """
    given = [required] if isinstance(required, str) else required
    names: frozenset[Any] = frozenset(given) if isinstance(given, Iterable) else frozenset()
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError(
            f"PermissionRequired takes a permission such as 'blog.add_post', or a list of them, not {required!r}."
        )
    return names


def login_required(request: Request) -> Response:
    """Return the answer to an anonymous visitor: the way to the login page and back, with a message."""
    if not request.wants_json():
        _flash(request, LOGIN_FIRST, "warning")
    return login_required_response(request)


def _flash(request: Request, message: str, category: str) -> None:
    session = getattr(request, "session", None)
    if session is not None:
        session.set_flash(message, category)


def _request_position(view: Callable[..., Any]) -> int:
    """Return where a function takes the request: second in a method, first otherwise."""
    names = list(inspect.signature(view).parameters)
    if "request" in names:
        return names.index("request")
    return 1 if names and names[0] in ("self", "cls") else 0
