"""Whether a row with such values exists already, asked before the database refuses the second one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Index, Table, UniqueConstraint, inspect, select
from sqlalchemy.orm import Mapper, RelationshipDirection
from sqlalchemy.orm.exc import UnmappedColumnError


def taken(
    session: Any,
    mapper: Mapper[Any],
    instance: Any,
    values: Mapping[str, Any],
    leaving: frozenset[tuple[Any, ...]] = frozenset(),
) -> Iterator[tuple[str, ...]]:
    """Iterate over the sets of attributes that must be unique and have values that another row has.

    Args:
        session: The database session.
        mapper: The mapper of the model.
        instance: The row that is being edited, or None for a new one.
        values: The values that the form would save, by attribute.
        leaving: The primary keys of rows that are about to be deleted.
    """
    sent = with_foreign_keys(mapper, values)
    for names in unique_sets(mapper):
        if not any(name in sent for name in names):
            continue
        wanted = {name: sent[name] if name in sent else getattr(instance, name, None) for name in names}
        # In SQL, null is equal to nothing.
        if any(value is None for value in wanted.values()):
            continue
        if _exists(session, mapper, instance, wanted, leaving):
            yield names


def with_foreign_keys(mapper: Mapper[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by attribute, with the foreign keys of the related rows among them."""
    sent = dict(values)
    for name in values:
        if name in mapper.relationships:
            sent |= _foreign_keys(mapper, name, values[name])
    return sent


def unique_sets(mapper: Mapper[Any]) -> Iterator[tuple[str, ...]]:
    """Iterate over the sets of attributes of which no two rows may have the same values."""
    seen = set()
    for table in mapper.tables:
        if not isinstance(table, Table):
            continue
        constraints: list[Iterable[Any]] = [table.primary_key.columns]
        constraints += [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
        constraints += [each.columns for each in table.indexes if each.unique and not _is_partial(each)]
        for columns in constraints:
            try:
                names = tuple(mapper.get_property_by_column(column).key for column in columns)
            except UnmappedColumnError:
                continue  # the model does not have all of the columns
            if names and names not in seen:
                seen.add(names)
                yield names


def _is_partial(index: Index) -> bool:
    if len(index.expressions) != len(index.columns):
        return True  # over an expression, such as lower(name)
    return any(options.get("where") is not None for options in index.dialect_options.values())


def _foreign_keys(mapper: Mapper[Any], name: str, related: Any) -> dict[str, Any]:
    relationship = mapper.relationships[name]
    if relationship.direction is not RelationshipDirection.MANYTOONE:
        return {}
    pairs = relationship.local_remote_pairs or []
    return {
        mapper.get_property_by_column(local).key: None
        if related is None
        else getattr(related, relationship.mapper.get_property_by_column(remote).key)
        for local, remote in pairs
    }


def _exists(
    session: Any,
    mapper: Mapper[Any],
    instance: Any,
    wanted: Mapping[str, Any],
    leaving: frozenset[tuple[Any, ...]],
) -> bool:
    model = mapper.class_
    keys = [getattr(model, mapper.get_property_by_column(column).key) for column in mapper.primary_key]
    statement = (
        select(*keys).where(*(getattr(model, name) == value for name, value in wanted.items())).limit(2 + len(leaving))
    )
    with session.no_autoflush:
        found = [tuple(row) for row in session.execute(statement)]
    state = inspect(instance) if instance is not None else None
    own = state.identity if state is not None and state.has_identity else None
    return any(row != own and row not in leaving for row in found)


def foreign_key_names(mapper: Mapper[Any], names: Iterable[str]) -> dict[str, str]:
    """Return the many-to-one relationships among `names`, by the attributes of their foreign keys."""
    return {
        mapper.get_property_by_column(column).key: name
        for name in names
        if name in mapper.relationships and mapper.relationships[name].direction is RelationshipDirection.MANYTOONE
        for column in mapper.relationships[name].local_columns
    }
