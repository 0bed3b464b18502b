"""What happens to accounts: a signal at once, and a row in the table ``auth_events`` when the request's work is done.

The rows are written after the transaction of the request has ended, in one of their own: a view that is rolled back,
as a refused login is, does not take them with it.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lback.auth.logins import agent_of
from lback.auth.models import AuthEvent, User
from lback.auth.models.records import ADDRESS_LENGTH, EVENT_LENGTH, REASON_LENGTH
from lback.auth.names import EMAIL_LENGTH
from lback.core.request import Request
from lback.core.signals import dispatcher
from lback.models.database import DatabaseManager

if TYPE_CHECKING:
    from lback.core.response import Response

logger = logging.getLogger("lback.auth")


class Journal:
    """What a request has to write down about accounts when its own work is done; a component of the request."""

    def __init__(self) -> None:
        self.rows: list[AuthEvent] = []
        self.afterwards: list[Callable[[], object]] = []

    def write(self, database: DatabaseManager) -> None:
        """Write the rows down, and do what else was left for then."""
        if self.rows:
            with database.transaction() as db:
                db.add_all(self.rows)
        for function in self.afterwards:
            try:
                function()
            except Exception:
                # The login has succeeded: that one attempt stays counted is no reason to refuse it now.
                logger.exception("What was left to do after an event of an account failed.")


def finish(journal: Journal, request: Request, response: "Response | None", error: BaseException | None) -> None:
    """Write the journal once all other components have ended: SQLite lets one writer in at a time."""
    try:
        request.finish(response, error)
    finally:
        journal.write(request.app.container.get(DatabaseManager))


def announce(
    request: Request, event: str, sender: object, *, user: User | None = None, reason: str = "", **facts: Any
) -> None:
    """Send a signal and have it written down.

    Args:
        request: Where it happened.
        event: The name of the signal.
        sender: Who sends it.
        user: Whom it is about; sent along where there is one.
        reason: Why, as a short word; sent along unless empty.
        facts: What else the signal carries; ``username``, what was entered, is kept where there is no user.
    """
    record(request, event, user=user, username=facts.get("username", ""), reason=reason)
    if user is not None:
        facts["user"] = user
    if reason:
        facts["reason"] = reason
    dispatcher.send(event, sender, request=request, **facts)


def record(request: Request, event: str, *, user: User | None = None, username: str = "", reason: str = "") -> None:
    """Have an event written down without a signal."""
    entry = AuthEvent(
        event=event[:EVENT_LENGTH],
        reason=reason[:REASON_LENGTH],
        ip=request.remote_addr[:ADDRESS_LENGTH],
        user_agent=agent_of(request),
    )
    if user is None:
        entry.username = "".join(character for character in username[:EMAIL_LENGTH] if character.isprintable())
    else:
        entry.user_id, entry.username = user.id, user.username
    request.auth_journal.rows.append(entry)
