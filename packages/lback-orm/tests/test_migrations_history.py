"""The order of revisions over all apps, and files that can't be right."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lback.core.apps import App
from lback.core.exceptions import ConfigurationError
from lback.migrations.revisions import History

_names = iter(range(1000))


class Apps:
    """Apps with hand-written revisions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / f"history_{next(_names)}"
        self.folder.mkdir()
        (self.folder / "__init__.py").write_text("")
        self.labels: list[str] = []

    def revision(self, app: str, name: str, down: str | None = None, requires: tuple[str, ...] = ()) -> None:
        migrations = self.folder / app / "migrations"
        if app not in self.labels:
            migrations.mkdir(parents=True)
            (self.folder / app / "__init__.py").write_text("")
            self.labels.append(app)
        labels = f"({app!r},)" if down is None else None
        (migrations / f"{name}.py").write_text(
            f"revision = {name!r}\ndown_revision = {down!r}\nbranch_labels = {labels}\n"
            f"requires = {list(requires)!r}\ntables = [{app!r}]\n"
            "def upgrade(): pass\ndef downgrade(): pass\n"
        )

    @property
    def history(self) -> History:
        return History([App(label, f"{self.folder.name}.{label}") for label in self.labels])

    def order(self) -> list[str]:
        return [revision.id for revision in self.history.ordered()]


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    sys.path.insert(0, str(tmp_path))
    yield Apps(tmp_path)
    sys.path.remove(str(tmp_path))


def test_revisions_follow_each_other_and_come_after_what_they_require(apps: Apps) -> None:
    apps.revision("a", "a1", requires=("b2",))
    apps.revision("a", "a2", down="a1")
    apps.revision("b", "b1")
    apps.revision("b", "b2", down="b1")
    assert apps.order() == ["b1", "b2", "a1", "a2"]


def test_an_app_without_a_migrations_folder_has_none(apps: Apps) -> None:
    apps.revision("a", "a1")
    (apps.folder / "bare").mkdir()
    (apps.folder / "bare" / "__init__.py").write_text("")
    apps.labels.append("bare")
    assert apps.history.of("bare") == []


def test_no_apps_have_no_revisions() -> None:
    assert History([]).ordered() == []


def test_a_requirement_that_is_not_there_is_named(apps: Apps) -> None:
    apps.revision("a", "a1", requires=("gone",))
    with pytest.raises(ConfigurationError, match=r"a1\.py needs gone"):
        apps.order()


def test_a_circle_is_named(apps: Apps) -> None:
    apps.revision("a", "a1", requires=("b1",))
    apps.revision("b", "b1", requires=("a1",))
    with pytest.raises(ConfigurationError, match="need each other: a1 -> b1 -> a1"):
        apps.order()


def test_a_file_that_is_no_python_is_refused_with_a_sentence(apps: Apps) -> None:
    apps.revision("a", "a1")
    (apps.folder / "a" / "migrations" / "a1.py").write_text("def broken(:")
    with pytest.raises(ConfigurationError, match="can't be read"):
        apps.order()


def test_the_revisions_that_fall_with_one_are_those_that_need_it(apps: Apps) -> None:
    apps.revision("a", "a1")
    apps.revision("a", "a2", down="a1")
    apps.revision("b", "b1", requires=("a2",))
    apps.revision("c", "c1")
    history = apps.history
    applied = {"a1", "a2", "b1", "c1"}
    assert [r.id for r in history.dependents(history.revisions["a2"], applied)] == ["a2", "b1"]
    assert [r.id for r in history.dependents(history.revisions["a2"], applied - {"b1"})] == ["a2"]
