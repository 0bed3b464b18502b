"""How often somebody may try: passwords, codes, registrations and mails, counted for all workers together.

The counters are in Redis where ``CACHE_URL`` names one, and in the table ``auth_attempts`` otherwise.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from lback.auth.models import AttemptCounter
from lback.core.cache import scheme_of
from lback.core.config import Config
from lback.core.container import Container
from lback.core.exceptions import ConfigurationError
from lback.core.limiting import Counters, LimitStore, RateLimiter
from lback.core.request import Request
from lback.models.database import DatabaseManager
from lback.models.middleware import is_away
from lback.security.addresses import client_key

#: How many in how long. Refused passwords and codes count, accepted ones don't; of the others all count.
LIMITS: Mapping[str, str] = {
    "login_ip": "50/5 minutes",
    "login_account": "10/15 minutes",
    "code_account": "10/15 minutes",
    "register_ip": "20/hour",
    "register_name": "1/day",
    "mail_ip": "20/hour",
    "mail_account": "5/hour",
}
# How many new counters a process makes before it deletes the old ones again.
PURGE_EVERY = 100
# How often a counter is tried whose row another worker changes at the same moment.
ATTEMPTS = 5


class Throttle:
    """The limits of ``AUTH_LIMITS``.

    Args:
        counters: Where it is counted.
        limits: The setting: some of the names in `LIMITS`, with other limits.

    Raises:
        ConfigurationError: There is no limit of that name, or it can't be read.
    """

    def __init__(self, counters: Counters, limits: Mapping[str, str]) -> None:
        unknown = sorted(limits.keys() - LIMITS.keys())
        if unknown:
            raise ConfigurationError(f"AUTH_LIMITS has no {', '.join(unknown)}; it has {', '.join(LIMITS)}.")
        self._limiters = {
            name: RateLimiter(counters, limit, f"auth/{name}", fail_closed=True)
            for name, limit in {**LIMITS, **limits}.items()
        }

    @classmethod
    def from_container(cls, container: Container) -> "Throttle":
        """Make it for an application, as its settings say."""
        config = container.get(Config)
        counters: Counters
        if scheme_of(config.CACHE_URL) == "memory":
            counters = DatabaseCounters(container.get(DatabaseManager))
        else:
            counters = container.get(LimitStore)
        return cls(counters, config.AUTH_LIMITS)

    def count(self, request: Request, name: str, key: str) -> None:
        """Count one, in a transaction of its own: on SQLite the request must not have one that writes.

        Args:
            request: What is refused when that is too many.
            name: Of `LIMITS`.
            key: Whose it is.

        Raises:
            TooManyRequests: It is over the limit; ``Retry-After`` says how long.
            ServiceUnavailable: Nobody can count for now.
        """
        self._limiters[name].check(request, key)

    def allows(self, name: str, key: str) -> bool:
        """Count one, and tell whether that is within the limit; where nobody can count, it isn't."""
        return self._limiters[name].hit(key).allowed

    def count_client(self, request: Request, name: str) -> None:
        """Count one for the address that the request comes from; see `count`."""
        self.count(request, name, client_key(request.remote_addr))

    def forgive(self, request: Request, name: str, key: str) -> None:
        """Take one back when the request's work is done."""
        request.auth_journal.afterwards.append(lambda: self._limiters[name].take_back(key))

    def forgive_client(self, request: Request, name: str) -> None:
        """Take one back for the address that the request comes from."""
        self.forgive(request, name, client_key(request.remote_addr))


class DatabaseCounters:
    """Counters in the database, each changed by one statement, so that no two workers count over each other.

    Args:
        database: Where the table is.
    """

    def __init__(self, database: DatabaseManager) -> None:
        self._database = database
        self._made = 0

    def add(self, key: str, seconds: int, amount: int = 1) -> int:
        """Add to a counter that lives for some seconds; return the sum."""
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        for attempt in range(ATTEMPTS):
            try:
                return self._added(name, seconds, amount)
            except (IntegrityError, OperationalError) as error:
                # Another worker has made the row in between, or MariaDB undid one of two that waited for each other.
                away = isinstance(error, OperationalError) and is_away(error)
                if away or attempt + 1 == ATTEMPTS:
                    raise
        raise AssertionError("The last attempt returns or raises.")

    def _added(self, name: str, seconds: int, amount: int) -> int:
        of_name = AttemptCounter.key == name
        with self._database.transaction() as db:
            # Looked for first: MariaDB locks what is beside a row that an UPDATE doesn't find.
            if db.scalar(select(AttemptCounter.total).where(of_name)) is not None:
                db.execute(update(AttemptCounter).where(of_name).values(total=AttemptCounter.total + amount))
                return db.execute(select(AttemptCounter.total).where(of_name)).scalar_one()
            expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
            db.execute(insert(AttemptCounter).values(key=name, total=amount, expires_at=expires_at))
        self._made += 1
        if self._made % PURGE_EVERY == 0:
            with self._database.transaction() as db:
                db.execute(delete(AttemptCounter).where(AttemptCounter.expires_at <= datetime.now(UTC)))
        return amount
