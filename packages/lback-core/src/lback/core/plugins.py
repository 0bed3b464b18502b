"""Entry points: how installed packages extend Lback without being imported by it.

Groups: ``lback.commands`` (command line), ``lback.apps`` (short names for INSTALLED_APPS). Reading the metadata of
every installed distribution takes milliseconds, so it is done once a process; nothing is imported until asked for.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from lback.core.exceptions import ConfigurationError

COMMANDS = "lback.commands"
APPS = "lback.apps"


@cache
def plugins(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of `group` by name.

    Raises:
        ConfigurationError: Two distributions claim one name; which of them won would be chance.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        known = found.get(point.name)
        # The same distribution may be found twice, through an editable install and its metadata folder.
        if known is not None and known.value != point.value:
            raise ConfigurationError(
                f"{_claimant(known)} and {_claimant(point)} both claim the name {point.name!r} in {group}. "
                "Uninstall one of them."
            )
        found[point.name] = point
    return found


def _claimant(point: EntryPoint) -> str:
    return f"{point.dist.name} ({point.value})" if point.dist else point.value
