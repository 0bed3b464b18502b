"""`makemigrations`: compares the models with the database and writes the revisions of the project's apps."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.orm import DeclarativeBase

from lback.core.apps import App
from lback.core.exceptions import LbackError
from lback.migrations import autogenerate
from lback.migrations.ownership import table_owners
from lback.migrations.revisions import History, Revision, migrations_folder
from lback.migrations.runner import migration_context
from lback.migrations.writing import describe, new_id, next_number, write_revision
from lback.models.base import Base


class RefusedChange(LbackError):
    """Revisions were not written; the message says what to do first."""


class Maker:
    """Finds what changed and writes it down.

    Args:
        engine: The configured database.
        apps: The installed apps, their models imported.
        own: The labels of the apps that revisions may be written for.
        base: The declarative base of the models.

    Raises:
        RefusedChange: An app has revisions that the database does not have yet, or two last ones.
    """

    def __init__(
        self, engine: Engine, apps: Sequence[App], own: Collection[str], base: type[DeclarativeBase] = Base
    ) -> None:
        self.engine = engine
        self.metadata = base.metadata
        self.history = History(apps)
        self.apps = {app.label: app for app in apps}
        self.own = set(own)
        self.owners = self._known_owners(table_owners(apps, base))
        self._check_heads()

    def _known_owners(self, owners: dict[str, str]) -> dict[str, str]:
        """Add the tables whose model is gone: they belong to the app whose revisions made them."""
        for revision in self.history.ordered():
            for name in revision.tables:
                owners.setdefault(name, revision.app)
        return owners

    def _check_heads(self) -> None:
        for label in self.own:
            heads = self.history.heads(label)
            if len(heads) > 1:
                files = " and ".join(str(head.path) for head in heads)
                raise RefusedChange(
                    f"The app {label} has {len(heads)} last migrations: {files}. Let one follow the other by its "
                    "down_revision."
                )

    def make(self, message: str = "", allow_data_loss: bool = False) -> list[Path]:
        """Write a revision for each app that changed and return the files; none when nothing changed.

        Args:
            message: A few words for all of them; made from what changed unless given.
            allow_data_loss: Whether tables and columns may go that hold something.

        Raises:
            RefusedChange: The database is behind, or something that holds rows would go.
        """
        with self._compared() as (connection, context):
            found = autogenerate.changes(context, self.metadata, self.owners)
            lost = [] if allow_data_loss else autogenerate.losses(connection, found)
            if lost:
                raise RefusedChange(
                    f"That would delete {' and '.join(lost)}. Use --allow-data-loss if that is what you want."
                )
            return self._written(context, found, message)

    def pending(self) -> list[str]:
        """Return the labels of the apps whose models differ from the database; nothing is written."""
        with self._compared() as (_, context):
            return list(dict.fromkeys(c.app for c in autogenerate.changes(context, self.metadata, self.owners)))

    @contextmanager
    def _compared(self) -> Iterator[tuple[Connection, Any]]:
        with self._connection() as connection:
            applied = self.history.applied(migration_context(connection).get_current_heads())
            self._check_applied(applied)
            empty = {label for label in self.own if not self.history.heads(label)}
            yield connection, autogenerate.comparison(connection, self.owners, self.own, empty)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Connect to the database; in place of a SQLite file that does not exist yet, to an empty one in memory."""
        url = self.engine.url
        absent = url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists()
        engine = create_engine("sqlite://") if absent and url.database != ":memory:" else self.engine
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            if engine is not self.engine:
                engine.dispose()

    def _check_applied(self, applied: set[str]) -> None:
        behind = [str(r) for r in self.history.ordered() if r.app in self.own and r.id not in applied]
        if behind:
            raise RefusedChange(
                f"The database does not have {', '.join(behind)} yet. Run migrate first, so that the models are "
                "compared with what the migrations made."
            )

    def _written(self, context: Any, found: Sequence[autogenerate.Change], message: str) -> list[Path]:
        heads = {label: self._head(label) for label in self.apps}
        numbers = {label: next_number(self.history.of(label)) for label in self.apps}
        paths = []
        for change in found:
            label = change.app
            down = heads[label]
            revision_id = new_id(label, numbers[label])
            folder = migrations_folder(self.apps[label])
            if folder is None:
                raise RefusedChange(f"The app {label} has no folder for migrations.")
            paths.append(
                write_revision(
                    folder,
                    context,
                    change.operations,
                    label=label,
                    revision_id=revision_id,
                    number=numbers[label],
                    down=down,
                    requires=[head for name in sorted(change.requires) if (head := heads[name]) is not None],
                    tables=change.tables,
                    message=message or describe(change.operations, first=down is None),
                )
            )
            heads[label] = revision_id
            numbers[label] += 1
        return paths

    def _head(self, label: str) -> str | None:
        heads: list[Revision] = self.history.heads(label)
        return heads[0].id if heads else None
