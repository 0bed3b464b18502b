"""The widgets that are one ``<input>``, and the ``<textarea>``."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from markupsafe import Markup

from lback.forms.messages import translated
from lback.forms.widget import Widget, attribute_text, escaped, sent_values, shown_text

_NOT_CHECKED = frozenset({"", "false", "off", "no", "0"})


class Input(Widget):
    """The base of the widgets that are an ``<input>``."""

    input_type = "text"

    def format_value(self, value: Any) -> str | None:
        """Return the text of the ``value`` attribute, or None for no such attribute."""
        return shown_text(value) or None

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the ``<input>``; see `Widget.render`."""
        start = {"type": self.input_type, "name": name, "value": self.format_value(value)}
        return _input(start | self.build_attrs(name, attrs))


def _input(attributes: Mapping[str, Any]) -> Markup:
    return Markup(f"<input{attribute_text(attributes)}>")  # noqa: S704 - escaped


class TextInput(Input):
    """A line of text."""


class EmailInput(TextInput):
    """A line of text for an e-mail address, checked by the browser as well."""

    input_type = "email"


class URLInput(TextInput):
    """A line of text for a web address, checked by the browser as well."""

    input_type = "url"


class TelInput(TextInput):
    """A line of text for a telephone number."""

    input_type = "tel"


class SearchInput(TextInput):
    """A line of text to search for."""

    input_type = "search"


class PasswordInput(TextInput):
    """A line of text shown as dots. What was entered is never sent back to the browser."""

    input_type = "password"

    def format_value(self, value: Any) -> str | None:
        """Return None, whatever the value is."""
        return None


class NumberInput(Input):
    """A field for numbers, with the browser's arrows to change them."""

    input_type = "number"


class RangeInput(NumberInput):
    """A number on a slider, from ``min`` to ``max``."""

    input_type = "range"
    takes_required = False


class ColorInput(Input):
    """A colour, which is sent as ``#rrggbb``."""

    input_type = "color"
    takes_required = False


class HiddenInput(Input):
    """A value that the visitor does not see."""

    input_type = "hidden"
    is_hidden = True
    takes_required = False


class MultipleHiddenInput(HiddenInput):
    """Several values that the visitor does not see."""

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return one ``<input>`` for each value."""
        values = value if isinstance(value, list | tuple | set | frozenset) else [] if value is None else [value]
        built = self.build_attrs(name, attrs)
        own_id = built.pop("id")
        tags = []
        for index, item in enumerate(values):
            start = {"type": self.input_type, "name": name, "value": shown_text(item), "id": f"{own_id}_{index}"}
            tags.append(_input(start | built))
        return Markup().join(tags)

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> Any:
        """Return the list of the values that were sent."""
        return sent_values(data, name)


class DateInput(Input):
    """A day."""

    input_type = "date"

    def format_value(self, value: Any) -> str | None:
        """Return the day as ``2026-01-31``."""
        if isinstance(value, datetime):
            value = value.date()
        return value.isoformat() if isinstance(value, date) else super().format_value(value)


class MonthInput(Input):
    """A month, which is sent as ``2026-01``."""

    input_type = "month"

    def format_value(self, value: Any) -> str | None:
        """Return the month of a day."""
        return f"{value:%Y-%m}" if isinstance(value, date) else super().format_value(value)


class WeekInput(Input):
    """A week, which is sent as ``2026-W05``."""

    input_type = "week"

    def format_value(self, value: Any) -> str | None:
        """Return the week of a day, as ISO 8601 counts them."""
        if not isinstance(value, date):
            return super().format_value(value)
        year, week, _ = value.isocalendar()
        return f"{year:04}-W{week:02}"


class TimeInput(Input):
    """A time of day."""

    input_type = "time"

    def format_value(self, value: Any) -> str | None:
        """Return the time as ``14:30``, with seconds where there are any."""
        if not isinstance(value, time):
            return super().format_value(value)
        return value.replace(tzinfo=None).isoformat(_precision(value))


class DateTimeInput(Input):
    """A day and a time."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        """Return the moment as ``2026-01-31T14:30``, with seconds where there are any."""
        if not isinstance(value, datetime):
            return super().format_value(value)
        # The browser refuses an offset here.
        return value.replace(tzinfo=None).isoformat("T", _precision(value))


def _precision(value: datetime | time) -> str:
    # The browser takes three digits of a second; more would be an invalid value, which it shows as empty.
    if value.microsecond:
        return "milliseconds"
    return "seconds" if value.second else "minutes"


class FileInput(Input):
    """A file to send. Its value comes from the files of the request, and is never shown."""

    input_type = "file"
    needs_multipart = True

    def format_value(self, value: Any) -> str | None:
        """Return None: a page can't choose a file for its visitor."""
        return None

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> Any:
        """Return the uploaded file, or None."""
        return files.get(name)

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> bool:
        """Tell whether no file was sent."""
        return name not in files


class MultipleFileInput(FileInput):
    """Several files to send."""

    def build_attrs(self, name: str, attrs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the attributes with ``multiple`` among them."""
        return {"multiple": True} | super().build_attrs(name, attrs)

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> Any:
        """Return the list of the uploaded files."""
        return sent_values(files, name)


#: What `ClearableFileInput` reads when the box is ticked; as the value of a field it means that the file is to go.
CLEAR = False
#: What it reads when the box is ticked and a new file chosen.
CONTRADICTION = object()


class ClearableFileInput(FileInput):
    """A file to send, with the one that is there already and a box to take that away."""

    shows_current = True

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the ``<input>``, and the box where `value` is the text that stands for a file."""
        field = super().render(name, None, attrs)
        if not value:
            return field
        box = {"type": "checkbox", "name": f"{name}-clear", "id": f"{self.build_attrs(name, attrs)['id']}_clear"}
        return Markup('{} <span class="current-file">{} {}</span> {}<label for="{}">{}</label>').format(
            field, translated("Currently:"), str(value), _input(box), box["id"], translated("Remove it")
        )

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> Any:
        """Return the uploaded file or None, `CLEAR` when the box is ticked, or `CONTRADICTION`."""
        file = super().value_from_datadict(data, files, name)
        if not is_checked(data.get(f"{name}-clear")):
            return file
        # The browser sends a part without a name where no file was chosen.
        return CONTRADICTION if file is not None and getattr(file, "filename", True) else CLEAR

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> bool:
        """Tell whether neither a file nor a tick was sent."""
        return name not in files and f"{name}-clear" not in data


class CheckboxInput(Input):
    """A box to tick."""

    input_type = "checkbox"

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the box, ticked if the value is true."""
        start = {"type": self.input_type, "name": name, "checked": is_checked(value)}
        return _input(start | self.build_attrs(name, attrs))

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> Any:
        """Return whether the box was ticked. A browser sends nothing for one that is not."""
        return is_checked(data.get(name))

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> bool:
        """Return False, as nothing sent means not ticked."""
        return False


def is_checked(value: Any) -> bool:
    """Tell whether what was sent for a box means that it was ticked."""
    return value.strip().lower() not in _NOT_CHECKED if isinstance(value, str) else bool(value)


class Textarea(Widget):
    """Text of several lines."""

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the ``<textarea>``; see `Widget.render`."""
        text = shown_text(value)
        # HTML drops a line break directly after the tag, so text that begins with one needs another.
        start = "\n" if text.startswith(("\n", "\r")) else ""
        attributes = attribute_text({"name": name} | self.build_attrs(name, attrs))
        return Markup(f"<textarea{attributes}>{start}{escaped(text)}</textarea>")  # noqa: S704 - escaped
