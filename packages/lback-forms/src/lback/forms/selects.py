"""The widgets to choose from: lists, and groups of boxes and round buttons."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from markupsafe import Markup

from lback.forms.widget import Widget, attribute_text, escaped, option_value, sent_values

#: One choice is ``(value, label)``, a value that is its own label, or ``(heading, [choice, ...])``.
Choices = Iterable[Any] | Callable[[], Iterable[Any]]
Group = tuple[str | None, list[tuple[Any, Any]]]


class ChoiceWidget(Widget):
    """The base of the widgets that offer choices.

    Args:
        choices: ``[(value, label), ...]``, values alone, ``[(heading, [choice, ...])]``, or a function that returns
            these. A `ChoiceField` sets them.
        attrs: HTML attributes.
    """

    multiple = False

    def __init__(self, choices: Choices = (), attrs: Mapping[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.choices = choices

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> Any:
        """Return what was sent: the list of all values where several can be chosen."""
        return sent_values(data, name) if self.multiple else data.get(name)

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> bool:
        """Tell whether the form had no such widget; where several can be chosen, nothing sent means nothing chosen."""
        return not self.multiple and name not in data

    def _selected(self, value: Any) -> frozenset[str]:
        if not self.multiple:
            return frozenset((option_value(value),))
        if value is None:
            return frozenset()
        values = [value] if isinstance(value, str) or not isinstance(value, Iterable) else value
        return frozenset(option_value(item) for item in values)


class Select(ChoiceWidget):
    """A list to choose one value from. Arguments as for `ChoiceWidget`."""

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the ``<select>`` with its options; see `Widget.render`."""
        selected = self._selected(value)
        groups = list(grouped(self.choices))
        attributes = {"name": name, "multiple": self.multiple} | self.build_attrs(name, attrs)
        if attributes.get("required") and not self.multiple and not _begins_empty(groups):
            # HTML allows `required` here only where the first option is the empty one.
            del attributes["required"]
        body = "".join([_options(heading, options, selected) for heading, options in groups])
        return Markup(f"<select{attribute_text(attributes)}>{body}</select>")  # noqa: S704 - escaped


class SelectMultiple(Select):
    """A list to choose several values from. Arguments as for `ChoiceWidget`."""

    multiple = True


class RadioSelect(ChoiceWidget):
    """A round button for each choice, of which one can be pressed. Arguments as for `ChoiceWidget`."""

    input_type = "radio"
    is_group = True
    group_role: str | None = "radiogroup"

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None) -> Markup:
        """Return the inputs, each with its label; the ``<fieldset>`` or cell around them names and describes them."""
        built = self.build_attrs(name, attrs)
        own_id = built.pop("id")
        # The group is described, not each of its parts. ARIA has no invalid round button, only an invalid group.
        built.pop("aria-describedby", None)
        if not self.multiple:
            built.pop("aria-invalid", None)
        selected, number, parts = self._selected(value), 0, ['<span class="choices">']
        for heading, options in grouped(self.choices):
            if heading is not None:
                parts.append(f'<strong class="choices-heading">{escaped(heading)}</strong>')
            for choice, label in options:
                text, each = option_value(choice), f"{own_id}_{number}"
                tag = {"type": self.input_type, "name": name, "value": text, "id": each, "checked": text in selected}
                shown = escaped(label.name if isinstance(label, Enum) else label)
                parts.append(
                    f'<span class="choice"><input{attribute_text(tag | built)}> <label for="{escaped(each)}">{shown}'
                    "</label></span>"
                )
                number += 1
        return Markup("".join([*parts, "</span>"]))  # noqa: S704 - escaped


class CheckboxSelectMultiple(RadioSelect):
    """A box to tick for each choice. Arguments as for `ChoiceWidget`."""

    input_type = "checkbox"
    multiple = True
    group_role = None
    # Each box would have to be ticked.
    takes_required = False


def grouped(choices: Choices) -> Iterator[Group]:
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
    if isinstance(choice, str):
        return choice, choice
    if isinstance(choice, Sequence):
        value, label = choice
        return value, label
    return choice, choice


def _begins_empty(groups: list[Group]) -> bool:
    return bool(groups) and groups[0][0] is None and option_value(groups[0][1][0][0]) == ""


def _options(heading: str | None, options: list[tuple[Any, Any]], selected: frozenset[str]) -> str:
    parts = []
    for value, label in options:
        text = option_value(value)
        mark = " selected" if text in selected else ""
        shown = escaped(label.name if isinstance(label, Enum) else label)
        parts.append(f'<option value="{escaped(str(text))}"{mark}>{shown}</option>')
    body = "".join(parts)
    return body if heading is None else f'<optgroup label="{escaped(str(heading))}">{body}</optgroup>'
