"""`SQLAlchemySessionMiddleware`: one database session for each request that asks for one."""

import logging

from sqlalchemy.orm import Session

from lback.core.container import Container
from lback.core.middleware import BaseMiddleware
from lback.core.request import SAFE_METHODS, Request
from lback.core.response import Response
from lback.core.signals import dispatcher
from lback.models.database import DatabaseManager

logger = logging.getLogger("lback.models")


class SQLAlchemySessionMiddleware(BaseMiddleware):
    """Provides ``request.db_session``, and a session to views with a parameter annotated `sqlalchemy.orm.Session`.

    Opened when it is first asked for. Directly after the view, before any ``process_response``, it is committed if the
    status is below 400, and rolled back otherwise and on any exception; a commit that fails makes the answer a 500. It
    is closed when the response has been sent, so a streaming body may go on reading.

    A request with an unsafe method begins an immediate transaction on SQLite; see `lback.models.engines`.

    Args:
        container: Where the session becomes known as a component.
        db_manager: Where sessions come from.
    """

    def __init__(self, container: Container, db_manager: DatabaseManager) -> None:
        self._database = db_manager
        container.add(DatabaseManager, db_manager, name="db_manager")
        container.add_request(Session, self._open, name="db_session", finish=self._finish, close=_close)

    def _open(self, request: Request) -> Session:
        return self._database.session(immediate=request.method not in SAFE_METHODS)

    def _finish(
        self, session: Session, request: Request, response: Response | None, error: BaseException | None
    ) -> None:
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


def _close(session: Session, request: Request) -> None:
    if session.new or session.dirty or session.deleted:
        logger.warning(
            "%s %r changed objects after its view had returned. That was not written; do it in the view, or in "
            "DatabaseManager.transaction().",
            request.method,
            request.path,
        )
    session.close()
