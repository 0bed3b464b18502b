"""The signals that lback-orm sends."""

from lback.core.signals import Signal

SIGNALS: tuple[Signal, ...] = (
    Signal("db_session_committed", "SQLAlchemySessionMiddleware", ("request", "session"), "After a request's commit."),
    Signal(
        "db_session_rolled_back",
        "SQLAlchemySessionMiddleware",
        ("request", "session", "exception"),
        "After a request's work was undone; `exception` is None when the view answered with an error status.",
    ),
)
