"""Whose a table is, and what is said of those that are nobody's; schemas; types of the project."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from lback.core.apps import App
from lback.migrations.autogenerate import RefusedChange
from lback.migrations.making import is_absent
from lback.migrations.ownership import table_owners

from .migration_project import MigrationProject

COURSE = """
class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_of_nested_apps_the_inner_one_owns_what_is_in_it(project: MigrationProject, order: slice) -> None:
    project.models(shop=COURSE)
    inner = project.folder / project.name / "shop" / "orders"
    inner.mkdir()
    (inner / "__init__.py").write_text("")
    shared = project.base.__module__
    (inner / "models.py").write_text(
        f"from sqlalchemy.orm import Mapped, mapped_column\nfrom {shared} import Local\n"
        + COURSE.replace("Course", "Order").replace("courses", "orders")
    )
    apps = [*project.apps, App("orders", f"{project.name}.shop.orders")]
    for app in apps:
        app.import_models()
    assert table_owners(apps[order], project.base) == {"courses": "shop", "orders": "orders"}


def test_tables_of_no_installed_app_are_told(project: MigrationProject) -> None:
    project.models(
        school=COURSE + "Table('loose', Local.metadata, Column('id', Integer, primary_key=True))\n",
        gone=COURSE.replace("Course", "Lesson").replace("courses", "lessons"),
    )
    project.apps = project.apps[:1]
    told = project.maker.strays
    assert len(told) == 2
    assert "The table loose belongs to no installed app" in told[0]
    assert 'info={"app": "label"}' in told[0]
    assert f"its model is in {project.name}.gone." in told[1]
    assert "INSTALLED_APPS" in told[1]
    assert project.make() == ["school/0001_initial"]


SCHEMA = """
class Course(Local):
    __tablename__ = "courses"
    __table_args__ = {{"schema": "{schema}"}}
    id: Mapped[int] = mapped_column(primary_key=True)
{more}
class Lesson(Local):
    __tablename__ = "lessons"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("{schema}.courses.id"), index=True)
"""


@pytest.fixture
def schema(project: MigrationProject) -> str:
    """The name of a schema that is not there yet, and not afterwards."""
    name = f"other_{project.engine.url.database}"[:60]
    yield name
    with project.engine.begin() as connection:
        left = [table for table in inspect(connection).get_table_names() if table == "lessons"]
        for table in left:
            connection.execute(text(f"DROP TABLE {table}"))
        cascade = " CASCADE" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP SCHEMA IF EXISTS {name}{cascade}"))


@pytest.mark.parametrize("database_url", ["postgresql", "mysql"], indirect=True)
def test_tables_may_be_in_a_schema_of_their_own(project: MigrationProject, schema: str) -> None:
    project.models(school=SCHEMA.format(schema=schema, more=""))
    project.make()
    project.migrate()
    assert project.history.of("school")[0].tables == (f"{schema}.courses", "lessons")
    assert inspect(project.engine).get_table_names(schema) == ["courses"]
    project.back_and_forth()
    more = "    note: Mapped[str | None] = mapped_column(String(20), index=True)\n"
    project.models(school=SCHEMA.format(schema=schema, more=more))
    assert project.make() == ["school/0002_add_note_to_courses"]
    project.migrate()
    project.back_and_forth()
    with project.engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {schema}.courses (id, note) VALUES (1, 'x')"))
    project.models(school=SCHEMA.format(schema=schema, more=more.replace("note", "remark")))
    project.make(renames=[f"{schema}.courses.note:remark"])
    project.migrate()
    project.back_and_forth()
    with project.engine.connect() as connection:
        assert connection.scalar(text(f"SELECT remark FROM {schema}.courses")) == "x"
    project.models(school="")
    with pytest.raises(RefusedChange, match=rf"the table {schema}\.courses with 1 row"):
        project.make()
    project.make(allow_data_loss=True)
    project.migrate()
    assert project.differences() == ""


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_default_schema_may_be_named(project: MigrationProject) -> None:
    project.models(school=SCHEMA.format(schema="public", more=""))
    project.make()
    project.migrate()
    project.back_and_forth()
    with project.engine.begin() as connection:
        connection.execute(text("INSERT INTO courses (id) VALUES (1)"))
    project.models(school=SCHEMA.format(schema="public", more="    hours: Mapped[int]\n"))
    project.make(defaults={"courses.hours": "3"})
    project.migrate()
    project.models(school=SCHEMA.format(schema="public", more="    length: Mapped[int]\n"))
    project.make(renames=["courses.hours:length"])
    project.migrate()
    project.back_and_forth()
    with project.engine.connect() as connection:
        assert connection.scalar(text("SELECT length FROM courses")) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_has_no_schemas_and_that_is_said(project: MigrationProject) -> None:
    project.models(school=SCHEMA.format(schema="other", more=""))
    with pytest.raises(RefusedChange, match=r"other\.courses is in the schema 'other', and SQLite has no schemas"):
        project.make()


TYPES = """
class Money(TypeDecorator):
    impl = Numeric
    cache_ok = True
    def __init__(self, currency, digits=2):
        self.currency = currency
        super().__init__(12, digits)

class Guid(TypeDecorator):
    impl = String(32)
    cache_ok = True
    def load_dialect_impl(self, dialect):
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else String(32))

class Tags(TypeDecorator):
    impl = String
    cache_ok = True

class Price(Local):
    __tablename__ = "prices"
    id: Mapped[int] = mapped_column(primary_key=True)
    amount = Column(Money("EUR", digits=3), nullable=False)
    guid = Column(Guid())
    tags = Column(Tags(100))
    level = Column(Enum("low", "high", name="level"))
"""


def test_types_of_the_project_are_written_as_what_they_are_in_the_database(project: MigrationProject) -> None:
    project.models(school=TYPES)
    project.make()
    written = project.file("school", "0001_initial.py").read_text()
    assert "sa.Numeric(precision=12, scale=3)" in written
    assert project.name not in written
    project.migrate()
    project.back_and_forth()


def test_an_absent_file_is_told_from_a_database_that_is_there(tmp_path: Path) -> None:
    there = tmp_path / "there.sqlite"
    there.touch()
    missing = tmp_path / "missing.sqlite"
    cases = {
        f"sqlite:///{there}": False,
        f"sqlite:///{missing}": True,
        f"sqlite:///file:{there}?uri=true": False,
        f"sqlite:///file:{there}?mode=ro&uri=true": False,
        f"sqlite:///file://{there}?uri=true": False,
        f"sqlite:///file:{missing}?uri=true": True,
        "sqlite:///file:name?mode=memory&cache=shared&uri=true": False,
        "sqlite:///file::memory:?uri=true": False,
        "sqlite://": False,
        "postgresql://host/name": False,
    }
    assert {url: is_absent(make_url(url)) for url in cases} == cases


def test_a_database_given_as_a_uri_is_compared_not_taken_for_empty(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///file:{tmp_path / 'db.sqlite'}?uri=true")
    project = MigrationProject(tmp_path, engine)
    sys.path.insert(0, str(tmp_path))
    try:
        project.models(school=COURSE)
        project.make()
        project.migrate()
        assert project.make() == []
    finally:
        sys.path.remove(str(tmp_path))
        engine.dispose()


KEYED = """
class Course(Local):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key={key})
    code: Mapped[str] = mapped_column(String(9), primary_key={code})
"""


def test_a_changed_primary_key_is_refused_with_what_to_do(project: MigrationProject) -> None:
    project.models(school=KEYED.format(key=True, code=False))
    project.make()
    project.migrate()
    project.models(school=KEYED.format(key=False, code=True))
    sentence = r"primary key of courses changed from \(id\) to \(code\).*makemigrations --empty.*drop the old table"
    with pytest.raises(RefusedChange, match=sentence):
        project.make()
