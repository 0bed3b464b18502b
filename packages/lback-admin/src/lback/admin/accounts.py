"""Users, groups and permissions in the admin, and the rules by which nobody gains or gives rights they don't have."""

from typing import TYPE_CHECKING, Any

from lback.admin.access import is_superuser
from lback.admin.model_admin import ModelAdmin
from lback.auth.models import Group, User, UserPermission
from lback.core.request import Request

if TYPE_CHECKING:
    from lback.forms.models import ModelForm

OWN_RIGHTS = ("is_active", "is_staff", "is_superuser")


def is_superuser_group(request: Request, name: str | None) -> bool:
    """Tell whether a group of that name makes its members superusers, or looks as if it did."""
    return (name or "").strip().casefold() == str(request.config.SUPERUSER_GROUP).casefold()


class UserAdmin(ModelAdmin):
    """The pages of users."""

    section = "Accounts"
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login_at")
    search_fields = ("username", "email")
    list_filter = ("is_active", "is_staff", "is_superuser")
    readonly_fields = ("email_verified_at", "last_login_at", "created_at")
    exclude = ("updated_at",)

    def may_change(self, request: Request, instance: Any) -> bool:
        """Tell whether the account is within reach: one with rights that the user lacks is not.

        Whoever could set its password would have them.
        """
        if is_superuser(request.user):
            return True
        return not _is_powerful(request, instance) and instance.permission_names <= request.user.permission_names

    def may_delete(self, request: Request, instance: Any) -> bool:
        """Tell the same of deleting, where nobody's own account is within reach."""
        return instance is not request.user and self.may_change(request, instance)

    def get_readonly_fields(self, request: Request, instance: Any | None) -> tuple[str, ...]:
        """Return what the form only shows: flags that are not the user's to give, and rights of their own."""
        powerful = is_superuser(request.user)
        if instance is not None and instance is request.user:
            fixed = OWN_RIGHTS if powerful else (*OWN_RIGHTS, "groups")
            return (*fixed, *self.readonly_fields)
        return self.readonly_fields if powerful else ("is_superuser", *self.readonly_fields)

    def get_form_class(self, request: Request, instance: Any | None) -> "type[ModelForm]":
        """Return the form with a password, and with the groups that the user may give."""
        from lback.admin.account_forms import user_form

        return user_form(self, request, instance)

    def save_form(self, request: Request, form: Any) -> Any:
        """Write the user down. Whoever changes their own password stays logged in."""
        from lback.auth.sessions import login

        user = super().save_form(request, form)
        if user is request.user and form.cleaned_data.get("new_password"):
            login(request, user)
        return user


class GroupAdmin(ModelAdmin):
    """The pages of groups."""

    section = "Accounts"
    list_display = ("name", "description")
    ordering = ("name",)
    exclude = ("users", "created_at", "updated_at")

    def may_change(self, request: Request, instance: Any) -> bool:
        """Tell whether the group is within reach: that of the superusers is not, nor one with rights the user lacks."""
        if is_superuser(request.user):
            return True
        given = {permission.name for permission in instance.permissions}
        return not is_superuser_group(request, instance.name) and given <= request.user.permission_names

    def may_delete(self, request: Request, instance: Any) -> bool:
        """Tell the same of deleting."""
        return self.may_change(request, instance)

    def get_form_class(self, request: Request, instance: Any | None) -> "type[ModelForm]":
        """Return the form, with the permissions and the names that the user may give."""
        from lback.admin.account_forms import group_form

        return group_form(self, request, instance)


class UserPermissionAdmin(ModelAdmin):
    """The pages of permissions. Groups take them up, not they the groups."""

    section = "Accounts"
    list_display = ("name", "description")
    ordering = ("name",)
    exclude = ("groups", "created_at", "updated_at")

    def may_change(self, request: Request, instance: Any) -> bool:
        """Tell whether the permission may get another name, which would give its holders other rights."""
        return is_superuser(request.user)


ACCOUNTS: tuple[tuple[type, type[ModelAdmin]], ...] = (
    (User, UserAdmin),
    (Group, GroupAdmin),
    (UserPermission, UserPermissionAdmin),
)


def _is_powerful(request: Request, user: User) -> bool:
    """Tell whether somebody is a superuser, or would be one as soon as the account is activated."""
    return bool(user.is_superuser) or any(is_superuser_group(request, group.name) for group in user.groups)
