"""The revisions of all apps: read from their ``migrations`` folders, and put into the order they are applied in.

Each app is a branch of Alembic's with a base of its own, so that ``alembic_version`` holds one row for each app. What
a revision needs of other apps stands in its ``requires``. Alembic's own ``depends_on`` is not used: a row of
``alembic_version`` disappears when another revision depends on it, and going back by one would take neighbours along.
"""

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lback.core.apps import App
from lback.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from alembic.script import Script, ScriptDirectory
    from alembic.script.revision import RevisionMap


@dataclass(frozen=True, slots=True)
class Revision:
    """One step of one app.

    Args:
        id: Its id, unique over all apps.
        app: The label of the app.
        down: The ids it follows in its app; none for the first.
        requires: Ids of other apps' revisions that must be applied before.
        tables: The tables it touches.
        script: What Alembic read of its file.
    """

    id: str
    app: str
    down: tuple[str, ...]
    requires: tuple[str, ...]
    tables: tuple[str, ...]
    script: "Script"

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.script.path)

    @property
    def needs(self) -> tuple[str, ...]:
        """Everything that must be applied before."""
        return self.down + self.requires

    def __str__(self) -> str:
        return f"{self.app} {self.path.stem}"


class History:
    """The revisions of the installed apps.

    Args:
        apps: The apps, each after those it requires.

    Raises:
        ConfigurationError: A file can't be read as a revision, two have one id, or one needs another that isn't there.
    """

    def __init__(self, apps: Sequence[App]) -> None:
        self.apps = tuple(apps)
        self._folders = {app.label: folder for app in apps if (folder := migrations_folder(app)) is not None}
        self.directory = self._read()
        self.revisions = {revision.id: revision for revision in self._revisions()}
        self._check()

    @property
    def revision_map(self) -> "RevisionMap | None":
        """What Alembic needs to apply a revision."""
        return self.directory.revision_map if self.directory is not None else None

    def _read(self) -> "ScriptDirectory | None":
        from alembic.script import ScriptDirectory

        folders = [str(folder) for folder in self._folders.values() if folder.is_dir()]
        return ScriptDirectory(folders[0], version_locations=folders) if folders else None

    def _revisions(self) -> Iterable[Revision]:
        from alembic.script.revision import RevisionError
        from alembic.util import CommandError

        if self.directory is None:
            return
        owners = {folder.resolve(): label for label, folder in self._folders.items()}
        try:
            scripts = list(self.directory.walk_revisions())
        except (CommandError, RevisionError, SyntaxError) as error:
            raise ConfigurationError(f"The migrations can't be read: {error}") from error
        for script in reversed(scripts):
            module = script.module
            yield Revision(
                id=script.revision,
                app=owners[Path(script.path).resolve().parent],
                down=_tuple(script.down_revision),
                requires=tuple(getattr(module, "requires", ())),
                tables=tuple(getattr(module, "tables", ())),
                script=script,
            )

    def _check(self) -> None:
        for revision in self.revisions.values():
            missing = [needed for needed in revision.needs if needed not in self.revisions]
            if missing:
                raise ConfigurationError(f"{revision.path} needs {', '.join(missing)}, and no app has such a revision.")

    def of(self, app: str) -> list[Revision]:
        """Return the revisions of an app, each after those it follows."""
        return [revision for revision in self.ordered() if revision.app == app]

    def heads(self, app: str) -> list[Revision]:
        """Return the last revisions of an app: none, one, or several when two people added one at a time."""
        own = [revision for revision in self.revisions.values() if revision.app == app]
        followed = {down for revision in own for down in revision.down}
        return [revision for revision in own if revision.id not in followed]

    def ordered(self, targets: Iterable[Revision] | None = None) -> list[Revision]:
        """Return revisions, and all that they need, in the order they are applied.

        Args:
            targets: The revisions to arrive at; those of all apps unless given.

        Raises:
            ConfigurationError: Revisions need each other in a circle.
        """
        if targets is None:
            rank = {app.label: number for number, app in enumerate(self.apps)}
            targets = sorted(self.revisions.values(), key=lambda revision: (rank[revision.app], revision.path.name))
        done: dict[str, Revision] = {}
        for revision in targets:
            self._visit(revision, done, ())
        return list(done.values())

    def _visit(self, revision: Revision, done: dict[str, Revision], waiting: tuple[str, ...]) -> None:
        if revision.id in done:
            return
        if revision.id in waiting:
            raise ConfigurationError(f"These migrations need each other: {' -> '.join((*waiting, revision.id))}.")
        for needed in revision.needs:
            self._visit(self.revisions[needed], done, (*waiting, revision.id))
        done[revision.id] = revision

    def applied(self, heads: Iterable[str]) -> set[str]:
        """Return the ids of all applied revisions.

        Args:
            heads: The rows of ``alembic_version``.

        Raises:
            ConfigurationError: The database has a revision of which there is no file.
        """
        found: set[str] = set()
        waiting = list(heads)
        while waiting:
            revision_id = waiting.pop()
            revision = self.revisions.get(revision_id)
            if revision is None:
                raise ConfigurationError(
                    f"The database is at revision {revision_id!r}, and no installed app has a file for it. Bring the "
                    "file back, or install the app it belongs to."
                )
            if revision_id not in found:
                found.add(revision_id)
                waiting += revision.down
        return found

    def dependents(self, revision: Revision, applied: set[str]) -> list[Revision]:
        """Return the applied revisions that can't stay without `revision`, it first, in the order of application."""
        fallen = {revision.id}
        for candidate in self.ordered():
            if candidate.id in applied and fallen.intersection(candidate.needs):
                fallen.add(candidate.id)
        return [candidate for candidate in self.ordered() if candidate.id in fallen]


def migrations_folder(app: App) -> Path | None:
    """Return the folder of an app's revisions; for an app of the project also where it has yet to be made."""
    if app.migrations_module == f"{app.module}.migrations":
        return app.path / "migrations"
    parent, _, name = app.migrations_module.rpartition(".")
    spec = importlib.util.find_spec(parent)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / name


def _tuple(down: object) -> tuple[str, ...]:
    if down is None:
        return ()
    return (down,) if isinstance(down, str) else tuple(down)  # type: ignore[arg-type]
