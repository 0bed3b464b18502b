"""The tree of patterns that finds what answers at a path.

It has one level for each segment of a path and one branch for each kind of variable, so that finding something takes as
long as its path is deep, however many patterns there are.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lback.core.converters import Converter, PathConverter, get_converter
from lback.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from lback.core.routing import Endpoints

_VARIABLE = re.compile(r"\{([^{}]*)\}")

# Variables mixed with text are found by regular expressions, whose cost grows faster than the text. Longer text than
# this, in characters, matches none of them.
SEGMENT_LIMIT = 255
TAIL_LIMIT = 2048


Converters = tuple[Converter, ...]


class PatternTree:
    """A tree, or a part of one: a level. Variables have no names here; what is found gives them theirs."""

    __slots__ = ("children", "endpoints", "mixed", "tails", "variables")

    def __init__(self) -> None:
        self.endpoints: Endpoints | None = None
        self.children: dict[str, PatternTree] = {}
        # A segment that is one variable; one that mixes variables and text; the whole rest of the path.
        self.variables: list[tuple[Converter, re.Pattern[str], PatternTree]] = []
        self.mixed: list[tuple[re.Pattern[str], Converters, PatternTree]] = []
        self.tails: list[tuple[re.Pattern[str], Converters, Endpoints]] = []

    def find(self, segments: list[str], index: int, values: list[Any]) -> "Endpoints | None":
        """Return what answers at the segments from `index` on; the values of the variables are added, last first."""
        if index == len(segments):
            return self.endpoints
        segment = segments[index]
        child = self.children.get(segment)
        if child is not None and (found := child.find(segments, index + 1, values)) is not None:
            return found
        for converter, pattern, node in self.variables:
            if pattern.fullmatch(segment) is None:
                continue
            try:
                value = converter.to_python(segment)
            except ValueError:
                continue
            if (found := node.find(segments, index + 1, values)) is not None:
                values.append(value)
                return found
        for pattern, converters, node in self.mixed:
            several = _matched(pattern, converters, segment, SEGMENT_LIMIT)
            if several is not None and (found := node.find(segments, index + 1, values)) is not None:
                values.extend(several)
                return found
        for pattern, converters, endpoints in self.tails:
            several = _matched(pattern, converters, "/".join(segments[index:]), TAIL_LIMIT)
            if several is not None:
                values.extend(several)
                return endpoints
        return None

    def place(self, pattern: str, endpoints: "Endpoints") -> None:
        """Add what answers at a pattern with variables."""
        node = self
        segments = pattern[1:].split("/")
        for index, segment in enumerate(segments):
            if any(variable is not None and _spans(variable[1]) for _, variable in pieces_of(segment)):
                node.tails.append((*_compiled("/".join(segments[index:])), endpoints))
                return
            node = _descend(node, segment)
        node.endpoints = endpoints


def _matched(pattern: re.Pattern[str], converters: Converters, text: str, limit: int) -> list[Any] | None:
    """Return the values of the variables in a text, last first, or None where it doesn't match."""
    if len(text) > limit and pattern.pattern != _WHOLE_TAIL:
        return None
    match = pattern.fullmatch(text)
    if match is None:
        return None
    try:
        values = [converter.to_python(match[f"v{position}"]) for position, converter in enumerate(converters)]
    except ValueError:
        return None
    values.reverse()
    return values


def _spans(converter: Converter) -> bool:
    """Tell whether a variable may hold slashes."""
    regex = converter.regex
    return "/" in regex.replace("[^/]", "") or re.fullmatch(regex, "a/a") is not None


def _descend(node: PatternTree, segment: str) -> PatternTree:
    """Return the node below `node` for a segment of a pattern, made if there is none of this shape yet."""
    pieces = list(pieces_of(segment))
    converters = tuple(variable[1] for _, variable in pieces if variable is not None)
    if not converters:
        return node.children.setdefault(segment, PatternTree())
    if len(pieces) == 1 and not pieces[0][0]:
        (converter,) = converters
        for known_converter, _, child in node.variables:
            if known_converter is converter:
                return child
        child = PatternTree()
        node.variables.append((converter, re.compile(converter.regex), child))
        return child
    pattern, _ = _compiled(segment)
    for known, known_converters, child in node.mixed:
        if known.pattern == pattern.pattern and known_converters == converters:
            return child
    child = PatternTree()
    node.mixed.append((pattern, converters, child))
    return child


def _compiled(text: str) -> tuple[re.Pattern[str], Converters]:
    """Return the expression for a part of a pattern, whose variables are the groups v0, v1, ...

    Of variables that take any number of characters, only the first may hold the text that follows it. Were it all of
    them, the ways to share a path out among them would multiply.

    Raises:
        ConfigurationError: Nothing tells where one variable ends and the next begins.
    """
    pieces = list(pieces_of(text))
    expression: list[str] = []
    converters: list[Converter] = []
    repeated = 0
    for (literal, variable), (follows, _) in zip(pieces, [*pieces[1:], ("", None)], strict=True):
        expression.append(re.escape(literal))
        if variable is None:
            continue
        regex = variable[1].regex
        if _REPEATED.fullmatch(regex):
            repeated += 1
            if repeated > 1 and follows:
                regex = f"(?:(?!{re.escape(follows)}){regex.removesuffix('+')})+"
            if repeated > 1 and (not literal or _spans(variable[1])):
                raise ConfigurationError(f"In {text!r} nothing tells where one variable ends and the next begins.")
        expression.append(f"(?P<v{len(converters)}>{regex})")
        converters.append(variable[1])
    return re.compile("".join(expression)), tuple(converters)


# One class of characters, any number of times.
_REPEATED = re.compile(r"(?:\.|\[[^\]]+\])\+")
_WHOLE_TAIL = f"(?P<v0>{PathConverter.regex})"


def shape_of(pattern: str) -> str:
    """Return a pattern without the names of its variables."""
    return _VARIABLE.sub(lambda match: f"{{:{match[1].partition(':')[2] or 'str'}}}", pattern)


def pieces_of(pattern: str) -> Iterator[tuple[str, tuple[str, Converter] | None]]:
    """Split ``/a/{x:int}/b`` into ("/a/", (x, converter)), ("/b", None)."""
    position = 0
    for match in _VARIABLE.finditer(pattern):
        name, _, kind = match[1].partition(":")
        if not name.isidentifier():
            raise ConfigurationError(f"In {pattern!r}, {match[0]!r} must be {{name}} or {{name:type}}.")
        yield _literal(pattern, position, match.start()), (name, get_converter(kind or "str"))
        position = match.end()
    if position < len(pattern) or not pattern:
        yield _literal(pattern, position, len(pattern)), None


def variable_names(pattern: str) -> list[str]:
    """Return the names of the variables of a pattern, in their order."""
    return [variable[0] for _, variable in pieces_of(pattern) if variable is not None]


def _literal(pattern: str, start: int, end: int) -> str:
    text = pattern[start:end]
    if "{" in text or "}" in text:
        raise ConfigurationError(f"The braces in the pattern {pattern!r} do not pair up.")
    return text
