"""Addresses of clients: what somebody is counted under, and sets of addresses and networks."""

import ipaddress
import re
from collections.abc import Iterable

from lback.core.exceptions import ConfigurationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """Return an address, one of IPv4 that is written as one of IPv6 as what it is; None if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


def without_port(text: str) -> str:
    """Return the address in ``203.0.113.7:80`` or ``[2001:db8::1]:80``, as some proxies write; other text as it is."""
    match = _WITH_PORT.fullmatch(text)
    return match[1] or match[2] if match else text


def client_key(address: str) -> str:
    """Return what a client is counted under: its address, of IPv6 the first 64 bits, which are one customer's.

    Args:
        address: As `lback.core.request.Request.remote_addr` has it.
    """
    if ":" not in address:
        return address
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return f"{ipaddress.IPv6Address(int(parsed) >> 64 << 64)}/64"
    return address if parsed is None else str(parsed)


class Networks:
    """A set of addresses and networks. Looking one up takes the same time however many there are.

    Args:
        setting: Where they come from, for the message.
        entries: Such as ``"203.0.113.7"``, ``"203.0.113.0/24"`` or ``"2001:db8::/32"``.

    Raises:
        ConfigurationError: One is neither an address nor a network.
    """

    def __init__(self, setting: str, entries: Iterable[str]) -> None:
        # By version and by how many bits at the end don't count, the bits in front of those.
        self._bits: dict[int, dict[int, set[int]]] = {4: {}, 6: {}}
        for entry in entries:
            try:
                network = ipaddress.ip_network(entry)
            except ValueError as error:
                raise ConfigurationError(
                    f"{setting} lists addresses such as '203.0.113.7' and networks such as '203.0.113.0/24': {error}."
                ) from None
            free = network.max_prefixlen - network.prefixlen
            self._bits[network.version].setdefault(free, set()).add(int(network.network_address) >> free)

    def __bool__(self) -> bool:
        return any(self._bits.values())

    def __contains__(self, address: Address) -> bool:
        number = int(address)
        return any(number >> free in known for free, known in self._bits[address.version].items())
