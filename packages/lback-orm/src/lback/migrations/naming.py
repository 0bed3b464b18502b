"""Names of tables with and without their schema."""

from typing import Any


def full_name(name: str, schema: str | None) -> str:
    """Return the name of a table as metadata has it: with its schema, where it has one."""
    return f"{schema}.{name}" if schema else name


def split_name(name: str, schema: str | None) -> tuple[str | None, str]:
    """Return the schema and the bare name of a table that is known to be in `schema`."""
    return schema, name.removeprefix(f"{schema}.") if schema else name


def table_name(operation: Any) -> str:
    """Return the full name of the table that an operation is about."""
    name: str = getattr(operation, "table_name", None) or operation.source_table
    return full_name(name, getattr(operation, "schema", None))
