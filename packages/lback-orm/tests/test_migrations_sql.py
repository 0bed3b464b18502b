"""The SQL that migrate would run does the same when somebody else runs it."""

import pytest
from sqlalchemy import inspect, text

from lback.migrations.planning import Step
from lback.migrations.runner import current_heads
from lback.migrations.sql import sql_of

from .migration_project import MigrationProject
from .test_migrations_kinds import KINDS


def run(project: MigrationProject, sql: str) -> None:
    """Run a script as a client of the database would."""
    if project.engine.dialect.name == "sqlite":
        connection = project.engine.raw_connection()
        connection.driver_connection.executescript(sql)  # type: ignore[union-attr]
        connection.close()
        return
    with project.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in sql.split(";\n"):
            lines = [line for line in statement.splitlines() if line.strip() and not line.startswith("--")]
            if lines:
                connection.exec_driver_sql("\n".join(lines).rstrip(";"))


@pytest.mark.parametrize("kind", ["all kinds of columns", "a table with an enum", "a foreign key", "no value allowed"])
def test_the_sql_of_all_steps_makes_what_the_steps_make(project: MigrationProject, kind: str) -> None:
    before, after = KINDS[kind]
    project.models(school=before)
    project.make()
    history = project.history
    run(project, sql_of(project.engine, history, [Step(r, True) for r in history.ordered()], ()))
    assert project.differences() == ""
    project.models(school=after)
    project.make()
    history = project.history
    last = history.of("school")[-1]
    run(project, sql_of(project.engine, history, [Step(last, True)], current_heads(project.engine)))
    assert project.differences() == ""
    assert len(project.applied()) == 2
    run(project, sql_of(project.engine, history, [Step(last, False)]))
    assert len(project.applied()) == 1
    assert project.migrate() == 1
    assert project.differences() == ""


def test_printing_sql_changes_nothing(project: MigrationProject) -> None:
    project.models(school=KINDS["a table"][1])
    project.make()
    assert "CREATE TABLE rooms" in sql_of(
        project.engine, project.history, [Step(project.history.ordered()[0], True)], ()
    )
    assert inspect(project.engine).get_table_names() == []


def test_rows_that_a_revision_writes_are_in_its_sql(project: MigrationProject) -> None:
    project.models(school=KINDS["a table"][0])
    project.make()
    project.migrate()
    with project.engine.begin() as connection:
        connection.execute(text("INSERT INTO courses (id, name, hours) VALUES (1, 'x', 1)"))
    project.models(
        school=KINDS["a table"][0].replace("    hours:", "    fee: Mapped[str] = mapped_column(String(9))\n    hours:")
    )
    project.make(defaults={"courses.fee": "it's"})
    last = project.history.of("school")[-1]
    sql = sql_of(project.engine, project.history, [Step(last, True)])
    assert "'it''s'" in sql
    run(project, sql)
    with project.engine.connect() as connection:
        assert connection.scalar(text("SELECT fee FROM courses")) == "it's"
