"""Which revisions are applied or undone to arrive at a place in the history, and in which order."""

from collections.abc import Iterable
from dataclasses import dataclass

from lback.core.exceptions import LbackError
from lback.migrations.revisions import History, Revision

ZERO = "zero"


class PlanError(LbackError):
    """There is no such place in the history, or no one way to it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that is applied or undone.

    Args:
        revision: The revision.
        upgrading: Whether it is applied.
    """

    revision: Revision
    upgrading: bool


def plan(history: History, applied: set[str], app: str | None = None, name: str | None = None) -> list[Step]:
    """Return the steps that lead to the last revisions, or to one of an app.

    Args:
        history: The revisions.
        applied: The ids of those that are applied.
        app: The label of the app to be moved, forth or back; all apps, forth, unless given.
        name: Its revision to arrive at: the id, the name of its file, the beginning of either, or ``zero`` for none.

    Raises:
        PlanError: There is no such revision, several of that name, or an app has several last revisions.
    """
    if app is None or name is None:
        labels = [found.label for found in history.apps] if app is None else [app]
        _check_heads(history, labels)
        wanted = history.ordered(None if app is None else history.of(app))
        return [Step(revision, True) for revision in wanted if revision.id not in applied]
    wanted = [] if name == ZERO else history.ordered([find(history, app, name)])
    kept = {revision.id for revision in wanted}
    gone = [found for found in history.of(app) if found.id in applied and found.id not in kept]
    falling = {fallen.id for revision in gone for fallen in history.dependents(revision, applied)}
    back = [Step(found, False) for found in reversed(history.ordered()) if found.id in falling]
    return back + [Step(found, True) for found in wanted if found.id not in applied - falling]


def find(history: History, app: str, name: str) -> Revision:
    """Return the revision of an app that a name, or the beginning of it, means.

    Raises:
        PlanError: There is none, or there are several.
    """
    own = history.of(app)
    exact = [found for found in own if name in (found.id, found.path.stem)]
    fitting = exact or [found for found in own if found.id.startswith(name) or found.path.stem.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise PlanError(f"{name!r} may be each of {_names(fitting)}; give more of the name.")
    raise PlanError(f"The app {app} has no migration {name!r}; it has {_names(own) or 'none'}.")


def _check_heads(history: History, labels: Iterable[str]) -> None:
    for label in labels:
        heads = history.heads(label)
        if len(heads) > 1:
            raise PlanError(
                f"The app {label} has {len(heads)} last migrations: {_names(heads)}. Join them with makemigrations "
                "--merge."
            )


def _names(revisions: Iterable[Revision]) -> str:
    return ", ".join(revision.path.stem for revision in revisions)
