"""`DatabaseManager`: the engine of an application and the sessions on it. `db_session`: the session of the request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, Engine, Executable, Row
from sqlalchemy.orm import Session

from lback.core.config import Config
from lback.core.context import current_request
from lback.models.engines import IMMEDIATE, make_engine


class DatabaseManager:
    """Gives sessions on one database. An application has one; it is a component, made from the settings.

    Objects stay readable after a commit (`expire_on_commit` is off), as a response is rendered before and read after.

    Args:
        engine: The engine, usually from `lback.models.engines.make_engine`.
        beside: An engine with a pool of its own for short transactions during a request; the same unless given.
    """

    def __init__(self, engine: Engine, beside: Engine | None = None) -> None:
        self.engine = engine
        self._beside = beside or engine
        # By whether the work is beside that of a request, and whether it is going to write. SQLite alone looks at the
        # option, when a transaction begins.
        self._binds: dict[tuple[bool, bool], Engine | Connection] = {
            (False, False): engine,
            (False, True): engine.execution_options(**{IMMEDIATE: True}),
            (True, False): self._beside,
            (True, True): self._beside.execution_options(**{IMMEDIATE: True}),
        }

    @classmethod
    def from_config(cls, config: Config) -> "DatabaseManager":
        """Make the manager for the database that the settings name; nothing is connected yet."""
        engine = make_engine(config)
        return cls(engine, make_engine(config, beside=engine))

    def session(self, *, immediate: bool = False) -> Session:
        """Return a new session; close it.

        Args:
            immediate: Whether its transaction is going to write, which SQLite has to know when it begins.
        """
        return Session(self.bind_for(immediate=immediate), expire_on_commit=False)

    def bind_for(self, *, immediate: bool, beside: bool = False) -> Engine | Connection:
        """Return what a session is bound to.

        Args:
            immediate: Whether its transactions begin immediate on SQLite.
            beside: Whether it works beside the session of a request, on connections set aside for that.
        """
        return self._binds[beside, immediate]

    @contextmanager
    def transaction(self, *, immediate: bool = True) -> Iterator[Session]:
        """Give a session whose work is committed at the end of the block, or rolled back when the block raises.

        It is independent of ``request.db_session``: what a request writes here stays when its view is rolled back.
        Keep it short there, as few connections are set aside for it.

        Args:
            immediate: Whether it is going to write, which SQLite has to know when it begins.
        """
        bind = self.bind_for(immediate=immediate, beside=current_request() is not None)
        with Session(bind, expire_on_commit=False) as session, session.begin():
            yield session

    def row(self, query: Executable, parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Return the one row that a query of columns finds, or None; like `transaction`, independent of the request.

        It does without a `Session`, which costs more than such a query does: this is for what every request asks.

        Args:
            query: Made once, with a `bindparam` for what changes.
            parameters: What changes.
        """
        bind = self.bind_for(immediate=False, beside=current_request() is not None)
        if isinstance(bind, Connection):
            return bind.execute(query, parameters).one_or_none()
        with bind.connect() as connection:
            return connection.execute(query, parameters).one_or_none()

    @contextmanager
    def rolled_back(self) -> Iterator[Session]:
        """Have everything happen on one connection, in a transaction that is undone at the end; for tests.

        Commits inside end a savepoint. Give it a session, for the test itself. One thread alone may work meanwhile.
        """
        before = self._binds
        with self.engine.connect() as connection, connection.begin() as transaction:
            # Sessions on a connection that is in a savepoint take one of their own, and end no more than that.
            connection.begin_nested()
            self._binds = dict.fromkeys(before, connection)
            try:
                with Session(connection, expire_on_commit=False) as session:
                    yield session
            finally:
                self._binds = before
                transaction.rollback()

    def dispose(self) -> None:
        """Close the connections of the pools."""
        self.engine.dispose()
        self._beside.dispose()


class _CurrentSession:
    """Stands for ``request.db_session`` of the request that is being answered."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # Tools that look at modules ask every object for such names, and expect this answer.
            raise AttributeError(name)
        return getattr(_current(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_current(), name, value)

    def __contains__(self, instance: object) -> bool:
        return instance in _current()

    def __iter__(self) -> Iterator[object]:
        return iter(_current())


def _current() -> Session:
    request = current_request()
    if request is None:
        raise RuntimeError(
            "lback.models.database.db_session is the session of the current request, and there is none. Outside of "
            "requests use DatabaseManager.transaction()."
        )
    return cast("Session", request.db_session)


#: The database session of the current request, for code that is not handed the request.
db_session = cast("Session", _CurrentSession())
