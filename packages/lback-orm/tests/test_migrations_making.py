"""makemigrations: what it finds, what it writes, and what it refuses."""

from pathlib import Path

import pytest
from sqlalchemy import text

from lback.core.config import Config
from lback.migrations.autogenerate import RefusedChange
from lback.models.database import DatabaseManager

from .migration_project import MigrationProject

COURSE = """
class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
"""
COURSE_WITH_SLUG = f"""{COURSE}
    slug: Mapped[str | None] = mapped_column(String(100), unique=True)
"""
LESSON = """
class Lesson(Local):
    __tablename__ = "lessons"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
"""


def insert(project: MigrationProject, statement: str) -> None:
    with project.engine.begin() as connection:
        connection.execute(text(statement))


def test_the_first_revision_of_an_app_makes_its_tables(project: MigrationProject) -> None:
    project.models(school=COURSE)
    assert project.make() == ["school/0001_initial"]
    assert project.migrate() == 1
    insert(project, "INSERT INTO courses (name) VALUES ('Python')")


def test_nothing_is_written_when_nothing_changed(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    project.migrate()
    assert project.make() == []
    assert project.maker.pending() == []


def test_a_change_is_named_by_what_it_does(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    project.migrate()
    project.models(school=COURSE_WITH_SLUG)
    assert project.maker.pending() == ["school"]
    assert project.make() == ["school/0002_add_slug_to_courses"]
    project.migrate()
    assert project.make() == []


def test_only_the_apps_that_changed_get_a_revision(project: MigrationProject) -> None:
    project.models(school=COURSE, shop="")
    assert project.make() == ["school/0001_initial"]


def test_a_revision_says_which_tables_it_touches_and_what_it_needs_of_other_apps(project: MigrationProject) -> None:
    project.models(plans=LESSON, school=COURSE)
    assert project.make() == ["school/0001_initial", "plans/0001_initial"]
    (school,), (plans,) = project.history.of("school"), project.history.of("plans")
    assert (school.tables, school.requires) == (("courses",), ())
    assert (plans.tables, plans.requires) == (("lessons",), (school.id,))


def test_the_app_that_is_referred_to_is_migrated_first_whatever_the_order_of_the_apps(
    project: MigrationProject,
) -> None:
    project.models(plans=LESSON, school=COURSE)
    project.make()
    project.migrate()
    assert [line.split()[1] for line in project.lines] == ["school", "plans"]


def test_apps_that_refer_to_each_other_get_a_second_revision_for_the_circle(project: MigrationProject) -> None:
    circle = f"""{COURSE}
    best_id: Mapped[int | None] = mapped_column(ForeignKey("lessons.id"))
"""
    project.models(school=circle, plans=LESSON)
    written = project.make()
    assert len(written) == 3
    assert {name.split("/")[0] for name in written} == {"school", "plans"}
    project.migrate()
    assert project.make() == []


def test_tables_of_one_app_that_refer_to_each_other_are_made_in_one_revision(project: MigrationProject) -> None:
    project.models(
        school=f"""{COURSE}
    best_id: Mapped[int | None] = mapped_column(ForeignKey("lessons.id", name="fk_best", use_alter=True))
{LESSON}"""
    )
    assert project.make() == ["school/0001_initial"]
    project.migrate()
    assert project.make() == []


def test_an_association_table_belongs_to_the_app_of_its_relationship(project: MigrationProject) -> None:
    project.models(
        school=COURSE,
        people="""
attendance = Table(
    "attendance",
    Local.metadata,
    Column("course_id", ForeignKey("courses.id"), primary_key=True),
    Column("student_id", ForeignKey("students.id"), primary_key=True),
)

class Student(Local):
    __tablename__ = "students"
    id: Mapped[int] = mapped_column(primary_key=True)
    courses = relationship("Course", secondary=attendance)
""",
    )
    project.make()
    assert set(project.history.of("people")[0].tables) == {"students", "attendance"}


def test_the_database_must_have_the_revisions_that_are_there(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    project.models(school=COURSE_WITH_SLUG)
    with pytest.raises(RefusedChange, match="Run migrate first"):
        project.make()


def test_tables_of_no_app_are_left_alone(project: MigrationProject) -> None:
    insert(project, "CREATE TABLE legacy (id int)")
    project.models(school=COURSE)
    assert project.make() == ["school/0001_initial"]
    assert "legacy" not in project.file("school", "0001_initial.py").read_text()


@pytest.mark.parametrize(
    ("after", "lost"),
    [(COURSE, r"courses\.slug with 1 row"), ("", "table courses with 1 row")],
)
def test_what_holds_rows_is_dropped_only_when_that_is_said(project: MigrationProject, after: str, lost: str) -> None:
    project.models(school=COURSE_WITH_SLUG)
    project.make()
    project.migrate()
    insert(project, "INSERT INTO courses (name, slug) VALUES ('Python', 'python')")
    project.models(school=after)
    with pytest.raises(RefusedChange, match=f"{lost}.*--allow-data-loss"):
        project.make()
    assert len(project.make(allow_data_loss=True)) == 1
    project.migrate()
    assert project.make() == []


def test_what_is_empty_is_dropped_without_asking(project: MigrationProject) -> None:
    project.models(school=COURSE_WITH_SLUG)
    project.make()
    project.migrate()
    project.models(school=COURSE)
    assert project.make() == ["school/0002_drop_slug_from_courses"]


def test_two_last_revisions_of_an_app_are_refused_with_their_names(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    first = project.file("school", "0001_initial.py")
    twin = first.read_text().replace(project.history.of("school")[0].id, "school_twin").replace('("school",)', "None")
    project.file("school", "0001_twin.py").write_text(twin)
    with pytest.raises(RefusedChange, match="2 last migrations"):
        project.make()


def test_an_absent_sqlite_file_counts_as_empty_and_is_not_made(tmp_path: Path) -> None:
    database = DatabaseManager.from_config(Config({"BASE_DIR": tmp_path, "DB_NAME": "absent.sqlite"}))
    project = MigrationProject(tmp_path, database.engine)
    import sys

    sys.path.insert(0, str(tmp_path))
    try:
        project.models(school=COURSE)
        assert project.make() == ["school/0001_initial"]
    finally:
        sys.path.remove(str(tmp_path))
    assert not (tmp_path / "absent.sqlite").exists()


def test_a_database_made_without_migrations_does_not_hide_the_first_revision(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.base.metadata.create_all(project.engine)
    assert project.make() == ["school/0001_initial"]
