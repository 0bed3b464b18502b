"""Who may do what in the admin. Every view asks here, and nowhere else."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from lback.admin.model_admin import ModelAdmin
from lback.admin.registry import admin
from lback.core.exceptions import Forbidden, NotFound
from lback.core.request import SAFE_METHODS, Request
from lback.core.response import RedirectResponse, Response

ACTIONS = ("view", "add", "change", "delete")


def is_staff(user: Any) -> bool:
    """Tell whether somebody may enter the admin: an active account of the staff, or of a superuser."""
    return user is not None and bool(user.is_active) and (bool(user.is_staff) or is_superuser(user))


def is_superuser(user: Any) -> bool:
    """Tell whether somebody may do everything: by the flag, or by the group of superusers."""
    return user is not None and bool(user.is_active) and bool(user.bypasses_permissions)


def may(request: Request, action: str, described: ModelAdmin) -> bool:
    """Tell whether the user may do something with a model: one of `ACTIONS`, by the permission ``view_course``.

    Who may change rows may also look at them.
    """
    user = request.user
    if not is_staff(user):
        return False
    if is_superuser(user) or user.has_permission(f"{action}_{described.name}"):
        return True
    return action == "view" and bool(user.has_permission(f"change_{described.name}"))


def staff_only(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let only the staff through to a view; others are sent to the login of the admin, or refused."""

    @wraps(view)
    def guarded(request: Request, **params: Any) -> Response:
        user = request.user
        if user is None or not user.is_active:
            back = request.full_path if request.method in SAFE_METHODS else None
            return RedirectResponse(request.url_for("admin_login_page", next=back), 303 if back is None else 302)
        if not is_staff(user):
            raise Forbidden("This part of the site is for its staff.")
        return view(request, **params)

    return guarded


def model_for(request: Request, model_name: str, action: str) -> ModelAdmin:
    """Return the model that an address names, if the user may do `action` with it.

    It is asked before any row is looked for, so that the answer doesn't tell which rows exist.

    Raises:
        NotFound: No such model is registered.
        Forbidden: The user lacks the permission.
    """
    described = admin.get(model_name)
    if described is None:
        raise NotFound("The admin has no such model.")
    if not may(request, action, described):
        raise Forbidden(f"Your account has no permission to {action} {described.plural_label.lower()}.")
    return described
