"""The Host header: which hosts a site answers for."""

import re
from collections.abc import Iterable

_HOST = re.compile(
    r"(?P<name>[a-z0-9](?:[a-z0-9.\-_]{0,251}[a-z0-9])?\.?|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)


def host_name(host: str) -> str | None:
    """Return the name in ``name`` or ``name:port`` in lower case, or None if it is neither."""
    match = _HOST.fullmatch(host.lower())
    return match["name"].removesuffix(".") if match else None


def valid_host(host: str, allowed: Iterable[str]) -> bool:
    """Tell whether a Host header is well-formed and names one of `allowed`.

    Args:
        host: The header, with or without a port.
        allowed: Names; ``.example.org`` allows the domain and all below it, ``*`` allows any.
    """
    name = host_name(host)
    if name is None:
        return False
    for pattern in allowed:
        entry = pattern.lower()
        if entry in ("*", name) or (entry.startswith(".") and (name.endswith(entry) or name == entry[1:])):
            return True
    return False
