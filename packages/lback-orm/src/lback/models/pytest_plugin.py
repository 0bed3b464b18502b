"""Fixtures for tests with databases; pytest finds them once lback-orm is installed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lback.core.config import Config


@pytest.fixture
def closed_databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the connections of every database that the test opens through its settings, when the test ends.

    Left to the garbage collector, an open connection to SQLite is a warning at some later moment, in another test.
    """
    from lback.models import database
    from lback.models.engines import make_engine

    made: list[Engine] = []

    def remembered(config: "Config", beside: "Engine | None" = None) -> "Engine":
        made.append(make_engine(config, beside))
        return made[-1]

    monkeypatch.setattr(database, "make_engine", remembered)
    yield
    for engine in made:
        engine.dispose()
