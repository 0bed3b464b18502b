"""The base of the widgets, and how attributes and values are written into HTML.

Every value and attribute is escaped. A widget holds no data of a request.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Self

from markupsafe import Markup, escape

_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_@:][A-Za-z0-9_.:@-]*", re.ASCII)
_SPECIAL = re.compile("[&<>\"']")
# Names that were found good. They come from the code of a project, so there are few; the limit is for safety.
_checked: set[str] = set()
_MOST_CHECKED = 1000


def html_attributes(attrs: Mapping[str, Any]) -> Markup:
    """Return attributes as they stand in a tag, each with a space in front.

    True gives the bare name; False and None leave the attribute out. Every value is escaped, markup too.

    Raises:
        ValueError: A name that would begin a second attribute or end the tag.
    """
    return Markup(attribute_text(attrs))  # noqa: S704 - the names are checked, the values escaped


def attribute_text(attrs: Mapping[str, Any]) -> str:
    """Return the same as `html_attributes` as plain text, to be a part of a longer piece of HTML."""
    text = ""
    for name, value in attrs.items():
        if name not in _checked:
            _check_name(name)
        if value is True:
            text += f" {name}"
        elif value is not None and value is not False:
            shown = value if type(value) is str else str(value)
            if _SPECIAL.search(shown) is not None:
                shown = escaped(shown)
            text += f' {name}="{shown}"'
    return text


def _check_name(name: str) -> None:
    if _ATTRIBUTE_NAME.fullmatch(name) is None:
        raise ValueError(f"Expected the name of one HTML attribute, such as 'class' or 'data-id'; got {name!r}.")
    if len(_checked) < _MOST_CHECKED:
        _checked.add(name)


def escaped(value: Any) -> str:
    """Return a value as text for HTML; only `Markup` is taken to be HTML already."""
    if type(value) is str and _SPECIAL.search(value) is None:
        return value
    return str(escape(value))


def shown_text(value: Any) -> str:
    """Return the text of a value; nothing for None, nor for a number of more digits than Python writes out."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    try:
        return str(value)
    except ValueError:
        return ""


def option_value(value: Any) -> str:
    """Return the text that stands for a choice in a form: the name of an enum's member, or the text of the value."""
    if type(value) is str:
        return value
    return value.name if isinstance(value, Enum) else shown_text(value)


class Widget:
    """The base of the widgets.

    Args:
        attrs: HTML attributes, such as ``{"class": "wide", "autofocus": True}``.

    Raises:
        ValueError: An attribute name that is none.
    """

    is_hidden = False
    needs_multipart = False
    #: Whether it is several inputs, which a ``<fieldset>`` holds together, rather than one that a label points to.
    is_group = False
    #: The role of that group for assistive software.
    group_role: str | None = None
    #: Whether it shows what there is already even when the form is shown again with what was sent: a file.
    shows_current = False
    #: Whether HTML knows the attribute ``required`` for it.
    takes_required = True

    def __init__(self, attrs: Mapping[str, Any] | None = None) -> None:
        self.attrs: dict[str, Any] = dict(attrs or {})
        for name in self.attrs:
            _check_name(name)

    def copy(self) -> Self:
        """Return a widget for one form, whose `attrs` can be changed without touching other forms."""
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update(self.__dict__)
        twin.attrs = self.attrs.copy()
        return twin

    def build_attrs(self, name: str, attrs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the attributes of the tag: the id, those given by the form, and over them the widget's own."""
        merged: dict[str, Any] = {"id": f"id_{name}"}
        if attrs:
            merged |= attrs
        if self.attrs:
            described = merged.get("aria-describedby")
            merged |= self.attrs
            if described and "aria-describedby" in self.attrs:
                merged["aria-describedby"] = f"{self.attrs['aria-describedby']} {described}"
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


def sent_values(data: Mapping[str, Any], name: str) -> list[Any]:
    """Return all values that were sent under a name, from the data of a request or from a plain mapping."""
    getlist = getattr(data, "getlist", None)
    if getlist is not None:
        return list(getlist(name))
    value = data.get(name)
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
