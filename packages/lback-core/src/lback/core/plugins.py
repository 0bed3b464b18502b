"""Entry points: how installed packages extend Lback without being imported by it.

Groups: ``lback.commands`` (command line), ``lback.apps`` (short names for INSTALLED_APPS). Reading the metadata of
every installed distribution takes milliseconds, so it is done once a process; nothing is imported until asked for.
"""

import importlib
import sys
from collections.abc import Iterator
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from lback.core.exceptions import ConfigurationError

COMMANDS = "lback.commands"
APPS = "lback.apps"


class Plugin:
    """An entry point of an installed distribution.

    Args:
        name: Its name in the group.
        value: What it names, as ``"package.module:attribute"``.
        distribution: The distribution that brings it.
    """

    __slots__ = ("distribution", "name", "value")

    def __init__(self, name: str, value: str, distribution: str) -> None:
        self.name = name
        self.value = value
        self.distribution = distribution

    def load(self) -> Any:
        """Import the module and return what the entry point names."""
        module_name, _, attribute = self.value.partition("[")[0].partition(":")
        module = importlib.import_module(module_name.strip())
        return attrgetter(attribute.strip())(module) if attribute else module

    def __repr__(self) -> str:
        return f"{self.distribution} ({self.value})"


@cache
def plugins(group: str) -> dict[str, Plugin]:
    """Return the entry points of `group` by name.

    Raises:
        ConfigurationError: Two distributions claim one name; which of them won would be chance.
    """
    found: dict[str, Plugin] = {}
    for plugin in _entry_points(group):
        known = found.setdefault(plugin.name, plugin)
        if known.value != plugin.value:
            raise ConfigurationError(
                f"{known} and {plugin} both claim the name {plugin.name!r} in {group}. Uninstall one of them."
            )
    return found


def _entry_points(group: str) -> Iterator[Plugin]:
    """Read the metadata files as `importlib.metadata` does, whose import costs more than everything in here."""
    if any(Path(entry).is_file() for entry in sys.path):
        # What distributions an archive holds can't be seen from its outside.
        yield from _archived_entry_points(group)
        return
    seen: set[str] = set()
    for entry in sys.path:
        for folder in _metadata_folders(Path(entry)):
            distribution = folder.stem.partition("-")[0]
            # The first one on the import path is the one that is imported.
            if distribution.lower() not in seen:
                seen.add(distribution.lower())
                for name, value in _read(folder / "entry_points.txt", group):
                    yield Plugin(name, value, distribution)


def _archived_entry_points(group: str) -> Iterator[Plugin]:
    from importlib.metadata import entry_points

    for point in entry_points(group=group):
        yield Plugin(point.name, point.value, point.dist.name if point.dist else "a distribution")


def _metadata_folders(entry: Path) -> list[Path]:
    try:
        return [path for path in entry.iterdir() if path.name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return []


def _read(path: Path, group: str) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return
    section = ""
    for line in map(str.strip, text.splitlines() if f"[{group}]" in text else ()):
        if line.startswith("["):
            section = line[1:].rstrip("]")
        elif section == group and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()
