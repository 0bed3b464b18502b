"""`SQLAlchemySessionMiddleware`: one database session for each request that asks for one."""

import logging
import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from lback.core.container import Container
from lback.core.context import current_request
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
    """The session of a request. Behind the view it is told what is `written` and not committed."""

    written = False


def _watched(engine: Engine) -> Engine:
    """Return the same engine for what comes behind the view: it tells the request's session what is written.

    Listening on an engine of its own, and not on the session, costs the view nothing.
    """
    watched = engine.execution_options()

    @event.listens_for(watched, "before_cursor_execute")
    def executed(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip()[:7].upper().startswith(WRITES):
            _note_written(True)

    @event.listens_for(watched, "commit")
    def committed(connection: Connection) -> None:
        _note_written(False)

    return watched


def _note_written(written: bool) -> None:
    request = current_request()
    session = request.made("db_session") if request is not None else None
    if session is not None:
        session.written = written


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
        self._behind = _watched(db_manager.engine)
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
        if request.answered:
            return RequestSession(self._bind_behind(), expire_on_commit=False)
        immediate = request.method not in SAFE_METHODS
        return RequestSession(self._database.bind_for(immediate=immediate), expire_on_commit=False)

    def _bind_behind(self) -> Engine | Connection:
        bind = self._database.bind_for(immediate=False)
        return bind if isinstance(bind, Connection) else self._behind

    def _finish(
        self, session: RequestSession, request: Request, response: Response | None, error: BaseException | None
    ) -> None:
        try:
            self._end(session, request, response, error)
        finally:
            # What is read from now on must not hold the lock that writers wait for: a body may be sent for minutes.
            session.bind = self._bind_behind()

    def _end(self, session: Session, request: Request, response: Response | None, error: BaseException | None) -> None:
        if error is None and response is not None and response.status_code < 400:
            try:
                session.commit()
            except BaseException as failure:
                session.rollback()
                self._announce("db_session_rolled_back", request, session, exception=failure)
                raise
            if dispatcher.has_any:
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
    # What session.new, dirty and deleted tell, without making three collections in every request.
    if not session._is_clean() or (session.written and session.in_transaction()):
        logger.warning(
            "%s %r changed objects after its view had returned. That was not written; do it in the view, or in "
            "DatabaseManager.transaction().",
            request.method,
            request.path,
        )
    session.close()
