"""For tests: counting the statements that reach a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def assert_queries(number: int) -> Iterator[list[str]]:
    """Fail unless exactly so many statements are sent inside the block, by whichever engine of the process.

    Args:
        number: How many.

    Returns:
        The statements, as they are sent.

    Raises:
        AssertionError: It were more or fewer; the message has them.

    Example:
        ``with assert_queries(2): client.get("/courses/")``
    """
    sent: list[str] = []

    def executed(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        # SQLite is told to begin by a statement, where others have a call for it.
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", executed)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", executed)
    if len(sent) != number:
        lines = [f"{number} {_statements(number)} expected, {len(sent)} {_statements(len(sent))} sent."]
        lines += [f"{position}. {statement}" for position, statement in enumerate(sent, 1)]
        raise AssertionError("\n".join(lines))


def _statements(number: int) -> str:
    return "statement was" if number == 1 else "statements were"
