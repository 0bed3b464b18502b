"""Which app a table belongs to."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase, Mapper

from lback.core.apps import App
from lback.models.base import Base


def table_owners(apps: Sequence[App], base: type[DeclarativeBase] = Base) -> dict[str, str]:
    """Return the label of the app that owns each table, by the full name of the table.

    A table belongs to the app whose module its model is defined in. One without a model belongs to the app that its
    ``info={"app": label}`` names, or to that of a model whose many-to-many relationship goes through it. Tables of no
    app are left out: migrations do not touch them.
    """
    owners: dict[str, str] = {}
    labels = {mapper: _app_of_module(mapper.class_.__module__, apps) for mapper in _mappers(base)}
    for mapper, label in labels.items():
        if label is not None and isinstance(mapper.local_table, Table):
            owners.setdefault(mapper.local_table.fullname, label)
    for table in base.metadata.tables.values():
        if table.info.get("app") is not None:
            owners[table.fullname] = table.info["app"]
    # Relationships are looked at where a table has no owner yet, as that means configuring all mappers.
    if base.metadata.tables.keys() - owners.keys():
        for mapper, label in labels.items():
            if label is not None:
                for secondary in _association_tables(mapper):
                    owners.setdefault(secondary.fullname, label)
    return owners


def model_modules(base: type[DeclarativeBase] = Base) -> dict[str, str]:
    """Return the module of the model of each table that has one, by the full name of the table."""
    return {
        mapper.local_table.fullname: mapper.class_.__module__
        for mapper in reversed(_mappers(base))
        if isinstance(mapper.local_table, Table)
    }


def _mappers(base: type[DeclarativeBase]) -> list[Mapper[Any]]:
    return sorted(base.registry.mappers, key=lambda mapper: f"{mapper.class_.__module__}.{mapper.class_.__qualname__}")


def _association_tables(mapper: Mapper[Any]) -> Iterable[Table]:
    for prop in mapper.relationships:
        if isinstance(prop.secondary, Table):
            yield prop.secondary


def _app_of_module(module: str, apps: Sequence[App]) -> str | None:
    """Return the app whose package holds a module; of nested ones, the innermost."""
    holding = [
        (len(owned), app.label)
        for app in apps
        for owned in (app.models_module, app.module)
        if module == owned or module.startswith(f"{owned}.")
    ]
    return max(holding)[1] if holding else None
