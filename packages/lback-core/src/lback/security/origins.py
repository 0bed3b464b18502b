"""Origins in settings: scheme, host and port of a site, as a browser sends them."""

import re
from collections.abc import Iterable

from lback.core.exceptions import ConfigurationError

# As browsers write it: in lower case, without a path.
_ORIGIN = re.compile(r"https?://[^/?#@*\sA-Z]+")


def check_origins(setting: str, origins: Iterable[object]) -> None:
    """Refuse what no browser would ever send as an origin.

    Args:
        setting: Where they stand, for the message.
        origins: Such as ``https://app.example.org`` or ``http://localhost:3000``.

    Raises:
        ConfigurationError: One is not an origin.
    """
    for origin in origins:
        if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
            raise ConfigurationError(
                f"{setting} lists origins such as 'https://app.example.org', and this is none: {origin!r}."
            )
