"""What is written down about accounts: logins, events, second factors and counted attempts. No secret is in clear."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from lback.auth.names import EMAIL_LENGTH
from lback.models.base import Base, utc_now
from lback.models.types import UTCDateTime

# An address of IPv6 with an IPv4 tail has 45 characters.
ADDRESS_LENGTH = 45
AGENT_LENGTH = 200
EVENT_LENGTH = 40
REASON_LENGTH = 60


class Login(Base):
    """Somebody is logged in somewhere: in a browser by a session, or in a program by tokens.

    A request is the user's only while this row is there: deleting it ends the session, or the tokens, at once.
    """

    __tablename__ = "auth_logins"

    #: Random, and no secret: it is worth nothing without the session's cookie or a signed token.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: ``session`` or ``token``.
    kind: Mapped[str] = mapped_column(String(10))
    #: Changes with the password; see `lback.auth.logins.fingerprint`.
    fingerprint: Mapped[str] = mapped_column(String(64))
    #: The hash of the id of the one refresh token that counts.
    refresh_hash: Mapped[str | None] = mapped_column(String(64))
    ip: Mapped[str] = mapped_column(String(ADDRESS_LENGTH), default="")
    user_agent: Mapped[str] = mapped_column(String(AGENT_LENGTH), default="")
    made_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    used_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class AuthEvent(Base):
    """Something that happened to an account: who, what, when and from where.

    The user's key has no foreign key, and the name is kept as text: the row outlives the account.
    """

    __tablename__ = "auth_events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    happened_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now, index=True)
    #: The name of the signal, such as ``user_login_failed``.
    event: Mapped[str] = mapped_column(String(EVENT_LENGTH))
    user_id: Mapped[int | None] = mapped_column(index=True)
    #: The name of the account, or what was entered where there is none.
    username: Mapped[str] = mapped_column(String(EMAIL_LENGTH), default="")
    reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="")
    ip: Mapped[str] = mapped_column(String(ADDRESS_LENGTH), default="")
    user_agent: Mapped[str] = mapped_column(String(AGENT_LENGTH), default="")


class SecondFactor(Base):
    """The authenticator app of a user.

    The secret that the app has is not here: it is made from this salt with a key that comes from ``SECRET_KEY``.
    """

    __tablename__ = "auth_second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    salt: Mapped[str] = mapped_column(String(64))
    #: None until the first code has shown that the app has the secret.
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: The time step of the last code that was accepted: none is accepted twice.
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    """A code that stands in for the authenticator app, once. Kept as a hash with a key."""

    __tablename__ = "auth_recovery_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class AttemptCounter(Base):
    """How often something was tried, where no Redis counts; see `lback.auth.throttling`."""

    __tablename__ = "auth_attempts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    total: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
