"""Columns that must have a value, and rows that have none yet."""

from typing import Any

import pytest
from sqlalchemy import text

from lback.migrations.autogenerate import RefusedChange

from .migration_project import MigrationProject

COURSE = """
class Level(enum.Enum):
    low = "l"
    high = "h"

class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str | None] = mapped_column(String(20))
"""


@pytest.fixture
def courses(project: MigrationProject) -> MigrationProject:
    """A project with two rows, one without a note."""
    project.models(school=COURSE)
    project.make()
    project.migrate()
    with project.engine.begin() as connection:
        connection.execute(text("INSERT INTO courses (id, note) VALUES (1, NULL), (2, 'kept')"))
    return project


def values(project: MigrationProject, column: str) -> list[Any]:
    """The values as the models read them."""
    with project.engine.connect() as connection:
        table = project.base.metadata.tables["courses"]
        return list(connection.scalars(table.select().with_only_columns(table.c[column]).order_by(table.c.id)))


def add(project: MigrationProject, line: str, **answers: Any) -> None:
    project.models(school=f"{COURSE}    {line}\n")
    assert len(project.make(**answers)) == 1
    project.migrate()
    assert project.differences() == ""


def test_without_a_value_it_is_refused_with_the_ways_out(courses: MigrationProject) -> None:
    courses.models(school=f"{COURSE}    hours: Mapped[int]\n")
    sentence = r"courses\.hours must have a value, and there are 2 rows that have none.*--default courses\.hours=VALUE"
    with pytest.raises(RefusedChange, match=sentence):
        courses.make()


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("Mapped[int]", "3", 3),
        ("Mapped[bool]", "true", True),
        ("Mapped[str] = mapped_column(String(9))", "it's", "it's"),
        ("Mapped[Level]", "high", "high"),
        ("Mapped[dict] = mapped_column(JSON)", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_the_value_of_the_option_is_given_to_the_rows(
    courses: MigrationProject, kind: str, given: str, value: Any
) -> None:
    add(courses, f"more: {kind}", defaults={"courses.more": given})
    assert [getattr(found, "name", found) for found in values(courses, "more")] == [value, value]
    courses.back_and_forth()


@pytest.mark.parametrize(
    "kind",
    [
        "Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))",
        "Mapped[datetime.date]",
    ],
)
def test_now_is_the_time_of_the_migration(courses: MigrationProject, kind: str) -> None:
    add(courses, f"made_at: {kind}", defaults={"courses.made_at": "now"})
    assert None not in values(courses, "made_at")


def test_the_default_of_the_model_is_used_without_asking(courses: MigrationProject) -> None:
    add(courses, "shown: Mapped[bool] = mapped_column(default=True)")
    assert values(courses, "shown") == [True, True]
    shown = "shown: Mapped[bool] = mapped_column(default=True)"
    add(courses, f"{shown}\n    level: Mapped[Level] = mapped_column(default=Level.low)")
    assert [found.name for found in values(courses, "level")] == ["low", "low"]


def test_a_server_default_needs_no_value(courses: MigrationProject) -> None:
    add(courses, "hours: Mapped[int] = mapped_column(server_default=text('7'))")
    assert values(courses, "hours") == [7, 7]


def test_a_column_that_may_no_longer_be_empty_is_filled_where_it_is(courses: MigrationProject) -> None:
    courses.models(school=COURSE.replace("note: Mapped[str | None]", "note: Mapped[str]"))
    with pytest.raises(RefusedChange, match=r"courses\.note must have a value, and there are 1 row that has none"):
        courses.make()
    courses.make(defaults={"courses.note": "new"})
    courses.migrate()
    assert values(courses, "note") == ["new", "kept"]
    courses.back_and_forth()


def test_an_empty_table_needs_no_value(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    project.migrate()
    add(project, "hours: Mapped[int]")


def test_a_value_is_asked_for_until_it_fits(courses: MigrationProject) -> None:
    entered = iter(["many", "3"])
    asked: list[str] = []

    def enter(question: str) -> str:
        asked.append(question)
        return next(entered)

    add(courses, "hours: Mapped[int]", enter=enter)
    assert values(courses, "hours") == [3, 3]
    assert "'many' is no value for courses.hours: expected a value of the kind int" in asked[1]


def test_a_unique_column_can_not_have_one_value_for_all(courses: MigrationProject) -> None:
    courses.models(school=f"{COURSE}    slug: Mapped[str] = mapped_column(String(9), unique=True)\n")
    with pytest.raises(RefusedChange, match=r"each another.*Make it nullable first"):
        courses.make(defaults={"courses.slug": "a"})


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("Mapped[int]", "x", "kind int"),
        ("Mapped[bool]", "maybe", "kind bool"),
        ("Mapped[str] = mapped_column(String(3))", "four", "at most 3 characters"),
        ("Mapped[Level]", "top", "one of low, high"),
        ("Mapped[datetime.date]", "yesterday", "kind date"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_value_that_does_not_fit_is_refused(courses: MigrationProject, kind: str, given: str, expected: str) -> None:
    courses.models(school=f"{COURSE}    more: {kind}\n")
    with pytest.raises(RefusedChange, match=f"no value for courses.more: expected .*{expected}"):
        courses.make(defaults={"courses.more": given})


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_value_for_nothing_is_refused(courses: MigrationProject) -> None:
    courses.models(school=f"{COURSE}    hours: Mapped[int | None]\n")
    with pytest.raises(RefusedChange, match=r"--default courses\.hour is not needed"):
        courses.make(defaults={"courses.hour": "3"})
