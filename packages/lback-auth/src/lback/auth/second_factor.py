"""The second factor: an authenticator app, and recovery codes for the day the phone is lost.

The app's secret is not in the database. It is made from a random salt, which is there, with a key that comes from
``SECRET_KEY``; so is the key of the recovery codes' hashes. Before an earlier key leaves ``SECRET_KEY_FALLBACKS``,
users who set theirs up under it have to do so again.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from lback.auth.models import RecoveryCode, SecondFactor, User
from lback.auth.totp import step_of
from lback.core.config import Config
from lback.core.signing import derived_keys

SECRET_BYTES = 20
CODES = 10
# Without letters and digits that are taken for each other; ten of them have 49 bits.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 10
# Longer than any code with the spaces that people type.
LONGEST_ENTRY = 20


class SecondFactors:
    """Sets up, checks and removes the second factor of users. Every method takes the database session; none commits.

    Args:
        config: ``SECRET_KEY`` and its fallbacks are read.
    """

    def __init__(self, config: Config) -> None:
        self._keys = derived_keys(config, "lback.auth.totp")
        self._code_keys = derived_keys(config, "lback.auth.recovery")

    @classmethod
    def from_config(cls, config: Config) -> "SecondFactors":
        """Make it for an application."""
        return cls(config)

    def is_on(self, db: Session, user: User) -> bool:
        """Tell whether the user is asked for a code."""
        found = db.get(SecondFactor, user.id)
        return found is not None and found.confirmed_at is not None

    def codes_left(self, db: Session, user: User) -> int:
        """Return how many recovery codes are unused."""
        count = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user.id)
        return db.scalar(count) or 0

    def secret(self, db: Session, user: User, *, fresh: bool = False) -> bytes:
        """Return the secret for the user's app; made, and not yet asked for at logins, where there is none.

        Args:
            db: The database session.
            user: Whose.
            fresh: Whether to make another one: what somebody else may have seen earlier is worth nothing then.

        Raises:
            ValueError: It was confirmed already: from then on only the app has it.
        """
        factor = db.get(SecondFactor, user.id)
        if factor is None:
            factor = SecondFactor(user_id=user.id, salt=secrets.token_hex(SECRET_BYTES), last_step=0)
            db.add(factor)
            db.flush()
        if factor.confirmed_at is not None:
            raise ValueError(f"The second factor of {user!r} is set up already; remove it first.")
        if fresh:
            factor.salt = secrets.token_hex(SECRET_BYTES)
        return _secret(self._keys[0], factor)

    def confirm(self, db: Session, user: User, code: str) -> list[str] | None:
        """Switch it on if the code shows that the app has the secret; return recovery codes, or None."""
        factor = db.get(SecondFactor, user.id)
        if factor is None or factor.confirmed_at is not None or not self._use_app_code(db, factor, _plain(code)):
            return None
        factor.confirmed_at = datetime.now(UTC)
        return self.new_codes(db, user)

    def accept(self, db: Session, user: User, code: str) -> bool:
        """Tell whether a code is right, of the app or a recovery code; either is worth nothing from then on."""
        factor = db.get(SecondFactor, user.id)
        if factor is None or factor.confirmed_at is None or len(code) > LONGEST_ENTRY:
            return False
        plain = _plain(code)
        if len(plain) == CODE_LENGTH:
            used = delete(RecoveryCode).where(
                RecoveryCode.user_id == user.id, RecoveryCode.code_hash.in_(self._hashes(user, plain))
            )
            return _changed(db.execute(used))
        return self._use_app_code(db, factor, plain)

    def new_codes(self, db: Session, user: User) -> list[str]:
        """Replace the recovery codes; return the new ones, which are not seen again."""
        codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
        db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        rows = [{"user_id": user.id, "code_hash": self._hashes(user, code)[0]} for code in codes]
        db.execute(insert(RecoveryCode), rows)
        half = CODE_LENGTH // 2
        return [f"{code[:half]}-{code[half:]}" for code in codes]

    def remove(self, db: Session, user: User) -> bool:
        """Ask the user for no code any more; tell whether there was a second factor."""
        db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        factor = db.get(SecondFactor, user.id)
        if factor is None:
            return False
        db.delete(factor)
        return factor.confirmed_at is not None

    def _use_app_code(self, db: Session, factor: SecondFactor, code: str) -> bool:
        now = time.time()
        steps = [step_of(_secret(key, factor), code, now) for key in self._keys]
        step = max((step for step in steps if step is not None), default=None)
        if step is None:
            return False
        # In one statement: of two requests with the same code one gets in.
        used = update(SecondFactor).where(SecondFactor.user_id == factor.user_id, SecondFactor.last_step < step)
        return _changed(db.execute(used.values(last_step=step)))

    def _hashes(self, user: User, code: str) -> Sequence[str]:
        message = f"{user.id}:{code}".encode()
        return [hmac.digest(key, message, hashlib.sha256).hex() for key in self._code_keys]


def _secret(key: bytes, factor: SecondFactor) -> bytes:
    return hmac.digest(key, f"{factor.user_id}:{factor.salt}".encode(), hashlib.sha256)[:SECRET_BYTES]


def _plain(code: str) -> str:
    """Return a code without the spaces and hyphens that people write into it."""
    return "".join(code.split()).replace("-", "").lower() if len(code) <= LONGEST_ENTRY else ""


def _changed(result: object) -> bool:
    return int(getattr(result, "rowcount", 0)) > 0
