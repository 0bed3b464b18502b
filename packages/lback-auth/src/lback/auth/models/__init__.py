"""The tables of lback-auth: users, groups and permissions, and what is written down about accounts."""

from lback.auth.models.accounts import DEFAULT_SUPERUSER_GROUP, Group, User, UserPermission
from lback.auth.models.records import AttemptCounter, AuthEvent, Login, RecoveryCode, SecondFactor

__all__ = [
    "DEFAULT_SUPERUSER_GROUP",
    "AttemptCounter",
    "AuthEvent",
    "Group",
    "Login",
    "RecoveryCode",
    "SecondFactor",
    "User",
    "UserPermission",
]
