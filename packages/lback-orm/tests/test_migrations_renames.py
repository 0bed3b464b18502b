"""Renames: recognised, asked about, carried out in place, with every row where it was."""

from typing import Any

import pytest
from sqlalchemy import inspect, text

from lback.migrations.autogenerate import RefusedChange

from .migration_project import MigrationProject

COURSE = """
class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100), index=True)
    hours: Mapped[int]
    __table_args__ = (UniqueConstraint("title", "hours"),)
"""
LESSON = """
class Lesson(Local):
    __tablename__ = "lessons"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), index=True)
"""


@pytest.fixture
def courses(project: MigrationProject) -> MigrationProject:
    """A project with two rows."""
    project.models(school=COURSE, plans=LESSON)
    project.make()
    project.migrate()
    with project.engine.begin() as connection:
        connection.execute(text("INSERT INTO courses (id, title, hours) VALUES (1, 'Python', 3)"))
        connection.execute(text("INSERT INTO lessons (id, course_id) VALUES (1, 1)"))
    return project


def rows(project: MigrationProject, statement: str) -> list[tuple[Any, ...]]:
    with project.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_a_renamed_column_keeps_its_values_its_index_and_its_unique_constraint(courses: MigrationProject) -> None:
    courses.models(school=COURSE.replace("title", "name"))
    assert courses.make(renames=["courses.title:name"]) == ["school/0002_rename_title_to_name_in_courses"]
    courses.migrate()
    assert rows(courses, "SELECT name, hours FROM courses") == [("Python", 3)]
    courses.back_and_forth()
    assert rows(courses, "SELECT name, hours FROM courses") == [("Python", 3)]
    assert [
        index["column_names"] for index in inspect(courses.engine).get_indexes("courses") if not index["unique"]
    ] == [["name"]]


def test_a_renamed_table_keeps_its_rows_and_those_that_refer_to_it(courses: MigrationProject) -> None:
    courses.models(school=COURSE.replace('"courses"', '"classes"'), plans=LESSON.replace("courses.id", "classes.id"))
    assert courses.make(renames=["courses:classes"]) == ["school/0002_rename_courses_to_classes"]
    courses.migrate()
    assert rows(courses, "SELECT title FROM classes") == [("Python",)]
    assert rows(courses, "SELECT course_id FROM lessons") == [(1,)]
    courses.back_and_forth()
    keys = inspect(courses.engine).get_foreign_keys("lessons")
    assert [(key["referred_table"], key["options"]) for key in keys] == [("classes", {"ondelete": "CASCADE"})]


def test_a_table_and_its_columns_may_be_renamed_and_changed_at_once(courses: MigrationProject) -> None:
    after = COURSE.replace('"courses"', '"classes"').replace("title", "name").replace("String(100)", "String(150)")
    after = after.replace("hours: Mapped[int]", "hours: Mapped[int | None]")
    courses.models(school=after, plans=LESSON.replace("courses.id", "classes.id"))
    assert len(courses.make(renames=["courses:classes", "classes.title:classes.name"])) == 1
    courses.migrate()
    assert rows(courses, "SELECT name, hours FROM classes") == [("Python", 3)]
    courses.back_and_forth()
    assert rows(courses, "SELECT name, hours FROM classes") == [("Python", 3)]


def test_the_key_that_others_refer_to_may_be_renamed(courses: MigrationProject) -> None:
    courses.models(school=COURSE.replace("id:", "number:"), plans=LESSON.replace("courses.id", "courses.number"))
    courses.make(renames=["courses.id:number"])
    courses.migrate()
    assert rows(courses, "SELECT number, course_id FROM courses JOIN lessons ON course_id = number") == [(1, 1)]
    courses.back_and_forth()


def test_what_may_be_a_rename_is_never_taken_for_drop_and_add(courses: MigrationProject) -> None:
    courses.models(school=COURSE.replace("title", "name"))
    sentence = r"Was the column courses\.title renamed to name\?.*--rename courses\.title:name.*--no-rename"
    with pytest.raises(RefusedChange, match=sentence):
        courses.make(allow_data_loss=True)
    assert not courses.file("school", "0002_rename_title_to_name_in_courses.py").exists()


def test_a_table_is_asked_about_before_its_columns(courses: MigrationProject) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return True

    after = COURSE.replace('"courses"', '"classes"').replace("title", "name")
    courses.models(school=after, plans=LESSON.replace("courses.id", "classes.id"))
    courses.make(ask=ask)
    assert asked == ["Was the table courses renamed to classes?", "Was the column classes.title renamed to name?"]


def test_of_several_pairs_the_nearest_is_asked_about_first(courses: MigrationProject) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return "titles" in question

    courses.models(
        school=COURSE.replace("title", "titles") + "    slug: Mapped[str | None] = mapped_column(String(100))\n"
    )
    courses.make(ask=ask)
    assert asked == ["Was the column courses.title renamed to titles?"]


def test_a_no_makes_it_a_drop_and_that_of_rows_needs_its_flag(courses: MigrationProject) -> None:
    courses.models(school=COURSE.replace("title", "name").replace("name: Mapped[str]", "name: Mapped[str | None]"))
    with pytest.raises(RefusedChange, match=r"courses\.title with 1 row"):
        courses.make(ask=lambda question: False)
    assert courses.make(no_rename=True, allow_data_loss=True)


def test_columns_of_other_kinds_are_no_rename(courses: MigrationProject) -> None:
    after = COURSE.replace('"hours"', '"begins"').replace("hours: Mapped[int]", "begins: Mapped[datetime.date | None]")
    courses.models(school=after)
    with pytest.raises(RefusedChange, match=r"courses\.hours with 1 row"):
        courses.make()


@pytest.mark.parametrize("option", ["courses.title:label", "nowhere:classes", "courses.title", "title:name"])
def test_an_option_that_fits_nothing_is_refused(courses: MigrationProject, option: str) -> None:
    courses.models(school=COURSE.replace("title", "name"))
    with pytest.raises(RefusedChange, match="fits nothing that changed"):
        courses.make(renames=[option])


def test_a_drop_from_a_renamed_table_counts_its_rows(courses: MigrationProject) -> None:
    after = COURSE.replace('"courses"', '"classes"').replace("    hours: Mapped[int]\n", "").replace(', "hours"', "")
    courses.models(school=after, plans=LESSON.replace("courses.id", "classes.id"))
    with pytest.raises(RefusedChange, match=r"classes\.hours with 1 row"):
        courses.make(renames=["courses:classes"])
