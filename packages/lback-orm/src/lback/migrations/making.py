"""`makemigrations`: compares the models with the database and writes the revisions of the project's apps."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from alembic.operations import ops
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.orm import DeclarativeBase

from lback.core.apps import App
from lback.migrations.autogenerate import Comparison, RefusedChange, losses, strays
from lback.migrations.fills import Gap, default_of, filled, gaps, value_code
from lback.migrations.ordering import Change, arranged
from lback.migrations.ownership import model_modules, table_owners
from lback.migrations.renames import Rename, Renames, candidates, chosen
from lback.migrations.revisions import History, Revision, migrations_folder
from lback.migrations.runner import migration_context
from lback.models.base import Base


@dataclass(slots=True)
class Answers:
    """What the comparison can't know, and the developer says.

    Args:
        renames: What has another name now, as ``old:new`` or ``table.old:new``.
        no_rename: Whether nothing else was renamed.
        defaults: Values for rows that are there already, by ``table.column``.
        allow_data_loss: Whether tables and columns may go that hold something.
        ask: Asks a question with yes or no for an answer; None where nobody can be asked.
        enter: Asks for a value; None where nobody can be asked.
    """

    renames: Sequence[str] = ()
    no_rename: bool = False
    defaults: Mapping[str, str] = field(default_factory=dict)
    allow_data_loss: bool = False
    ask: Callable[[str], bool] | None = None
    enter: Callable[[str], str] | None = None


class Maker:
    """Finds what changed and writes it down.

    Args:
        engine: The configured database.
        apps: The installed apps, their models imported.
        own: The labels of the apps that revisions may be written for.
        base: The declarative base of the models.
    """

    def __init__(
        self, engine: Engine, apps: Sequence[App], own: Collection[str], base: type[DeclarativeBase] = Base
    ) -> None:
        self.engine = engine
        self.metadata = base.metadata
        self.history = History(apps)
        self.apps = {app.label: app for app in apps}
        self.own = set(own)
        owners = table_owners(apps, base)
        self.strays = strays(self.metadata, owners, model_modules(base))
        self.owners = self._known_owners(owners)
        #: What the last revisions delete that holds something, in words.
        self.lost: list[str] = []

    def _known_owners(self, owners: dict[str, str]) -> dict[str, str]:
        """Add the tables whose model is gone: they belong to the app whose revisions made them."""
        for revision in self.history.ordered():
            for name in revision.tables:
                owners.setdefault(name, revision.app)
        return owners

    def make(self, message: str = "", answers: Answers | None = None) -> list[Path]:
        """Write a revision for each app that changed and return the files; none when nothing changed.

        Args:
            message: A few words for all of them; made from what changed unless given.
            answers: What the developer says about it.

        Raises:
            RefusedChange: An app has two last revisions, the database is behind, or an answer is missing.
        """
        answers = answers or Answers()
        with self._compared() as comparison:
            found, renames = self._renamed(comparison, answers)
            comparison.check_primary_keys()
            self.lost = losses(comparison.connection, found, renames)
            if self.lost and not answers.allow_data_loss:
                raise RefusedChange(
                    f"That would delete {' and '.join(self.lost)}. If it only has another name now, say so with "
                    "--rename old:new; use --allow-data-loss to delete it."
                )
            missing = gaps(comparison.connection, found, renames, comparison.tables)
            found = filled(found, {gap.name: (gap, _value(gap, answers)) for gap in missing})
            _check_used("--default", answers.defaults, [gap.name for gap in missing])
            return self._written(comparison, arranged(found, self.owners), message)

    def pending(self) -> list[str]:
        """Return the labels of the apps whose models differ from the database; nothing is written."""
        with self._compared() as comparison:
            found = comparison.operations()
            if not candidates(comparison.context, found, self.owners):
                comparison.check_primary_keys()
            return list(dict.fromkeys(change.app for change in arranged(found, self.owners)))

    def empty(self, message: str = "") -> list[Path]:
        """Write a revision without content for each of the apps, to be filled in by hand, and return the files."""
        self._check_heads()
        return [self._write(label, [], message or "empty", self._head_ids(label)) for label in sorted(self.own)]

    def conflicts(self) -> dict[str, list[Revision]]:
        """Return the last revisions of the apps that have several of them, as when two people added one at a time."""
        return {label: heads for label in sorted(self.own) if len(heads := self.history.heads(label)) > 1}

    def merge(self, message: str = "") -> list[Path]:
        """Write a revision for each app with several last ones that follows them all, and return the files."""
        return [self._write(label, [], message or "merge", self._head_ids(label)) for label in self.conflicts()]

    def _renamed(self, comparison: Comparison, answers: Answers) -> tuple[list[ops.MigrateOperation], Renames]:
        """Return what changed, with what was renamed asked about: one at a time, as one may explain another."""
        renames = Renames()
        declined: set[Rename] = set()
        wanted = list(answers.renames)
        while True:
            found = comparison.operations(renames)
            possible = [item for item in candidates(comparison.context, found, self.owners) if item not in declined]
            any_pair = candidates(comparison.context, found, self.owners, likely=False) if wanted else []
            said = next(((option, item) for option in wanted if (item := chosen(option, any_pair))), None)
            if said is not None:
                wanted.remove(said[0])
                renames.add(said[1])
            elif wanted:
                raise RefusedChange(
                    f"--rename {wanted[0]} fits nothing that changed. Expected old:new with the names of a table that "
                    "went and one that came, or table.old:new with those of columns of it."
                )
            elif not possible or answers.no_rename:
                return found, renames
            elif answers.ask is None:
                options = ", ".join(f"--rename {item.option}" for item in possible)
                raise RefusedChange(
                    f"{possible[0].question} If so, say it ({options}); if nothing was renamed, say --no-rename."
                )
            elif answers.ask(possible[0].question):
                renames.add(possible[0])
            else:
                declined.add(possible[0])

    def _check_heads(self) -> None:
        for label, heads in self.conflicts().items():
            files = " and ".join(str(head.path) for head in heads)
            raise RefusedChange(
                f"The app {label} has {len(heads)} last migrations: {files}. Join them with makemigrations --merge."
            )

    @contextmanager
    def _compared(self) -> Iterator[Comparison]:
        self._check_heads()
        with self._connection() as connection:
            applied = self.history.applied(migration_context(connection).get_current_heads())
            self._check_applied(applied)
            empty = {label for label in self.own if not self.history.heads(label)}
            self._take_default_schema(connection.dialect.default_schema_name)
            yield Comparison(connection, self.metadata, self.owners, self.own, empty)

    def _take_default_schema(self, schema: str | None) -> None:
        """Let tables whose models name the schema that is the default be found without it, as the database says it."""
        for name, label in tuple(self.owners.items()):
            if schema and name.startswith(f"{schema}."):
                self.owners.setdefault(name.removeprefix(f"{schema}."), label)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Connect to the database; in place of a SQLite file that does not exist yet, to an empty one in memory."""
        engine = create_engine("sqlite://") if is_absent(self.engine.url) else self.engine
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

    def _written(self, comparison: Comparison, found: Sequence[Change], message: str) -> list[Path]:
        if not found:
            return []
        # What renders code is not loaded where there is nothing to write, which is the usual case.
        from lback.migrations.writing import describe, new_id, next_number, write_revision

        heads = {label: self._head_ids(label) for label in self.apps}
        numbers = {label: next_number(self.history.of(label)) for label in self.apps}
        paths = []
        for change in found:
            label = change.app
            revision_id = new_id(label, numbers[label])
            paths.append(
                write_revision(
                    self._folder(label),
                    comparison.context,
                    change.operations,
                    label=label,
                    revision_id=revision_id,
                    number=numbers[label],
                    down=heads[label],
                    requires=[head for name in sorted(self._required(change)) for head in heads[name]],
                    tables=change.tables,
                    message=message or describe(change.operations, first=not heads[label]),
                )
            )
            heads[label] = [revision_id]
            numbers[label] += 1
        return paths

    def _required(self, change: Change) -> set[str]:
        """Return the labels of the apps whose revisions come before a change.

        What other apps have referred to by its old name must have been made by then, also on a database where
        everything is applied in one go.
        """
        if not change.changes_names:
            return change.requires
        own = {revision.id for revision in self.history.of(change.app)}
        users = {found.app for found in self.history.ordered() if own.intersection(found.requires)}
        return change.requires | (users - {change.app})

    def _write(self, label: str, tables: Sequence[str], message: str, down: Sequence[str]) -> Path:
        """Write a revision that does nothing."""
        from lback.migrations.writing import new_id, next_number, write_revision

        number = next_number(self.history.of(label))
        return write_revision(
            self._folder(label),
            None,
            [],
            label=label,
            revision_id=new_id(label, number),
            number=number,
            down=down,
            requires=[],
            tables=tables,
            message=message,
        )

    def _folder(self, label: str) -> Path:
        folder = migrations_folder(self.apps[label])
        if folder is None:
            raise RefusedChange(f"The app {label} has no folder for migrations.")
        return folder

    def _head_ids(self, label: str) -> list[str]:
        return [head.id for head in self.history.heads(label)]


def is_absent(url: URL) -> bool:
    """Tell whether an address is that of a SQLite file that does not exist; connecting would make it."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return False
    path, _, query = str(url.database).partition("?")
    if path.startswith("file:"):
        if path == "file::memory:" or "mode=memory" in query.split("&") or url.query.get("mode") == "memory":
            return False
        path = unquote(path.removeprefix("file:"))
        # With an authority, as in file:///folder/file or file://localhost/folder/file.
        if path.startswith("//"):
            path = "/" + path[2:].partition("/")[2]
    return not Path(path).exists()


def _value(gap: Gap, answers: Answers) -> str:
    """Return the code of the value that fills a gap."""
    given = answers.defaults.get(gap.name)
    if given is None and gap.added and (default := default_of(gap.column)) is not None and not gap.unique:
        return default
    rows = "1 row that has" if gap.rows == 1 else f"{gap.rows} rows that have"
    if gap.unique and gap.rows > 1:
        raise RefusedChange(
            f"The column {gap.name} must have a value in every row, each another, and there are {rows} none. Make it "
            "nullable first, fill it in a migration of your own (makemigrations --empty), and make it required then."
        )
    problem = f"The column {gap.name} must have a value, and there are {rows} none"
    while True:
        if given is None:
            if answers.enter is None:
                raise RefusedChange(
                    f"{problem}. Give them one with --default {gap.name}=VALUE, give the column a default or a "
                    "server_default, or make it nullable."
                )
            given = answers.enter(f"{problem}. Which value shall they get?")
        try:
            return value_code(gap.column, given)
        except ValueError as error:
            sentence = f"{given!r} is no value for {gap.name}: {error}."
            if gap.name in answers.defaults or answers.enter is None:
                raise RefusedChange(sentence) from None
            problem, given = f"{sentence} {problem}", None


def _check_used(option: str, given: Mapping[str, str], used: Collection[str]) -> None:
    unused = [name for name in given if name not in used]
    if unused:
        raise RefusedChange(f"{option} {unused[0]} is not needed: no new column of that name has rows without a value.")
