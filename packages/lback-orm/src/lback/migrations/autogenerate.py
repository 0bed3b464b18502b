"""What changed in the models since the last revision of each app, as operations of Alembic's."""

import re
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.compare import _populate_migration_script
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, column, func, inspect, select, table
from sqlalchemy.exc import SAWarning

from lback.core.exceptions import ConfigurationError, LbackError
from lback.migrations import checks, enums
from lback.migrations.fills import Nothing
from lback.migrations.naming import full_name, split_name, table_name
from lback.migrations.renames import Renames, rename_operations, renamed
from lback.migrations.retyping import with_casts, with_keys_apart

# The time of the day as MariaDB writes it, and as the models do.
NOW = re.compile(r"\(?\s*(current_timestamp|now|localtimestamp|localtime)(\(\d*\))?\s*\)?$", re.IGNORECASE)
TRUE_AND_FALSE = {"true": "1", "false": "0"}
PLUGINS = ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"]


class RefusedChange(LbackError):
    """Revisions were not written; the message says what to do first."""


@dataclass(slots=True)
class Comparison:
    """The models beside the database, app by app.

    Args:
        connection: The database.
        metadata: The tables of the models.
        owners: The app of each table.
        apps: The labels of the apps that are compared.
        empty: Those of them whose tables count as not there yet, as they have no revision.
    """

    connection: Connection
    metadata: MetaData
    owners: Mapping[str, str]
    apps: Collection[str]
    empty: Collection[str]
    context: MigrationContext = field(init=False)
    _inspector: Any = field(init=False)

    def __post_init__(self) -> None:
        if self.connection.dialect.name == "postgresql":
            _load_enum_support()
        options: dict[str, Any] = {
            "include_name": self._include_name,
            "include_object": self._include_object,
            "include_schemas": bool(self._schemas()),
            "compare_type": True,
            "compare_server_default": _is_other_default,
            "render_as_batch": True,
            "autogenerate_plugins": PLUGINS,
        }
        self.context = MigrationContext.configure(self.connection, opts=options)

    def operations(self, renames: Renames | None = None) -> list[ops.MigrateOperation]:
        """Return what has to be done to the database for it to fit the models, the tables' enum types included.

        Args:
            renames: What else would look like something that went and something that came.

        Raises:
            RefusedChange: SQLite is to have schemas.
        """
        renames = renames or Renames()
        self._check_schemas()
        inspector = inspect(self.connection)
        first = rename_operations(inspector, renames, self.tables)
        autogen = AutogenContext(self.context, metadata=self.metadata)
        self._inspector = autogen.__dict__["inspector"] = renamed(inspector, renames)
        script = ops.MigrationScript(rev_id=None, upgrade_ops=ops.UpgradeOps([]), downgrade_ops=ops.DowngradeOps([]))
        with warnings.catch_warnings(), enums.kept(self.metadata):
            # What SQLAlchemy can't sort are the circles that `ordering` takes apart.
            warnings.filterwarnings("ignore", message="Cannot correctly sort tables", category=SAWarning)
            _populate_migration_script(autogen, script)
        found = self._adjusted(script.upgrade_ops.ops if script.upgrade_ops is not None else [])
        schemas = [CreateSchema(made) for made in self._missing_schemas(found)]
        return [*schemas, *first, *found]

    def _adjusted(self, found: list[Any]) -> list[Any]:
        """Return what Alembic found with what the database wants besides, and without what is no change."""
        dialect = self.connection.dialect
        checks.spell_out(found, dialect)
        found = [_without_same_keys(operation, dialect.default_schema_name) for operation in found]
        found = [item for item in found if not (isinstance(item, ops.ModifyTableOps) and item.is_empty())]
        if dialect.name == "postgresql":
            found = [with_casts(operation) for operation in found]
        if dialect.name in ("mysql", "mariadb"):
            found = with_keys_apart(found, self.metadata, self._inspector)
        else:
            _forget_counting(found)
        return enums.placed(found, self.metadata, self._is_compared, dialect.name)

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables of the models by their full names, those in the default schema also without it."""
        default = f"{self.connection.dialect.default_schema_name}."
        return {name.removeprefix(default): found for name, found in self.metadata.tables.items()} | dict(
            self.metadata.tables
        )

    def _is_compared(self, name: str) -> bool:
        return self.owners.get(name) in self.apps

    def _schemas(self) -> set[str]:
        """Return the schemas of the tables of all apps, those that are gone from the models included."""
        return {name.rpartition(".")[0] for name in self.owners if "." in name}

    def _include_name(self, name: str | None, kind: str, parents: Any) -> bool:
        if kind == "schema":
            return name is None or name in self._schemas()
        if kind != "table":
            return True
        owner = self.owners.get(full_name(name or "", parents.get("schema_name")))
        return owner in self.apps and owner not in self.empty

    def _include_object(self, item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        if kind == "table":
            return self._is_compared(item.fullname)
        return kind != "check_constraint" or reflected or checks.is_made(item, self.context.dialect)

    def _check_schemas(self) -> None:
        if self.connection.dialect.name == "sqlite":
            for found in self.metadata.tables.values():
                if found.schema and self._is_compared(found.fullname):
                    raise RefusedChange(
                        f"The table {found.fullname} is in the schema {found.schema!r}, and SQLite has no schemas. "
                        "Use PostgreSQL or MariaDB, or leave the schema out of __table_args__."
                    )

    def _missing_schemas(self, found: Iterable[Any]) -> list[Any]:
        """Return an operation that makes a table, for each schema that is not there yet."""
        made = [item for item in found if isinstance(item, ops.CreateTableOp) and item.schema]
        if not made:
            return []
        there = set(inspect(self.connection).get_schema_names())
        return list({item.schema: item for item in reversed(made) if item.schema not in there}.values())

    def check_primary_keys(self) -> None:
        """Refuse what no revision is written for, after the last comparison.

        Raises:
            RefusedChange: A primary key changed.
        """
        inspector = self._inspector
        schemas = self._schemas() & set(inspector.get_schema_names()) if self._schemas() else set()
        there = {schema: set(inspector.get_table_names(schema)) for schema in {None, *schemas}}
        for name, found in self.metadata.tables.items():
            if not self._is_compared(name) or self.owners[name] in self.empty:
                continue
            if found.name not in there.get(found.schema, ()):
                continue
            now = inspector.get_pk_constraint(found.name, found.schema)["constrained_columns"]
            wanted = [item.name for item in found.primary_key.columns]
            if set(now) != set(wanted):
                raise RefusedChange(
                    f"The primary key of {name} changed from {_listed(now)} to {_listed(wanted)}, and no migration is "
                    "written for that, as other tables may refer to it. Make a new table with the new key, copy the "
                    "rows over in a migration of your own (makemigrations --empty), and drop the old table then; or "
                    "leave the key as it was."
                )


def _without_same_keys(operation: Any, default_schema: str | None) -> Any:
    """Leave out foreign keys that are others only in that the models name the schema that is the default."""
    if isinstance(operation, ops.ModifyTableOps):
        dropped = {
            _key(step.reverse(), default_schema): step for step in operation.ops if _is_key(step, ops.DropConstraintOp)
        }
        made = {_key(step, default_schema): step for step in operation.ops if _is_key(step, ops.CreateForeignKeyOp)}
        same = [step for key in dropped.keys() & made.keys() for step in (dropped[key], made[key])]
        operation.ops = [step for step in operation.ops if step not in same]
    return operation


def _is_key(step: Any, kind: type) -> bool:
    return isinstance(step, kind) and getattr(step, "constraint_type", "foreignkey") == "foreignkey"


def _key(step: Any, default_schema: str | None) -> tuple[Any, ...]:
    schema = step.kw.get("referent_schema")
    rules = tuple(step.kw.get(name) for name in ("ondelete", "onupdate", "deferrable", "initially", "match"))
    referred = (None if schema == default_schema else schema, step.referent_table, tuple(step.remote_cols))
    return (tuple(step.local_cols), *referred, *rules)


def _forget_counting(found: Iterable[Any]) -> None:
    """Leave out what Alembic says of ``AUTO_INCREMENT`` for MariaDB, and is warned about elsewhere."""
    for operation in found:
        for step in operation.ops if isinstance(operation, ops.ModifyTableOps) else ():
            for name in ("autoincrement", "existing_autoincrement"):
                getattr(step, "kw", {}).pop(name, None)


def _load_enum_support() -> None:
    """Have Alembic compare the values of PostgreSQL's enum types."""
    try:
        import lback.migrations.enum_values  # noqa: F401 - what it imports registers itself
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "Migrations on PostgreSQL need alembic-postgresql-enum: pip install 'lback-orm[postgresql]'."
        ) from error


def _is_other_default(
    context: Any, inspected: Any, model: Any, old: str | None, default: Any, new: str | None
) -> bool | None:
    """Tell whether a server default is another one, where Alembic takes one for another; None leaves it to Alembic."""
    if not old or not new:
        return None
    # MariaDB writes the time of the day, yes and no in its own way.
    if context.dialect.name in ("mysql", "mariadb"):
        old, new = (TRUE_AND_FALSE.get(said.lower(), said) for said in (old, new))
        if old == new or (NOW.match(old) and NOW.match(new)):
            return False
    # PostgreSQL, which Alembic asks, can't compare with a value that its type doesn't have yet.
    if context.dialect.name == "postgresql" and enums.enum_of(model) is not None:
        return old.partition("::")[0].strip("'") != new.partition("::")[0].strip("'")
    return None


def _listed(names: Iterable[str]) -> str:
    return f"({', '.join(names)})"


class CreateSchema(ops.MigrateOperation):
    """Makes the schema of a table. The way back leaves it, as other things may be in it by then."""

    def __init__(self, made: ops.CreateTableOp) -> None:
        self.table_name = made.table_name
        self.schema = made.schema

    def reverse(self) -> Any:
        """Return nothing."""
        return Nothing()


def losses(connection: Connection, found: Iterable[ops.MigrateOperation], renames: Renames) -> list[str]:
    """Return, in words, what the operations would delete that holds something."""
    lost = []
    for operation in found:
        if isinstance(operation, ops.DropTableOp):
            source = table(operation.table_name, schema=operation.schema)
            rows = connection.scalar(select(func.count()).select_from(source))
            if rows:
                lost.append(f"the table {table_name(operation)} with {_counted(rows)}")
        elif isinstance(operation, ops.ModifyTableOps):
            lost += _lost_columns(connection, operation, renames)
    return lost


def _lost_columns(connection: Connection, operation: ops.ModifyTableOps, renames: Renames) -> list[str]:
    lost = []
    full = table_name(operation)
    for inner in operation.ops:
        if isinstance(inner, ops.DropColumnOp):
            dropped: Any = column(inner.column_name)
            source = table(split_name(renames.old_table(full), operation.schema)[1], dropped, schema=operation.schema)
            rows = connection.scalar(select(func.count()).select_from(source).where(dropped.is_not(None)))
            if rows:
                lost.append(f"the column {full}.{inner.column_name} with {_counted(rows)}")
    return lost


def _counted(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows} rows"


def strays(metadata: MetaData, owners: Mapping[str, str], modules: Mapping[str, str]) -> list[str]:
    """Return, in words, which tables belong to no installed app, so that no revision is written for them.

    Args:
        metadata: The tables of the models.
        owners: The app of each table.
        modules: The module of each table's model.
    """
    found = []
    for name in metadata.tables:
        if name not in owners:
            module = modules.get(name)
            advice = (
                f"its model is in {module}; add the app that holds it to INSTALLED_APPS"
                if module
                else 'it has no model; name its app with Table(..., info={"app": "label"})'
            )
            found.append(f"The table {name} belongs to no installed app, so it gets no migration: {advice}.")
    return found
