"""The foreign key by which rows of one model belong to a row of another."""

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.orm import RelationshipDirection

from lback.core.exceptions import ConfigurationError
from lback.forms.models_columns import mapper_of

#: Attributes of the one model, each with the attribute of the other model that it points to.
ForeignKeyPairs = tuple[tuple[str, str], ...]


def foreign_key(model: type, parent: type, column: str | None = None) -> ForeignKeyPairs:
    """Return the foreign key of a model that points to another.

    Args:
        model: The model with the foreign key.
        parent: The model it points to.
        column: An attribute of the foreign key, where there are several to that model.

    Raises:
        ConfigurationError: There is none, or there are several and `column` does not say which.
    """
    mapper, other = mapper_of(model), mapper_of(parent)
    found: list[ForeignKeyPairs] = []
    for table in mapper.tables:
        for rule in table.constraints if isinstance(table, Table) else ():
            if isinstance(rule, ForeignKeyConstraint) and rule.referred_table in other.tables:
                pairs = tuple(
                    (mapper.get_property_by_column(key.parent).key, other.get_property_by_column(key.column).key)
                    for key in rule.elements
                )
                if column is None or column in (name for name, _ in pairs):
                    found.append(pairs)
    if len(found) != 1:
        which = f"{len(found)} foreign keys" if found else "no foreign key"
        named = f" over {column!r}" if column else ""
        advice = " Say which with fk=." if found else ""
        raise ConfigurationError(f"{model.__name__} has {which} to {parent.__name__}{named}; one is needed.{advice}")
    return found[0]


def shown_keys(model: type, pairs: ForeignKeyPairs) -> set[str]:
    """Return what a form could choose the foreign key with: its attributes, and relationships over them."""
    mapper = mapper_of(model)
    names = {name for name, _ in pairs}
    over = {
        each.key
        for each in mapper.relationships
        if each.direction is RelationshipDirection.MANYTOONE
        and {mapper.get_property_by_column(column).key for column in each.local_columns} & names
    }
    return names | over


def relationships_over(parent: type, model: type, pairs: ForeignKeyPairs) -> list[str]:
    """Return the relationships of the parent that hold the rows of the model."""
    mapper = mapper_of(model)
    names = {name for name, _ in pairs}
    return [
        each.key
        for each in mapper_of(parent).relationships
        if each.direction is RelationshipDirection.ONETOMANY
        and each.mapper.class_ is model
        # These hold no rows, but ask the database each time.
        and each.lazy not in ("dynamic", "write_only")
        and {mapper.get_property_by_column(column).key for column in each.remote_side} & names
    ]
