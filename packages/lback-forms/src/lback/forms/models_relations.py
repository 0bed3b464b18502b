"""Fields that choose rows of another model: one (many-to-one) or several (many-to-many).

They need a database session: the form's, that of the object being edited, or that of the current request.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar, Self
from urllib.parse import quote, unquote
from uuid import UUID

from sqlalchemy import Select as SelectStatement
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Mapper, class_mapper, object_mapper
from sqlalchemy.types import TypeEngine

from lback.core.context import current_request
from lback.core.numbers import LARGEST_INTEGER
from lback.forms.choices import ChoiceField
from lback.forms.messages import N_
from lback.forms.selects import SelectMultiple
from lback.forms.text import has_surrogate

#: A list shows at most so many rows; what is chosen already is shown in any case.
MAX_OPTIONS = 1000
_MAX_KEY = 500
# Databases take a few thousand parameters in a statement.
_BATCH = 500


class ModelChoiceField(ChoiceField):
    """One row of a model.

    Args:
        model: The mapped class.
        query: A ``select(model)`` that says which rows may be chosen; all of them unless given.
        empty_label: The text of the option for nothing.
        db_session: The session; see the module.
        options: Those of `lback.forms.fields.Field`.
    """

    default_error_messages: ClassVar[Mapping[str, str]] = {"choice": N_("Choose one of the entries offered.")}

    def __init__(
        self,
        model: type,
        *,
        query: SelectStatement[Any] | None = None,
        empty_label: str = "---------",
        db_session: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(empty_value=None, **options)
        self.model = model
        self.query = query
        self.empty_label = empty_label
        self.db_session = db_session
        #: Where the same field of several forms keeps what it offers, so that it is asked for once.
        self.shared: dict[str, list[Any]] = {}

    @property
    def session(self) -> Any:
        """The database session.

        Raises:
            RuntimeError: There is none.
        """
        found = self.db_session if self.db_session is not None else request_session()
        if found is None:
            raise RuntimeError(
                f"Choosing a {self.model.__name__} needs a database session."
                " Outside of a request pass one: MyForm(..., db_session=session)."
            )
        return found

    def rows(self, *conditions: Any, limit: int | None = None) -> list[Any]:
        """Return rows that may be chosen, in the order of `query`, or of the primary key."""
        statement = select(self.model) if self.query is None else self.query
        if self.query is None:
            statement = statement.order_by(*_key_columns(self.model))
        if conditions:
            statement = statement.where(*conditions)
        if limit is not None:
            statement = statement.limit(limit)
        # Objects that are not ready to be written must not be written by a look at what there is.
        with self.session.no_autoflush:
            return list(self.session.scalars(statement).unique())

    def options(self, value: Any) -> list[tuple[str, str]]:
        """Return the rows to show when `value` is chosen."""
        if "rows" not in self.shared:
            self.shared["rows"] = self.rows(limit=MAX_OPTIONS)
        rows = self.shared["rows"]
        if len(rows) == MAX_OPTIONS:
            shown = {key_text(row) for row in rows}
            rows = [*rows, *(row for row in self.find(self.chosen(value)) if key_text(row) not in shown)]
        pairs = [(key_text(row), self.label_from_instance(row)) for row in rows]
        if self.query is None:
            pairs.sort(key=lambda pair: pair[1].casefold())
        return pairs if isinstance(self.widget, SelectMultiple) else [("", self.empty_label), *pairs]

    def label_from_instance(self, instance: Any) -> str:
        """Return what a row is called in the list; override it for something else than `describe`."""
        return describe(instance)

    def chosen(self, value: Any) -> list[Any]:
        """Return the texts of the keys in what is shown or was sent."""
        return [] if value is None or value == "" else [value]

    def copy(self) -> Self:
        """Return a field for one form, which keeps nothing of what others have asked for."""
        twin = super().copy()
        twin.shared = {}
        return twin

    def has_changed(self, initial: Any, sent: Any) -> bool:
        """Tell whether other keys were sent, without asking the database."""
        return self._keys(self.prepare(initial)) != self._keys(sent)

    def _keys(self, value: Any) -> set[Any]:
        return {parse_key(self.model, text) for text in self.chosen(value)}

    def find(self, texts: Iterable[Any]) -> list[Any]:
        """Return the rows that may be chosen and have these keys; a forged key finds none."""
        keys = list(dict.fromkeys(key for text in texts if (key := parse_key(self.model, text)) is not None))
        columns = _key_columns(self.model)
        keyed = tuple_(*columns)
        found: list[Any] = []
        for start in range(0, len(keys), _BATCH):
            batch = keys[start : start + _BATCH]
            # Not every database compares tuples, so only where the key has several columns.
            found += self.rows(columns[0].in_([key[0] for key in batch]) if len(columns) == 1 else keyed.in_(batch))
        return found

    def to_python(self, value: Any) -> Any:
        """Return the row whose key was sent."""
        if isinstance(value, self.model):
            return value
        found = self.find([value])
        if len(found) != 1:
            raise self.error("choice")
        return found[0]

    def prepare(self, value: Any) -> Any:
        """Return the text of the key of a row."""
        return key_text(value) if isinstance(value, self.model) else value


class ModelMultipleChoiceField(ModelChoiceField):
    """Several rows of a model, as a list. Options as for `ModelChoiceField`."""

    default_widget = SelectMultiple
    default_error_messages: ClassVar[Mapping[str, str]] = {"list": N_("Choose from the entries offered.")}

    def is_empty(self, value: Any) -> bool:
        """Tell whether nothing was chosen."""
        return super().is_empty(value) or (isinstance(value, list | tuple) and all(item == "" for item in value))

    def clean(self, value: Any) -> Any:
        """Return the list of the rows chosen, each once."""
        return list(super().clean(value) or ())

    def chosen(self, value: Any) -> list[Any]:
        """Return the texts of the keys in what is shown or was sent."""
        return [item for item in value if item != ""] if isinstance(value, list | tuple) else []

    def to_python(self, value: Any) -> Any:
        """Return the rows whose keys were sent."""
        if not isinstance(value, list | tuple):
            raise self.error("list")
        instances = [item for item in value if isinstance(item, self.model)]
        texts = {item for item in value if isinstance(item, str) and item != ""}
        if len(instances) + sum(isinstance(item, str) for item in value) != len(value):
            raise self.error("list")
        found = self.find(texts)
        if len(found) != len(texts):
            raise self.error("list")
        return [*instances, *found]

    def prepare(self, value: Any) -> Any:
        """Return the texts of the keys of rows."""
        if value is None or isinstance(value, str):
            return value
        return [key_text(item) if isinstance(item, self.model) else str(item) for item in value]


def request_session() -> Any:
    """Return the database session of the current request, or None where there is none."""
    request = current_request()
    return None if request is None else getattr(request, "db_session", None)


def describe(instance: Any) -> str:
    """Return what a row is called: its ``__str__``, or its name or title, or the model with the key."""
    kind = type(instance)
    if any("__str__" in vars(base) for base in kind.__mro__[:-1]):
        return str(instance)
    for name in ("name", "title", "label", "username"):
        value = getattr(instance, name, None)
        if isinstance(value, str) and value:
            return value
    return f"{kind.__name__} {key_text(instance)}"


def _key_columns(model: type) -> list[Any]:
    mapper: Mapper[Any] = class_mapper(model)
    return [getattr(model, mapper.get_property_by_column(column).key) for column in mapper.primary_key]


def key_text(instance: Any) -> str:
    """Return the primary key of a row as text; several columns are joined with a comma."""
    mapper: Mapper[Any] = object_mapper(instance)
    return ",".join(quote(str(part), safe="") for part in mapper.primary_key_from_instance(instance))


def parse_key(model: type, text: Any) -> tuple[Any, ...] | None:
    """Return the primary key that a text stands for, or None when no row can have it."""
    mapper: Mapper[Any] = class_mapper(model)
    columns = mapper.primary_key
    if not isinstance(text, str):
        text = str(text) if isinstance(text, int) and -LARGEST_INTEGER <= text <= LARGEST_INTEGER else ""
    parts = text.split(",") if len(text) <= _MAX_KEY else []
    if len(parts) != len(columns):
        return None
    try:
        return tuple(_typed(column.type, unquote(part)) for column, part in zip(columns, parts, strict=True))
    except (ValueError, ArithmeticError):
        return None


def _typed(kind: TypeEngine[Any], text: str) -> Any:
    try:
        wanted = kind.python_type
    except NotImplementedError:
        wanted = str
    if "\0" in text or has_surrogate(text):
        raise ValueError(text)
    if wanted is int:
        if not (text.isascii() and text.removeprefix("-").isdigit()) or not -(2**63) <= int(text) < 2**63:
            raise ValueError(text)
        return int(text)
    if wanted in (datetime, date, time):
        return wanted.fromisoformat(text)
    if wanted in (UUID, Decimal, float):
        return wanted(text)
    return text
