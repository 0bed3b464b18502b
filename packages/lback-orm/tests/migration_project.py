"""A small project for the tests of migrations: apps in a folder, whose models can be written anew."""

import importlib
import itertools
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import DeclarativeBase

from lback.core.apps import App
from lback.migrations.making import Answers, Maker
from lback.migrations.revisions import History, Revision
from lback.migrations.runner import current_heads, downgrade, upgrade
from lback.models.base import NAMING_CONVENTION

HEADER = """
import datetime, decimal, enum, uuid
from sqlalchemy import (
    JSON, BigInteger, Boolean, CheckConstraint, Column, Date, DateTime, Enum, Float, ForeignKey, ForeignKeyConstraint,
    Index, Integer, LargeBinary, Numeric, String, Table, Text, UniqueConstraint, Uuid, func, text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator
from {shared} import Local
"""

SHARED = """
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

class Local(DeclarativeBase):
    metadata = MetaData(naming_convention={convention!r})
"""

_numbers = itertools.count()


class MigrationProject:
    """Apps below a folder, and the database they are migrated on.

    The models of all apps share a declarative base of their own, not that of the whole process; writing models anew
    makes a new one, as a new process would.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        self.name = f"project_{next(_numbers)}"
        (folder / self.name).mkdir()
        (folder / self.name / "__init__.py").write_text("")
        self.sources: dict[str, str] = {}
        self.lines: list[str] = []
        self.apps: tuple[App, ...] = ()
        self.base: type[DeclarativeBase]

    def models(self, **sources: str) -> None:
        """Write the models of apps, and import those of all apps anew."""
        self.sources |= sources
        version = next(_numbers)
        shared = f"{self.name}.shared_{version}"
        self._write(
            f"shared_{version}.py",
            SHARED.format(convention=NAMING_CONVENTION),
        )
        apps = []
        for label, source in self.sources.items():
            (self.folder / self.name / label).mkdir(exist_ok=True)
            self._write(f"{label}/__init__.py", "")
            self._write(f"{label}/models_{version}.py", HEADER.format(shared=shared) + source)
            module = f"{self.name}.{label}"
            apps.append(App(label, module, models_module=f"{module}.models_{version}"))
        importlib.invalidate_caches()
        self.apps = tuple(apps)
        for app in self.apps:
            app.import_models()
        self.base = importlib.import_module(shared).Local

    def _write(self, name: str, text: str) -> None:
        (self.folder / self.name / name).write_text(text)

    def file(self, label: str, name: str) -> Path:
        """Return a revision file."""
        return self.folder / self.name / label / "migrations" / name

    @property
    def history(self) -> History:
        """The revisions, read anew."""
        return History(self.apps)

    @property
    def maker(self) -> Maker:
        """What makemigrations works with."""
        return Maker(self.engine, self.apps, [app.label for app in self.apps], self.base)

    def make(self, **answers: Any) -> list[str]:
        """Run makemigrations and return the files, as ``app/file``."""
        paths = self.maker.make(answers=Answers(**answers))
        return [f"{path.parent.parent.name}/{path.stem}" for path in paths]

    def migrate(self) -> int:
        """Run migrate."""
        return upgrade(self.engine, self.history, report=self.lines.append)

    def undo(self, revision: Revision) -> None:
        """Undo a revision and what needs it."""
        history = self.history
        falling = history.dependents(revision, history.applied(current_heads(self.engine)))
        downgrade(self.engine, history, falling, self.lines.append)

    def back_and_forth(self) -> None:
        """Undo the last revision of every app and what needs it, apply all again; the models must fit after each."""
        history = self.history
        for label in self.sources:
            revisions = history.of(label)
            if revisions and revisions[-1].id in history.applied(current_heads(self.engine)):
                self.undo(revisions[-1])
        self.migrate()
        differences = self.differences()
        assert differences == "", differences

    def differences(self) -> str:
        """Return what makemigrations would do now."""
        from lback.migrations.rendering import rendered

        with self.maker._compared() as comparison:
            found = comparison.operations()
            return rendered(comparison.context, found)["upgrades"] if found else ""

    def applied(self) -> set[str]:
        """Return the applied revisions, as ``app/file``."""
        history = self.history
        ids = history.applied(current_heads(self.engine))
        return {f"{history.revisions[i].app}/{history.revisions[i].path.stem}" for i in ids}
