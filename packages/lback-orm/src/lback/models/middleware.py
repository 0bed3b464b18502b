"""`SQLAlchemySessionMiddleware`: one database session for each request that asks for one."""

import logging
import sqlite3
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, SessionTransaction

from lback.core.container import Container
from lback.core.exceptions import ServiceUnavailable
from lback.core.middleware import BaseMiddleware
from lback.core.request import SAFE_METHODS, Request
from lback.core.response import Response
from lback.core.signals import dispatcher
from lback.models.database import DatabaseManager

logger = logging.getLogger("lback.models")

WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE")
# Seconds after which a client may come again when all connections are in use.
RETRY_AFTER = "1"


class RequestSession(Session):
    """The session of a request. Once the view's work is `ended`, it notices what is `written` and not committed."""

    ended = False
    written = False


@event.listens_for(RequestSession, "after_begin")
def _watch(session: RequestSession, transaction: SessionTransaction, connection: Connection) -> None:
    # Only what begins after the view is watched, so its own statements cost nothing.
    if not session.ended or transaction.nested:
        return
    session.written = False

    @event.listens_for(connection, "before_cursor_execute")
    def executed(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip()[:7].upper().startswith(WRITES):
            session.written = True


class SQLAlchemySessionMiddleware(BaseMiddleware):
    """Provides ``request.db_session``, and a session to views with a parameter annotated `sqlalchemy.orm.Session`.

    Opened when it is first asked for. Directly after the view, before any ``process_response``, it is committed if the
    status is below 400, and rolled back otherwise and on any exception; a commit that fails makes the answer a 500. It
    is closed when the response has been sent, so a streaming body may go on reading.

    A request with an unsafe method begins an immediate transaction on SQLite; see `lback.models.engines`. When no
    connection comes free in ``DB_POOL_TIMEOUT`` seconds, or the database is away, the answer is a 503 that asks to try
    again.

    Args:
        container: Where the session becomes known as a component.
        db_manager: Where sessions come from.
    """

    def __init__(self, container: Container, db_manager: DatabaseManager) -> None:
        self._database = db_manager
        container.add(DatabaseManager, db_manager, name="db_manager")
        container.add_request(Session, self._open, name="db_session", finish=self._finish, close=_close)

    def process_exception(self, request: Request, exc: Exception) -> Response | None:
        """Turn a database that is away, or has no connection or lock to give for now, into a 503."""
        if isinstance(exc, PoolTimeoutError):
            reason = f"found no free connection to the database: {exc}"
        elif isinstance(exc, DBAPIError) and is_away(exc):
            reason = f"could not reach the database: {str(exc.orig).strip()}"
        else:
            return None
        logger.warning("%s %r %s", request.method, request.path, reason)
        raise ServiceUnavailable(headers={"Retry-After": RETRY_AFTER}) from exc

    def _open(self, request: Request) -> Session:
        # What is first asked for behind the view only reads: waiting for writers there, the request could wait for
        # itself when it writes its session down.
        immediate = request.method not in SAFE_METHODS and not request.answered
        session = RequestSession(self._database.bind_for(immediate=immediate), expire_on_commit=False)
        session.ended = request.answered
        return session

    def _finish(
        self, session: RequestSession, request: Request, response: Response | None, error: BaseException | None
    ) -> None:
        try:
            self._end(session, request, response, error)
        finally:
            session.ended = True
            # What is read from now on must not hold the lock that writers wait for: a body may be sent for minutes.
            session.bind = self._database.bind_for(immediate=False)

    def _end(self, session: Session, request: Request, response: Response | None, error: BaseException | None) -> None:
        if error is None and response is not None and response.status_code < 400:
            try:
                session.commit()
            except BaseException as failure:
                session.rollback()
                self._announce("db_session_rolled_back", request, session, exception=failure)
                raise
            self._announce("db_session_committed", request, session)
        else:
            session.rollback()
            self._announce("db_session_rolled_back", request, session, exception=error)

    def _announce(self, signal: str, request: Request, session: Session, **facts: BaseException | None) -> None:
        if dispatcher.has_receivers(signal):
            dispatcher.send(signal, self, request=request, session=session, **facts)


def is_away(error: DBAPIError) -> bool:
    """Tell whether an error says that the database can't be reached for now, and nothing about what was asked of it.

    That is a connection that broke, one that could not be made, and a lock of SQLite that was not had in time.
    """
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # What fails before a statement is sent fails while connecting.
    return error.statement is None or (isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig))


def _close(session: RequestSession, request: Request) -> None:
    if session.new or session.dirty or session.deleted or (session.written and session.in_transaction()):
        logger.warning(
            "%s %r changed objects after its view had returned. That was not written; do it in the view, or in "
            "DatabaseManager.transaction().",
            request.method,
            request.path,
        )
    session.close()
