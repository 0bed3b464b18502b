"""The declarative base: the usual columns, names for constraints, and the README's model as printed."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, ForeignKey, MetaData, String, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from lback.models.base import Base, BaseModel
from lback.models.database import DatabaseManager
from lback.models.types import UTCDateTime


class Local(BaseModel):
    __abstract__ = True
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)


class Author(Local):
    __tablename__ = "base_authors"
    name: Mapped[str] = mapped_column(String(100), unique=True, index=True)
    born: Mapped[int]
    __table_args__ = (CheckConstraint("born > 0", name="born_positive"),)


class Book(Local):
    __tablename__ = "base_books"
    author_id: Mapped[int] = mapped_column(ForeignKey(Author.id))
    title: Mapped[str | None] = mapped_column(String(100))


def test_a_model_has_a_key_and_the_times_of_its_making_and_change(sqlite: DatabaseManager) -> None:
    Local.metadata.create_all(sqlite.engine)
    before = datetime.now(UTC)
    with sqlite.transaction() as session:
        author = Author(name="Ada", born=1815)
        session.add(author)
    assert author.id == 1
    assert before <= author.created_at <= author.updated_at <= datetime.now(UTC)
    made = author.updated_at
    with sqlite.transaction() as session:
        session.merge(Author(id=1, name="Ada Lovelace", born=1815))
    with sqlite.session() as session:
        changed = session.get_one(Author, 1)
        assert changed.updated_at > made


def test_the_key_comes_first_and_the_times_last() -> None:
    assert [column.name for column in Book.__table__.columns] == [
        "id",
        "author_id",
        "title",
        "created_at",
        "updated_at",
    ]


def test_every_constraint_has_a_name_that_a_migration_can_use(database: DatabaseManager) -> None:
    Local.metadata.drop_all(database.engine)
    Local.metadata.create_all(database.engine)
    inspector = inspect(database.engine)
    assert inspector.get_foreign_keys("base_books")[0]["name"] == "fk_base_books_author_id_base_authors"
    assert "ix_base_authors_name" in {index["name"] for index in inspector.get_indexes("base_authors")}
    checks = {check["name"] for check in inspector.get_check_constraints("base_authors")}
    assert "ck_base_authors_born_positive" in checks
    Local.metadata.drop_all(database.engine)


def test_to_dict_gives_the_columns_by_name() -> None:
    assert Book(title="Notes", author_id=1).to_dict() == {
        "id": None,
        "author_id": 1,
        "title": "Notes",
        "created_at": None,
        "updated_at": None,
    }


README_MODEL = """
from datetime import datetime
from sqlalchemy import Column, Integer, String, DateTime, ForeignKey
from lback.models.base import BaseModel

class Course(BaseModel):
    __tablename__ = 'courses'

    id = Column(Integer, primary_key=True, autoincrement=True)
    name = Column(String(200), nullable=False)
    description = Column(String)
    created_at = Column(DateTime, default=datetime.utcnow)
    updated_at = Column(DateTime, onupdate=datetime.utcnow)
    image_path = Column(String(255), nullable=True)
    slug = Column(String(255), unique=True, nullable=True)

    def __str__(self):
        return self.name
"""


def test_the_model_of_the_readme_runs_as_printed(tmp_path: Path) -> None:
    """In a process of its own, as it puts a table into the metadata of the whole framework."""
    script = tmp_path / "model.py"
    script.write_text(
        README_MODEL
        + """
from lback.core.config import Config
from lback.models.base import Base
from lback.models.database import DatabaseManager
database = DatabaseManager.from_config(Config({"DATABASE_URL": "sqlite://"}))
Base.metadata.create_all(database.engine)
with database.transaction() as session:
    session.add(Course(name="Python"))
with database.session() as session:
    course = session.query(Course).one()
    print(course.id, course, course.created_at.strftime("%Y"), course.updated_at)
"""
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "Python", str(datetime.now(UTC).year), "None"]


def test_a_transaction_commits_at_the_end_of_its_block_and_rolls_back_on_an_error(sqlite: DatabaseManager) -> None:
    Local.metadata.create_all(sqlite.engine)
    with sqlite.transaction() as session:
        session.add(Author(name="kept", born=1))
    with pytest.raises(IntegrityError), sqlite.transaction() as session:
        session.add_all([Author(name="lost", born=1), Author(name="kept", born=1)])
    with sqlite.session() as session:
        assert [author.name for author in session.query(Author)] == ["kept"]


class Visit(Local):
    __tablename__ = "base_visits"
    at: Mapped[datetime | None] = mapped_column(UTCDateTime)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        (datetime(2026, 1, 2, 3, 4, 5), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),  # noqa: DTZ001 - taken to be UTC
        (None, None),
    ],
)
def test_a_time_is_read_with_its_zone_on_every_database(
    database: DatabaseManager, given: datetime | None, read: datetime | None
) -> None:
    Local.metadata.drop_all(database.engine)
    Local.metadata.create_all(database.engine)
    with database.transaction() as session:
        session.add(Visit(at=given))
    with database.session() as session:
        visit = session.scalars(select(Visit)).one()
        assert (visit.at, visit.created_at.tzinfo) == (read, UTC)
        assert session.scalars(select(Visit).where(Visit.created_at <= datetime.now(UTC))).one() is visit


class Note(Local):
    __tablename__ = "base_notes"
    text: Mapped[str | None]


def test_text_without_a_length_can_be_had_on_every_database(database: DatabaseManager) -> None:
    Local.metadata.drop_all(database.engine)
    Local.metadata.create_all(database.engine)
    with database.transaction() as session:
        session.add(Note(text="x" * 255))
    with database.session() as session:
        assert session.scalars(select(Note.text)).one() == "x" * 255
