"""The field for a list of values of one kind."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lback.forms.field import Field
from lback.forms.inputs import Textarea
from lback.forms.messages import N_
from lback.forms.text import CharField
from lback.forms.validation import ValidationError


class ListField(Field):
    """Several values of one kind, one in each line; the value is a list.

    Args:
        item: The field that reads a line; text unless given.
        max_items: The most values.
        options: Those of `Field`.
    """

    default_widget = Textarea
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": N_("Enter one value in each line."),
        "item": N_("Line %(number)s: %(message)s"),
        "max_items": N_("Enter at most %(limit)s lines; these are %(count)s."),
    }

    def __init__(self, *, item: Field | None = None, max_items: int = 1000, **options: Any) -> None:
        super().__init__(**options)
        self.item = CharField() if item is None else item
        self.max_items = max_items

    def is_empty(self, value: Any) -> bool:
        """Tell whether there is no value."""
        return super().is_empty(value) or value in ([], ())

    def to_python(self, value: Any) -> list[Any]:
        """Return the values of the lines; empty lines count as none."""
        if isinstance(value, str):
            lines: list[Any] = [line for line in value.split("\n", self.max_items * 2) if line.strip()]
        elif isinstance(value, list | tuple):
            lines = list(value)
        else:
            raise self.error("invalid")
        if len(lines) > self.max_items:
            raise self.error("max_items", limit=self.max_items, count=len(lines))
        return [self._item(number, line) for number, line in enumerate(lines, 1)]

    def _item(self, number: int, line: Any) -> Any:
        try:
            return self.item.clean(line)
        except ValidationError as error:
            raise self.error("item", number=number, message=error.message) from error

    def prepare(self, value: Any) -> Any:
        """Return the values as lines."""
        if not isinstance(value, list | tuple):
            return value
        return "\n".join(str(self.item.prepare(item)) for item in value)
