"""migrate and rollback: each revision whole or not at all, neighbours untouched, one process at a time."""

import textwrap
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from lback.core.exceptions import ConfigurationError
from lback.migrations.runner import MigrationError

from .migration_project import MigrationProject

COURSE = """
class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
"""
PARENT_AND_CHILDREN = """
class Parent(Local):
    __tablename__ = "parents"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str{optional}] = mapped_column(String(100))

class Child(Local):
    __tablename__ = "children"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("parents.id", ondelete="CASCADE"))
"""
EVERYTHING = """
class Shelf(Local):
    __tablename__ = "shelves"
    room: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(String(50), index=True)
    note: Mapped[str | None] = mapped_column(Text)
    width: Mapped[int]
    __table_args__ = (UniqueConstraint("label", "width"), CheckConstraint("width > 0", name="wide"))

class Box(Local):
    __tablename__ = "boxes"
    id: Mapped[int] = mapped_column(primary_key=True)
    inside_id: Mapped[int | None] = mapped_column(ForeignKey("boxes.id"))
"""


def execute(project: MigrationProject, *statements: str) -> None:
    with project.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def count(project: MigrationProject, table: str) -> int:
    with project.engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def tables(project: MigrationProject) -> set[str]:
    return set(inspect(project.engine).get_table_names()) - {"alembic_version"}


def test_up_down_and_up_again_ends_where_it_began(project: MigrationProject) -> None:
    project.models(store=EVERYTHING)
    project.make()
    project.migrate()
    assert tables(project) == {"shelves", "boxes"}
    project.undo(project.history.of("store")[0])
    assert tables(project) == set()
    project.migrate()
    assert project.make() == []


def test_what_is_applied_is_not_applied_again(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    assert (project.migrate(), project.migrate()) == (1, 0)
    assert project.lines == ["Applying school 0001_initial"]


def test_a_parent_table_that_is_made_anew_keeps_its_children(project: MigrationProject) -> None:
    """On SQLite a change of a column makes the table anew, and dropping the old one would delete the children."""
    project.models(family=PARENT_AND_CHILDREN.format(optional=""))
    project.make()
    project.migrate()
    execute(project, "INSERT INTO parents VALUES (1, 'a')", "INSERT INTO children VALUES (1, 1)")
    project.models(family=PARENT_AND_CHILDREN.format(optional=" | None"))
    assert len(project.make()) == 1
    project.migrate()
    assert (count(project, "parents"), count(project, "children")) == (1, 1)
    assert project.make() == []


def test_foreign_keys_are_on_again_after_a_migration(project: MigrationProject) -> None:
    from sqlalchemy.exc import IntegrityError

    project.models(family=PARENT_AND_CHILDREN.format(optional=""))
    project.make()
    project.migrate()
    with pytest.raises(IntegrityError):
        execute(project, "INSERT INTO children VALUES (1, 99)")


def break_in_the_middle(project: MigrationProject) -> Path:
    """Add a revision of three steps whose last one fails; return its file."""
    first = project.history.of("school")[0]
    path = project.file("school", "0002_breaks.py")
    path.write_text(
        textwrap.dedent(f"""
        import sqlalchemy as sa
        from alembic import op
        revision = "school_0002_breaks"
        down_revision = "{first.id}"
        branch_labels = None
        requires = []
        tables = ["extra"]

        def upgrade():
            op.create_table("extra", sa.Column("id", sa.Integer, primary_key=True))
            op.execute("INSERT INTO courses (name) VALUES ('half')")
            op.execute("INSERT INTO nowhere VALUES (1)")

        def downgrade():
            op.drop_table("extra")
        """)
    )
    return path


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_revision_that_fails_half_way_leaves_nothing_and_goes_on_when_mended(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    path = break_in_the_middle(project)
    with pytest.raises(MigrationError, match=r"0002_breaks could not be applied.*Nothing of it stands"):
        project.migrate()
    assert tables(project) == {"courses"}
    assert count(project, "courses") == 0
    assert project.applied() == {"school/0001_initial"}
    path.write_text(path.read_text().replace("INSERT INTO nowhere VALUES (1)", "SELECT 1"))
    assert project.migrate() == 1
    assert (tables(project), count(project, "courses")) == ({"courses", "extra"}, 1)


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_where_the_schema_can_not_be_undone_the_message_says_so(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    break_in_the_middle(project)
    with pytest.raises(
        MigrationError, match=r"These of its statements stand: `CREATE TABLE extra .*failed at `INSERT INTO nowhere"
    ):
        project.migrate()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_revision_that_leaves_broken_references_is_undone(project: MigrationProject) -> None:
    project.models(family=PARENT_AND_CHILDREN.format(optional=""))
    project.make()
    project.migrate()
    path = project.file("family", "0002_orphan.py")
    path.write_text(
        textwrap.dedent(f"""
        from alembic import op
        revision = "family_0002"
        down_revision = "{project.history.of("family")[0].id}"
        branch_labels = None

        def upgrade():
            op.execute("INSERT INTO children VALUES (1, 99)")
        """)
    )
    with pytest.raises(MigrationError, match="would refer to a row of parents"):
        project.migrate()
    assert count(project, "children") == 0


def test_going_back_in_one_app_moves_no_other(project: MigrationProject) -> None:
    project.models(school=COURSE, shop=COURSE.replace("Course", "Product").replace("courses", "products"))
    project.make()
    project.migrate()
    project.undo(project.history.of("school")[0])
    assert project.applied() == {"shop/0001_initial"}
    assert tables(project) == {"products"}


def test_what_needs_an_undone_revision_is_undone_before_it(project: MigrationProject) -> None:
    lesson = """
class Lesson(Local):
    __tablename__ = "lessons"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
"""
    project.models(school=COURSE, plans=lesson)
    project.make()
    project.migrate()
    project.undo(project.history.of("school")[0])
    assert project.lines[-2:] == ["Undoing plans 0001_initial", "Undoing school 0001_initial"]
    assert tables(project) == set()


def test_a_revision_without_a_file_is_named(project: MigrationProject) -> None:
    project.models(school=COURSE)
    project.make()
    project.migrate()
    project.file("school", "0001_initial.py").unlink()
    with pytest.raises(ConfigurationError, match="no installed app has a file for it"):
        project.migrate()
