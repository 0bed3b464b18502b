"""Every kind of change, on each database: found, applied, undone and applied again, with nothing left to find."""

import sys

import pytest
from sqlalchemy import inspect, text

from lback.core.exceptions import ConfigurationError

from .migration_project import MigrationProject

BEFORE = """
class Teacher(Local):
    __tablename__ = "teachers"
    id: Mapped[int] = mapped_column(primary_key=True)

class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    hours: Mapped[int]
    note: Mapped[str | None] = mapped_column(String(20))
    teacher_id: Mapped[int | None]
{more}
"""


def course(*lines: str, **replaced: str) -> str:
    """The models above, with lines added and attributes replaced."""
    source = BEFORE.format(more="\n".join(f"    {line}" for line in lines))
    for name, line in replaced.items():
        start = source.index(f"    {name}: ")
        end = source.index("\n", start)
        source = f"{source[:start]}    {line}{source[end:]}"
    return source


KINDS = {
    "a table": (
        course(),
        course()
        + """
class Room(Local):
    __tablename__ = "rooms"
    number: Mapped[int] = mapped_column(primary_key=True)
""",
    ),
    "a column": (course(), course("place: Mapped[str | None] = mapped_column(String(30))")),
    "a longer text": (course(), course(name="name: Mapped[str] = mapped_column(String(200))")),
    "a text without end": (course(), course(note="note: Mapped[str | None] = mapped_column(Text)")),
    "a wider number": (course(), course(hours="hours: Mapped[int] = mapped_column(BigInteger)")),
    "a number that becomes a text": (course(), course(hours="hours: Mapped[str] = mapped_column(String(20))")),
    "a number with digits": (course(), course(hours="hours: Mapped[decimal.Decimal] = mapped_column(Numeric(8, 2))")),
    "no value allowed": (course(), course(hours="hours: Mapped[int | None]")),
    "a server default": (course(), course(hours="hours: Mapped[int] = mapped_column(server_default=text('10'))")),
    "another server default": (
        course(note="note: Mapped[str | None] = mapped_column(String(20), server_default='new')"),
        course(note="note: Mapped[str | None] = mapped_column(String(20), server_default='old')"),
    ),
    "a server default that is computed": (
        course(),
        course("made_at: Mapped[datetime.datetime] = mapped_column(DateTime, server_default=func.now())"),
    ),
    "an index": (course(), course(name="name: Mapped[str] = mapped_column(String(50), index=True)")),
    "an index of two columns": (course(), course("__table_args__ = (Index('ix_two', 'name', 'hours', unique=True),)")),
    "a unique constraint": (course(), course(name="name: Mapped[str] = mapped_column(String(50), unique=True)")),
    "a unique constraint of two columns": (course(), course("__table_args__ = (UniqueConstraint('name', 'hours'),)")),
    "a foreign key": (
        course(),
        course(teacher_id="teacher_id: Mapped[int | None] = mapped_column(ForeignKey('teachers.id'))"),
    ),
    "a foreign key with an index and a rule": (
        course(),
        course(
            teacher_id="teacher_id: Mapped[int | None] = "
            "mapped_column(ForeignKey('teachers.id', ondelete='SET NULL'), index=True)"
        ),
    ),
    "another rule of a foreign key": (
        course(
            teacher_id="teacher_id: Mapped[int | None] = mapped_column(ForeignKey('teachers.id', ondelete='CASCADE'))"
        ),
        course(
            teacher_id="teacher_id: Mapped[int | None] = mapped_column(ForeignKey('teachers.id', ondelete='SET NULL'))"
        ),
    ),
    "an index that becomes unique": (
        course(name="name: Mapped[str] = mapped_column(String(50), index=True)"),
        course(name="name: Mapped[str] = mapped_column(String(50), index=True, unique=True)"),
    ),
    "a foreign key that may no longer be empty": (
        course(teacher_id="teacher_id: Mapped[int | None] = mapped_column(ForeignKey('teachers.id'), index=True)"),
        course(teacher_id="teacher_id: Mapped[int] = mapped_column(ForeignKey('teachers.id'), index=True)"),
    ),
    "a check that says something else under another name": (
        course("__table_args__ = (CheckConstraint('hours > 0', name='some'),)"),
        course("__table_args__ = (CheckConstraint('hours > 1', name='more'),)"),
    ),
    "a yes or no with a server default": (
        course(),
        course("shown: Mapped[bool] = mapped_column(Boolean, server_default=text('true'))"),
    ),
    "a column with a foreign key, an index and a unique constraint": (
        course(),
        course("second_id: Mapped[int | None] = mapped_column(ForeignKey('teachers.id'), index=True, unique=True)"),
    ),
    "a check": (course(), course("__table_args__ = (CheckConstraint('hours > 0', name='some'),)")),
    "a column with a check": (
        course(),
        course(
            "place: Mapped[int | None]",
            "__table_args__ = (CheckConstraint('place > 0', name='placed'),)",
        ),
    ),
    "a table with a key of two columns, and one that refers to it": (
        course(),
        course()
        + """
class Shelf(Local):
    __tablename__ = "shelves"
    room: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)

class Book(Local):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]
    __table_args__ = (ForeignKeyConstraint(["room", "number"], ["shelves.room", "shelves.number"]),)
""",
    ),
    "an association table": (
        course(),
        course("teachers = relationship('Teacher', secondary='lectures')")
        + """
lectures = Table(
    "lectures",
    Local.metadata,
    Column("teacher_id", ForeignKey("teachers.id", ondelete="CASCADE"), primary_key=True),
    Column("course_id", ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True, index=True),
)
""",
    ),
    "tables that refer to each other": (
        course(),
        course()
        + """
class Left(Local):
    __tablename__ = "lefts"
    id: Mapped[int] = mapped_column(primary_key=True)
    right_id: Mapped[int | None] = mapped_column(ForeignKey("rights.id"), index=True)

class Right(Local):
    __tablename__ = "rights"
    id: Mapped[int] = mapped_column(primary_key=True)
    left_id: Mapped[int | None] = mapped_column(ForeignKey("lefts.id"), index=True)
""",
    ),
    "a value at the end of an enum": (
        course("level: Mapped[str | None] = mapped_column(Enum('low', 'high', name='level'))"),
        course("level: Mapped[str | None] = mapped_column(Enum('low', 'high', 'highest', name='level'))"),
    ),
    "an enum": (course(), course("level: Mapped[str | None] = mapped_column(Enum('low', 'high', name='level'))")),
    "a table with an enum": (
        course(),
        course()
        + """
class Mood(enum.Enum):
    good = 1
    bad = 2

class Diary(Local):
    __tablename__ = "diaries"
    id: Mapped[int] = mapped_column(primary_key=True)
    mood: Mapped[Mood]
    second: Mapped[Mood | None]
""",
    ),
    "a text that becomes an enum": (
        course(note="note: Mapped[str | None] = mapped_column(String(20))"),
        course(note="note: Mapped[str | None] = mapped_column(Enum('low', 'high', name='level'))"),
    ),
    "an enum that becomes another": (
        course(note="note: Mapped[str | None] = mapped_column(Enum('low', 'high', name='level'))"),
        course(note="note: Mapped[str | None] = mapped_column(Enum('low', 'highest', name='grade'))"),
    ),
    "a value more of an enum": (
        course("level: Mapped[str | None] = mapped_column(Enum('low', 'high', name='level'))"),
        course("level: Mapped[str | None] = mapped_column(Enum('low', 'middle', 'high', name='level'))"),
    ),
    "a value less of an enum with a default": (
        course("level: Mapped[str] = mapped_column(Enum('low', 'middle', 'high', name='level'), server_default='low')"),
        course("level: Mapped[str] = mapped_column(Enum('low', 'high', name='level'), server_default='high')"),
    ),
    "two enums with defaults, and the default of a third": (
        course(
            "a: Mapped[str] = mapped_column(Enum('x', 'y', name='a'), server_default='x')",
            "b: Mapped[str] = mapped_column(Enum('x', 'y', name='b'), server_default='x')",
            "c: Mapped[str] = mapped_column(Enum('x', 'y', name='c'), server_default='x')",
        ),
        course(
            "a: Mapped[str] = mapped_column(Enum('long', 'y', name='a'), server_default='long')",
            "b: Mapped[str] = mapped_column(Enum('y', 'long', name='b'), server_default='y')",
            "c: Mapped[str] = mapped_column(Enum('x', 'y', name='c'), server_default='y')",
        ),
    ),
    "an enum as text": (
        course(),
        course(
            "level: Mapped[str | None] = mapped_column("
            "Enum('low', 'high', name='level', native_enum=False, create_constraint=True))"
        ),
    ),
    "all kinds of columns": (
        course(),
        course()
        + """
class Thing(Local):
    __tablename__ = "things"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    a: Mapped[bool] = mapped_column(Boolean, server_default=text("'1'"))
    b: Mapped[bytes] = mapped_column(LargeBinary)
    c: Mapped[dict] = mapped_column(JSON)
    d: Mapped[datetime.date]
    e: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))
    f: Mapped[float] = mapped_column(Float)
    g: Mapped[decimal.Decimal] = mapped_column(Numeric(10, 3))
    h: Mapped[datetime.time]
""",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_and_its_opposite_are_found_applied_undone_and_applied_again(
    project: MigrationProject, kind: str
) -> None:
    before, after = KINDS[kind]
    project.models(school=before)
    project.make()
    project.migrate()
    assert project.differences() == ""
    for source in (after, before):
        project.models(school=source)
        assert len(project.make()) == 1
        project.migrate()
        assert project.differences() == ""
        project.back_and_forth()


def execute(project: MigrationProject, *statements: str) -> None:
    with project.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


LEFT = """
class Left(Local):
    __tablename__ = "lefts"
    id: Mapped[int] = mapped_column(primary_key=True)
    right_id: Mapped[int | None] = mapped_column(ForeignKey("rights.id"), index=True)
"""
RIGHT = """
class Right(Local):
    __tablename__ = "rights"
    id: Mapped[int] = mapped_column(primary_key=True)
    left_id: Mapped[int | None] = mapped_column(ForeignKey("lefts.id"), index=True)
"""


def test_tables_of_two_apps_that_refer_to_each_other_come_and_go(project: MigrationProject) -> None:
    project.models(one=LEFT, two=RIGHT)
    project.make()
    project.migrate()
    project.back_and_forth()
    project.models(one="", two="")
    project.make()
    project.migrate()
    assert set(inspect(project.engine).get_table_names()) == {"alembic_version"}
    project.back_and_forth()


def test_a_table_goes_after_what_other_apps_have_that_refers_to_it(project: MigrationProject) -> None:
    project.models(
        one=LEFT.replace(', ForeignKey("rights.id")', "").replace('ForeignKey("rights.id"), ', ""), two=RIGHT
    )
    project.make()
    project.migrate()
    project.models(one="", two="")
    written = project.make()
    assert [name.split("/")[0] for name in written] == ["two", "one"]
    project.migrate()
    project.back_and_forth()


def test_a_check_constraint_is_kept_when_its_table_changes_and_holds(project: MigrationProject) -> None:
    from sqlalchemy.exc import DBAPIError

    check = "__table_args__ = (CheckConstraint('hours > 0', name='some'),)"
    project.models(school=course(check))
    project.make()
    project.migrate()
    project.models(school=course(check, name="name: Mapped[str | None] = mapped_column(String(80))"))
    project.make()
    project.migrate()
    with pytest.raises(DBAPIError):
        execute(project, "INSERT INTO courses (id, name, hours) VALUES (1, 'x', 0)")
    project.back_and_forth()


def test_the_check_of_a_single_column_is_not_taken_for_dropped(project: MigrationProject) -> None:
    project.models(school=course(hours="hours: Mapped[int] = mapped_column(CheckConstraint('hours > 0', name='some'))"))
    project.make()
    project.migrate()
    assert project.differences() == ""


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_undoing_an_enum_drops_its_type(project: MigrationProject) -> None:
    project.models(school=KINDS["a table with an enum"][1])
    project.make()
    project.migrate()
    assert [found["name"] for found in inspect(project.engine).get_enums()] == ["mood"]
    project.undo(project.history.of("school")[0])
    assert inspect(project.engine).get_enums() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_enum_type_that_is_nobodys_here_is_left_alone(project: MigrationProject) -> None:
    execute(project, "CREATE TYPE foreign_mood AS ENUM ('a')")
    try:
        project.models(school=course())
        project.make()
        assert "foreign_mood" not in project.file("school", "0001_initial.py").read_text()
    finally:
        execute(project, "DROP TYPE foreign_mood")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_apps_may_share_an_enum_type(project: MigrationProject) -> None:
    shared = """
class {name}(Local):
    __tablename__ = "{table}"
    id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[str] = mapped_column(Enum('low', 'high', name='level'))
"""
    project.models(one=shared.format(name="One", table="ones"), two=shared.format(name="Two", table="twos"))
    project.make()
    project.migrate()
    project.back_and_forth()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_rows_keep_their_enum_values(project: MigrationProject) -> None:
    before, after = KINDS["a value less of an enum with a default"]
    project.models(school=before)
    project.make()
    project.migrate()
    execute(project, "INSERT INTO courses (id, name, hours) VALUES (1, 'x', 1)")
    project.models(school=after)
    project.make()
    project.migrate()
    with project.engine.connect() as connection:
        assert connection.scalar(text("SELECT level FROM courses")) == "low"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_revision_written_on_sqlite_makes_and_drops_the_type_too(project: MigrationProject) -> None:
    from sqlalchemy import create_engine

    from lback.migrations.making import Maker

    project.models(school=KINDS["a table with an enum"][1])
    engine = create_engine("sqlite://")
    Maker(engine, project.apps, ["school"], project.base).make()
    engine.dispose()
    project.migrate()
    assert project.differences() == ""
    project.back_and_forth()


KEY = """
class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column({kind}, primary_key=True)
    name: Mapped[str] = mapped_column(String(50))

class Lesson(Local):
    __tablename__ = "lessons"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column({kind}, ForeignKey("courses.id"), index=True)
"""


@pytest.mark.parametrize("database_url", ["postgresql", "mysql"], indirect=True)
def test_a_key_that_is_counted_up_may_become_wider(project: MigrationProject) -> None:
    project.models(school=KEY.format(kind="Integer"))
    project.make()
    project.migrate()
    execute(project, "INSERT INTO courses (name) VALUES ('a')", "INSERT INTO lessons (course_id) VALUES (1)")
    project.models(school=KEY.format(kind="BigInteger"))
    assert len(project.make()) == 1
    project.migrate()
    project.back_and_forth()
    assert len(inspect(project.engine).get_foreign_keys("lessons")) == 1
    execute(project, "INSERT INTO courses (name) VALUES ('b')")
    with project.engine.connect() as connection:
        assert list(connection.scalars(text("SELECT id FROM courses ORDER BY id"))) == [1, 2]


@pytest.mark.parametrize("database_url", ["postgresql", "mysql"], indirect=True)
def test_so_may_one_that_another_app_refers_to(project: MigrationProject) -> None:
    def models(kind: str) -> dict[str, str]:
        course, lesson = KEY.format(kind=kind).split("class Lesson")
        return {"school": course, "plans": f"class Lesson{lesson}"}

    project.models(**models("Integer"))
    project.make()
    project.migrate()
    project.models(**models("BigInteger"))
    project.make()
    project.migrate()
    project.back_and_forth()
    assert len(inspect(project.engine).get_foreign_keys("lessons")) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_the_extra_postgresql_says_what_to_install(
    project: MigrationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "lback.migrations.enum_values", raising=False)
    monkeypatch.setitem(sys.modules, "alembic_postgresql_enum.operations", None)
    project.models(school=course())
    with pytest.raises(ConfigurationError, match=r"pip install 'lback-orm\[postgresql\]'"):
        project.make()
