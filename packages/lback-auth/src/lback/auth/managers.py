"""`UserManager` and `AdminUserManager`: finding users, making them, and checking who they are."""

import unicodedata
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lback.auth.models import Group, User
from lback.auth.names import EMAIL_LENGTH, folded_email, normal_email, normal_username
from lback.auth.passwords import hash_password, needs_upgrade, validate_password, verify_password
from lback.core.exceptions import ValidationError

BASIC_GROUP = "basic_user"


class UserManager:
    """Makes and finds the users of a site. Every method takes the database session to work in; none commits.

    Args:
        confirmed_only: Whether users with an address have to confirm it before they can log in
            (``REQUIRE_CONFIRMED_EMAIL``).
    """

    def __init__(self, confirmed_only: bool = True) -> None:
        self.confirmed_only = confirmed_only

    def find(self, db: Session, identifier: str) -> User | None:
        """Return the user with this name or e-mail address, or None.

        A name never holds an ``@``, so nobody can call themselves by another user's address.
        """
        if not identifier or len(identifier) > EMAIL_LENGTH:
            return None
        if "@" in identifier:
            return db.scalar(select(User).where(User.email == folded_email(identifier)))
        return db.scalar(select(User).where(User.username == unicodedata.normalize("NFKC", identifier)))

    def authenticate(self, db: Session, identifier: str, password: str) -> User | None:
        """Return the user whose name (or e-mail address) and password these are, if they may log in, or None.

        One hash is computed whether the account exists, is deactivated or not confirmed yet, or the password is wrong,
        so that the time tells nothing. A hash of an older kind is made anew.

        A view of a login uses `lback.auth.authentication.check_password`, which also counts the attempts.
        """
        user = self.identify(db, identifier, password)
        return user if user is not None and self.admits(user) else None

    def identify(self, db: Session, identifier: str, password: str) -> User | None:
        """Return the active user whose name (or e-mail address) and password these are, or None.

        That somebody knows the password is not all that a login needs: see `admits`.
        """
        began = not db.in_transaction()
        user = self.find(db, identifier)
        user_id, encoded = (user.id, user.password_hash) if user is not None else (None, "")
        if began:
            # A hash takes long. The transaction is given back before, or on SQLite nobody could write meanwhile.
            db.rollback()
        if not verify_password(password, encoded) or user_id is None:
            return None
        user = db.get(User, user_id)
        if user is None or not compare_digest(user.password_hash, encoded) or not user.is_active:
            return None
        if needs_upgrade(encoded) and self.admits(user):
            user.set_password(password)
        return user

    def admits(self, user: User) -> bool:
        """Tell whether this user may log in at all: not when deactivated, or with an address that is not confirmed."""
        return user.is_active and (not self.confirmed_only or user.email is None or user.email_verified_at is not None)

    def register(self, db: Session, username: str, email: str, password: str) -> User | None:
        """Make the user who registers, a member of the group ``basic_user``, whose address is yet to be confirmed.

        One hash is computed whether or not the address is taken, so that the time doesn't tell.

        Returns:
            The user, or None when another one has the address already: that is for its owner to know, not for whoever
            registers.

        Raises:
            ValidationError: A value is not acceptable, or the name is taken; the code says which.
        """
        name, address = normal_username(username), normal_email(email)
        self.check_free(db, name)
        validate_password(password)
        if db.scalar(select(User.id).where(User.email == address)) is not None:
            hash_password(password)
            return None
        try:
            with db.begin_nested():
                user = User(username=name, email=address, password_hash=hash_password(password))
                user.groups.append(_basic_group(db))
                db.add(user)
        except IntegrityError:
            # Somebody else was quicker: with the name, or else with the address.
            self.check_free(db, name)
            return None
        return user

    def create(self, db: Session, username: str, password: str, email: str | None = None, **flags: Any) -> User:
        """Make a user.

        Args:
            db: Where the user is added, and flushed, so that it has an id.
            username: Three to 150 characters; see `lback.auth.names.normal_username`.
            password: Held against `lback.auth.passwords.validate_password`.
            email: The address, or None. It counts as confirmed: whoever makes accounts for others knows it.
            flags: Further columns of `User`, such as ``is_staff``.

        Raises:
            ValidationError: A value is not acceptable, or the name or address is taken; the code says which.
        """
        user = User(username=username, email=email, **flags)
        if user.email is not None:
            user.email_verified_at = datetime.now(UTC)
        self.check_free(db, user.username, user.email)
        validate_password(password)
        user.set_password(password)
        db.add(user)
        db.flush()
        return user

    def change_password(self, user: User, password: str) -> None:
        """Set another password, which ends every login of the user.

        Raises:
            ValidationError: It is not acceptable.
        """
        validate_password(password)
        user.set_password(password)

    def check_free(self, db: Session, username: str, email: str | None = None) -> None:
        """Raise when another user has the name, in whatever case, or the address.

        Raises:
            ValidationError: With the code ``username_taken`` or ``email_taken``.
        """
        same = func.lower(User.username) == username.lower()
        taken = db.execute(
            select(User.username, User.email).where(or_(same, User.email == email) if email else same)
        ).first()
        if taken is None:
            return
        if taken.username.lower() == username.lower():
            raise ValidationError("There is a user named %(name)s already.", "username_taken", {"name": username})
        raise ValidationError("There is a user with this e-mail address already.", "email_taken")


class AdminUserManager(UserManager):
    """The same for members of staff, the users who may enter the admin. They are in the one table of users."""

    def admits(self, user: User) -> bool:
        """Tell whether this user may log in to the admin."""
        return super().admits(user) and (user.is_staff or user.bypasses_permissions)

    def create(self, db: Session, username: str, password: str, email: str | None = None, **flags: Any) -> User:
        """Make a member of staff; with ``is_superuser=True`` one who may do everything."""
        return super().create(db, username, password, email, **{"is_staff": True, **flags})


def _basic_group(db: Session) -> Group:
    """Return the group of everybody who registers; made where ``init_db`` did not make it."""
    wanted = select(Group).where(Group.name == BASIC_GROUP)
    group = db.scalar(wanted)
    if group is None:
        try:
            with db.begin_nested():
                group = Group(name=BASIC_GROUP, description="Every registered user.")
                db.add(group)
        except IntegrityError:
            group = db.scalars(wanted).one()
    return group
