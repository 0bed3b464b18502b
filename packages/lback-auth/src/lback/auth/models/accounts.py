"""Users, groups and permissions.

A group is a role: it holds permissions, and a user has the permissions of all groups they are in.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    String,
    Table,
    delete,
    event,
    inspect,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session, relationship, validates

from lback.auth.models.records import Login, SecondFactor
from lback.auth.names import EMAIL_LENGTH, USERNAME_LENGTH, normal_email, normal_username
from lback.auth.passwords import hash_password, verify_password
from lback.core.context import current_request
from lback.models.base import BaseModel

DEFAULT_SUPERUSER_GROUP = "admin"
_GRANTS, _GAINED = "_grants", "_gained"
_ENDING_LOGINS = ("password_hash", "is_active", "is_staff", "is_superuser")

user_groups = Table(
    "user_groups_association",
    BaseModel.metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True),
)
group_permissions = Table(
    "group_permissions_association",
    BaseModel.metadata,
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("permission_id", ForeignKey("userpermissions.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class UserPermission(BaseModel):
    """One thing that may be allowed, such as ``blog.add_post``."""

    __tablename__ = "userpermissions"

    name: Mapped[str] = mapped_column(String(150), unique=True)
    description: Mapped[str] = mapped_column(String(255), default="")
    groups: Mapped[list["Group"]] = relationship(
        secondary=group_permissions, back_populates="permissions", passive_deletes=True
    )

    def __str__(self) -> str:
        return self.name


class Group(BaseModel):
    """A role: permissions under one name, for the users who are in the group."""

    __tablename__ = "groups"

    name: Mapped[str] = mapped_column(String(150), unique=True)
    description: Mapped[str] = mapped_column(String(255), default="")
    permissions: Mapped[list[UserPermission]] = relationship(
        secondary=group_permissions, back_populates="groups", passive_deletes=True
    )
    users: Mapped[list["User"]] = relationship(secondary=user_groups, back_populates="groups", passive_deletes=True)

    def __str__(self) -> str:
        return self.name


class User(BaseModel):
    """An account: of a visitor, a member of staff (``is_staff``) or a superuser, who may do everything.

    The password is kept as a hash alone, which neither `repr` nor `to_dict` shows. Setting a user name or an e-mail
    address that is not acceptable raises a `ValidationError`; see `lback.auth.names`.
    """

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(String(USERNAME_LENGTH), unique=True)
    email: Mapped[str | None] = mapped_column(String(EMAIL_LENGTH), unique=True)
    password_hash: Mapped[str] = mapped_column("password", String(128), default="")
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    is_staff: Mapped[bool] = mapped_column(Boolean, default=False)
    is_superuser: Mapped[bool] = mapped_column(Boolean, default=False)
    email_verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_login_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    groups: Mapped[list[Group]] = relationship(secondary=user_groups, back_populates="users", passive_deletes=True)

    def set_password(self, password: str) -> None:
        """Replace the password; every session of the user ends with that.

        The rules for new passwords are checked by `lback.auth.passwords.validate_password`, not here.

        Raises:
            ValidationError: It is longer than 1,024 characters.
        """
        self.password_hash = hash_password(password)

    def check_password(self, password: str) -> bool:
        """Tell whether this is the password. To log somebody in use `lback.auth.managers.UserManager`."""
        return verify_password(password, self.password_hash or "")

    @property
    def bypasses_permissions(self) -> bool:
        """Whether the user may do everything: by the flag ``is_superuser``, or in the group of ``SUPERUSER_GROUP``."""
        return bool(self.is_active) and (bool(self.is_superuser) or _superuser_group() in self._granted()[0])

    def has_permission(self, permission_name: str) -> bool:
        """Tell whether the user has a permission, through a group or as a superuser. Deactivated users have none.

        One query fetches all permissions of the user. They are kept until the object is expired, refreshed, or its
        groups are changed; as every request loads its own user, a permission that was taken away is gone on the next
        request.
        """
        return bool(self.is_active) and (self.bypasses_permissions or permission_name in self._granted()[1])

    @property
    def permission_names(self) -> frozenset[str]:
        """The names of the permissions that the user has through groups, whether the account is active or not."""
        return self._granted()[1]

    def _granted(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the names of the user's groups and permissions."""
        found: tuple[frozenset[str], frozenset[str]] | None = self.__dict__.get(_GRANTS)
        if found is None:
            session = object_session(self)
            found = self._held() if session is None else self._queried(session)
            self.__dict__[_GRANTS] = found
        return found

    def _queried(self, session: Session) -> tuple[frozenset[str], frozenset[str]]:
        rows = session.execute(
            select(Group.name, UserPermission.name)
            .join(user_groups, user_groups.c.group_id == Group.id)
            .outerjoin(group_permissions, group_permissions.c.group_id == Group.id)
            .outerjoin(UserPermission, UserPermission.id == group_permissions.c.permission_id)
            .where(user_groups.c.user_id == self.id)
        ).all()
        return frozenset(group for group, _ in rows), frozenset(name for _, name in rows if name)

    def _held(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the same for a user outside of a database session, from the objects at hand."""
        names = {permission.name for group in self.groups for permission in group.permissions}
        return frozenset(group.name for group in self.groups), frozenset(names)

    @validates("username")
    def _username(self, _key: str, username: str) -> str:
        return normal_username(username)

    @validates("email")
    def _email(self, _key: str, email: str | None) -> str | None:
        # A form has an empty text where there is no address, and two of those would not be unique.
        return normal_email(email) if email else None

    @validates("groups", include_removes=True)
    def _groups_changed(self, _key: str, group: Group, removed: bool) -> Group:
        # A user whom nothing refers to any more is gone by now, which SQLAlchemy is about to say in its own words.
        own = getattr(self, "__dict__", {})
        own.pop(_GRANTS, None)
        if not removed and group.name == _superuser_group():
            own[_GAINED] = True
        return group

    def to_dict(self) -> dict[str, Any]:
        """Return the columns by name, without the password hash."""
        return {name: value for name, value in super().to_dict().items() if name != "password_hash"}

    def __str__(self) -> str:
        return self.username

    def __repr__(self) -> str:
        # From what is loaded, so that it also works once the database session is gone.
        return f"<User {self.__dict__.get('username', '(not loaded)')!r}>"


@event.listens_for(User, "before_update")
def _end_logins(_mapper: object, connection: Connection, user: User) -> None:
    """End every login of a user whose password changes, who is deactivated, or becomes staff or superuser.

    More rights are for who logs in again, with the second factor where the site asks staff for one.
    """
    attributes = inspect(user).attrs
    changed = {name for name in _ENDING_LOGINS if attributes[name].history.has_changes()}
    gained = (user.is_staff and "is_staff" in changed) or (user.is_superuser and "is_superuser" in changed)
    gained = bool(user.__dict__.pop(_GAINED, False)) or gained
    locked_out = "is_active" in changed and not user.is_active
    if gained or locked_out or "password_hash" in changed:
        # A secret that somebody has seen who should not have is not the one that is set up in the end.
        unconfirmed = delete(SecondFactor).where(SecondFactor.user_id == user.id, SecondFactor.confirmed_at.is_(None))
        connection.execute(unconfirmed)
        connection.execute(delete(Login).where(Login.user_id == user.id))


@event.listens_for(User, "expire")
@event.listens_for(User, "refresh")
def _forget_grants(user: User, *_: Any) -> None:
    user.__dict__.pop(_GRANTS, None)


def _superuser_group() -> str:
    request = current_request()
    return str(request.config.SUPERUSER_GROUP) if request is not None else DEFAULT_SUPERUSER_GROUP
