"""`UserManager` and `AdminUserManager`: finding users, making them, and checking who they are."""

import unicodedata
from hmac import compare_digest
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from lback.auth.models import User
from lback.auth.names import EMAIL_LENGTH, folded_email
from lback.auth.passwords import needs_upgrade, validate_password, verify_password
from lback.core.exceptions import ValidationError


class UserManager:
    """Makes and finds the users of a site. Every method takes the database session to work in; none commits."""

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
        """Return the active user whose name (or e-mail address) and password these are, or None.

        One hash is computed whether the account exists, is deactivated, or the password is wrong, so that the time
        tells nothing. A hash of an older kind is made anew.
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
        if user is None or not compare_digest(user.password_hash, encoded) or not self.admits(user):
            return None
        if needs_upgrade(encoded):
            user.set_password(password)
        return user

    def admits(self, user: User) -> bool:
        """Tell whether this user may log in at all."""
        return user.is_active

    def create(self, db: Session, username: str, password: str, email: str | None = None, **flags: Any) -> User:
        """Make a user.

        Args:
            db: Where the user is added, and flushed, so that it has an id.
            username: Three to 150 characters; see `lback.auth.names.normal_username`.
            password: Held against `lback.auth.passwords.validate_password`.
            email: The address, or None.
            flags: Further columns of `User`, such as ``is_staff``.

        Raises:
            ValidationError: A value is not acceptable, or the name or address is taken; the code says which.
        """
        user = User(username=username, email=email, **flags)
        self.check_free(db, user.username, user.email)
        validate_password(password)
        user.set_password(password)
        db.add(user)
        db.flush()
        return user

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
        return user.is_active and (user.is_staff or user.bypasses_permissions)

    def create(self, db: Session, username: str, password: str, email: str | None = None, **flags: Any) -> User:
        """Make a member of staff; with ``is_superuser=True`` one who may do everything."""
        return super().create(db, username, password, email, **{"is_staff": True, **flags})
