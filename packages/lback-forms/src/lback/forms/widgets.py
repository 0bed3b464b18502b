"""Widgets: how a field looks in HTML, and where its value lies in what the browser sends back.

Every value, attribute, choice and label is escaped. A widget holds no data of a request.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from enum import Enum
from typing import Any, Self

from markupsafe import Markup, escape

#: One choice is ``(value, label)``, a value that is its own label, or ``(heading, [choice, ...])``.
Choices = Iterable[Any] | Callable[[], Iterable[Any]]

_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_@:][A-Za-z0-9_.:@-]*", re.ASCII)
_NOT_CHECKED = frozenset({"", "false", "off", "no", "0"})


def html_attributes(attrs: Mapping[str, Any]) -> Markup:
    """Return attributes as they stand in a tag, each with a space in front.

    True gives the bare name; False and None leave the attribute out.

    Raises:
        ValueError: A name that would begin a second attribute or end the tag.
    """
    parts = []
    for name, value in attrs.items():
        if _ATTRIBUTE_NAME.fullmatch(name) is None:
            raise ValueError(f"Expected the name of one HTML attribute, such as 'class' or 'data-id'; got {name!r}.")
        if value is True:
            parts.append(f" {name}")
        elif value is not None and value is not False:
            parts.append(f' {name}="{escape(value)}"')
    return Markup("".join(parts))  # noqa: S704 - the names are checked, the values escaped


def option_value(value: Any) -> str:
    """Return the text that stands for a choice in a form: the name of an enum's member, or the text of the value."""
    return value.name if isinstance(value, Enum) else shown_text(value)


def shown_text(value: Any) -> str:
    """Return the text of a value; nothing for None, nor for a number of more digits than Python writes out."""
    if value is None:
        return ""
    try:
        return str(value)
    except ValueError:
        return ""


class Widget:
    """The base of the widgets.

    Args:
        attrs: HTML attributes, such as ``{"class": "wide", "autofocus": True}``.

    Raises:
        ValueError: An attribute name that is none.
    """

    is_hidden = False
    needs_multipart = False

    def __init__(self, attrs: Mapping[str, Any] | None = None) -> None:
        self.attrs: dict[str, Any] = dict(attrs or {})
        html_attributes(self.attrs)

    def copy(self) -> Self:
        """Return a widget for one form, whose `attrs` can be changed without touching other forms."""
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update(self.__dict__)
        twin.attrs = self.attrs.copy()
        return twin

    def build_attrs(self, name: str, attrs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the attributes of the tag: the id, those given by the form, and over them the widget's own."""
        merged = {"id": f"id_{name}", **(attrs or {}), **self.attrs}
        if attrs and attrs.get("aria-describedby") and "aria-describedby" in self.attrs:
            merged["aria-describedby"] = f"{self.attrs['aria-describedby']} {attrs['aria-describedby']}"
        return merged

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the HTML.

        Args:
            name: The name under which the browser sends the value.
            value: What to show: a Python value, or the text that was sent; None for nothing.
            attrs: Further attributes.
        """
        raise NotImplementedError(f"{type(self).__name__} has no render(name, value, attrs).")

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> Any:
        """Return what was sent for this widget, as it was sent; None when nothing was."""
        return data.get(name)

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> bool:
        """Tell whether the form that was sent had no such widget."""
        return name not in data


class Input(Widget):
    """The widgets that are an ``<input>``."""

    input_type = "text"

    def format_value(self, value: Any) -> str | None:
        """Return the text of the ``value`` attribute, or None for no such attribute."""
        return shown_text(value) or None

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the ``<input>``; see `Widget.render`."""
        start = {"type": self.input_type, "name": name, "value": self.format_value(value)}
        return Markup("<input{}>").format(html_attributes(start | self.build_attrs(name, attrs)))


class TextInput(Input):
    """A line of text."""


class EmailInput(TextInput):
    """A line of text for an e-mail address, checked by the browser as well."""

    input_type = "email"


class NumberInput(TextInput):
    """A field for numbers, with the browser's arrows to change them."""

    input_type = "number"


class HiddenInput(Input):
    """A value that the visitor does not see."""

    input_type = "hidden"
    is_hidden = True


class PasswordInput(TextInput):
    """A line of text shown as dots. What was entered is never sent back to the browser."""

    input_type = "password"

    def format_value(self, value: Any) -> str | None:
        """Return None, whatever the value is."""
        return None


class DateInput(Input):
    """A day."""

    input_type = "date"

    def format_value(self, value: Any) -> str | None:
        """Return the day as ``2026-01-31``."""
        if isinstance(value, datetime):
            value = value.date()
        return value.isoformat() if isinstance(value, date) else super().format_value(value)


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


class CheckboxInput(Input):
    """A box to tick."""

    input_type = "checkbox"

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the box, ticked if the value is true."""
        start = {"type": self.input_type, "name": name, "checked": is_checked(value)}
        return Markup("<input{}>").format(html_attributes(start | self.build_attrs(name, attrs)))

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
        attributes = html_attributes({"name": name} | self.build_attrs(name, attrs))
        return Markup("<textarea{}>{}{}</textarea>").format(attributes, start, text)


class Select(Widget):
    """A list to choose one value from.

    Args:
        choices: ``[(value, label), ...]``, values alone, ``[(heading, [choice, ...])]``, or a function that returns
            these. A `ChoiceField` sets them.
        attrs: HTML attributes.
    """

    multiple = False

    def __init__(self, choices: Choices = (), attrs: Mapping[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.choices = choices

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the ``<select>`` with its options; see `Widget.render`."""
        selected = self._selected(value)
        groups = list(grouped(self.choices))
        attributes = {"name": name, "multiple": self.multiple} | self.build_attrs(name, attrs)
        if attributes.get("required") and not self.multiple and not _begins_empty(groups):
            # HTML allows `required` here only where the first option is the empty one.
            del attributes["required"]
        body = Markup().join(_group(heading, options, selected) for heading, options in groups)
        return Markup("<select{}>{}</select>").format(html_attributes(attributes), body)

    def _selected(self, value: Any) -> frozenset[str]:
        return frozenset((option_value(value),))


class SelectMultiple(Select):
    """A list to choose several values from."""

    multiple = True

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> Any:
        """Return the list of the values that were sent."""
        getlist = getattr(data, "getlist", None)
        if getlist is not None:
            return getlist(name)
        value = data.get(name)
        if value is None:
            return []
        return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> bool:
        """Return False, as nothing sent means nothing chosen."""
        return False

    def _selected(self, value: Any) -> frozenset[str]:
        if value is None:
            return frozenset()
        values = [value] if isinstance(value, str) or not isinstance(value, Iterable) else value
        return frozenset(option_value(item) for item in values)


def grouped(choices: Choices) -> Iterator[tuple[str | None, list[tuple[Any, Any]]]]:
    """Iterate over choices as ``(heading, [(value, label), ...])``; the heading is None outside of groups."""
    loose: list[tuple[Any, Any]] = []
    # A class of enum can be called as well, so that comes second.
    for item in choices if isinstance(choices, Iterable) else choices():
        value, label = _pair(item)
        if isinstance(label, list | tuple):
            if loose:
                yield None, loose
                loose = []
            yield value, [_pair(choice) for choice in label]
        else:
            loose.append((value, label))
    if loose:
        yield None, loose


def _pair(choice: Any) -> tuple[Any, Any]:
    if isinstance(choice, Sequence) and not isinstance(choice, str):
        value, label = choice
        return value, label
    return choice, choice


def _begins_empty(groups: list[tuple[str | None, list[tuple[Any, Any]]]]) -> bool:
    return bool(groups) and groups[0][0] is None and option_value(groups[0][1][0][0]) == ""


def _group(heading: str | None, options: list[tuple[Any, Any]], selected: frozenset[str]) -> Markup:
    body = Markup().join(_option(value, label, selected) for value, label in options)
    return body if heading is None else Markup('<optgroup label="{}">{}</optgroup>').format(heading, body)


def _option(value: Any, label: Any, selected: frozenset[str]) -> Markup:
    text = option_value(value)
    mark = Markup(" selected") if text in selected else ""
    shown = label.name if isinstance(label, Enum) else label
    return Markup('<option value="{}"{}>{}</option>').format(text, mark, shown)
