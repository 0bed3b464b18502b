"""The forms of users and groups."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from lback.admin.access import is_superuser
from lback.admin.forms import generated_form
from lback.admin.model_admin import ModelAdmin
from lback.auth.models import Group, User, UserPermission
from lback.auth.names import normal_email, normal_username
from lback.auth.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH, validate_password
from lback.core.exceptions import ValidationError
from lback.core.request import Request
from lback.forms.fields import CharField, EmailField
from lback.forms.models import ModelForm
from lback.forms.models_relations import ModelMultipleChoiceField
from lback.forms.widgets import PasswordInput


class UserForm(ModelForm):
    """A user; the password is set, and never shown."""

    email = EmailField(required=False, label="E-mail address")

    def clean_username(self, value: str) -> str:
        """Return the name in its normal form, if nobody else has it in whatever case."""
        name = normal_username(value)
        own = getattr(self.instance, "id", None)
        holders = self.db_session.scalars(select(User.id).where(func.lower(User.username) == name.lower()))
        if any(holder != own for holder in holders):
            raise ValidationError("There is a user named %(name)s already.", "username_taken", {"name": name})
        return name

    def clean_email(self, value: str) -> str | None:
        """Return the address in its normal form; none at all is None, of which there may be many."""
        return normal_email(value) if value else None

    def clean_new_password(self, value: str) -> str:
        """Hold a new password against the rules; an empty one leaves the old."""
        if value:
            validate_password(value)
        return value

    def save(self, db_session: Any = None, commit: bool = True) -> Any:
        """Write the user down, with a hash of the password if there is a new one.

        An address that staff enters counts as confirmed.
        """
        password = self.cleaned_data.get("new_password")
        before = getattr(self.instance, "email", None)
        user = super().save(db_session, commit=False)
        if user.email != before:
            user.email_verified_at = datetime.now(UTC) if user.email else None
        if password:
            user.set_password(password)
        return user


class GroupForm(ModelForm):
    """A group; `reserved` is the name that only superusers may give."""

    reserved = ""

    def clean_name(self, value: str) -> str:
        """Refuse the name of the group of superusers, however it is written."""
        if self.reserved and value.strip().casefold() == self.reserved:
            raise ValidationError("Only a superuser may give a group this name.", "reserved_name")
        return value


def user_form(described: ModelAdmin, request: Request, instance: Any | None) -> type[ModelForm]:
    """Return the form for a user, with the groups that whoever is logged in may give."""
    new = instance is None
    fields: dict[str, Any] = {
        "new_password": CharField(
            required=new,
            strip=False,
            max_length=MAXIMUM_LENGTH,
            label="Password" if new else "New password",
            help_text=f"At least {MINIMUM_LENGTH} characters."
            + ("" if new else " Leave it empty to keep the old one. A new one ends all sessions of the user."),
            widget=PasswordInput(attrs={"autocomplete": "new-password"}),
        )
    }
    if "groups" not in described.get_readonly_fields(request, instance):
        groups = select(Group).order_by(Group.name)
        if not is_superuser(request.user):
            beyond = Group.permissions.any(UserPermission.name.not_in(request.user.permission_names))
            reserved = func.lower(Group.name) == str(request.config.SUPERUSER_GROUP).lower()
            groups = groups.where(~reserved, ~beyond)
        fields["groups"] = ModelMultipleChoiceField(Group, query=groups, required=False)
    return generated_form(described, request, instance, UserForm, fields)


def group_form(described: ModelAdmin, request: Request, instance: Any | None) -> type[ModelForm]:
    """Return the form for a group, with the permissions that whoever is logged in may give: those they have."""
    if is_superuser(request.user):
        return generated_form(described, request, instance, GroupForm, {})
    own = select(UserPermission).where(UserPermission.name.in_(request.user.permission_names))
    fields = {
        "reserved": str(request.config.SUPERUSER_GROUP).casefold(),
        "permissions": ModelMultipleChoiceField(
            UserPermission, query=own.order_by(UserPermission.name), required=False
        ),
    }
    return generated_form(described, request, instance, GroupForm, fields)
