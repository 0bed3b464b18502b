"""The firewall of an application: who is refused by address, program or path, and for how long."""

import re
import threading
import time
from collections.abc import Iterable
from typing import Any

from lback.core.config import Config, typed_keys
from lback.core.exceptions import ConfigurationError
from lback.security.addresses import Networks, client_key, parse_address

DEFAULTS: dict[str, Any] = {
    "ALLOWED_IPS": [],
    "BLOCKED_IPS": [],
    "BLOCKED_NETWORKS": [],
    "BLOCKED_USER_AGENTS": [],
    "BLOCKED_URL_PATTERNS": [],
    "DDOS_MAX_REQUESTS": 0,
    "DDOS_WINDOW_SECONDS": 10,
    "TEMP_BLOCK_SECONDS": 300,
}
# How many clients are counted, and how many blocked, at once. Beyond that the oldest is forgotten.
MAX_CLIENTS = 50_000


class Firewall:
    """Decides who is let in. Without arguments everybody is.

    What is counted and blocked is known to this process alone; several workers each allow that many. For a limit that
    is shared there is `lback.core.limiting`.

    Args:
        allowed_ips: When there are any, nobody else is let in. Addresses and networks.
        blocked_ips: Who is never let in. Addresses and networks.
        blocked_networks: The same.
        blocked_user_agents: Text that is anywhere in the ``User-Agent`` header, in upper or lower case; each character
            stands for itself.
        blocked_url_patterns: Paths, compared as a whole with the path that is routed, without the query; ``*`` stands
            for any text, such as in ``"/wp-*"`` and ``"*.php"``, and nothing else has a meaning of its own.
        ddos_max_requests: A client that sends more than this in a window is blocked for a while; 0, the default, blocks
            nobody. Behind one address there may be a whole school, and a page asks for many files.
        ddos_window_seconds: The length of a window.
        temp_block_seconds: How long such a block lasts.

    Raises:
        ConfigurationError: An argument makes no sense.
    """

    def __init__(
        self,
        allowed_ips: Iterable[str] = (),
        blocked_ips: Iterable[str] = (),
        blocked_networks: Iterable[str] = (),
        blocked_user_agents: Iterable[str] = (),
        blocked_url_patterns: Iterable[str] = (),
        ddos_max_requests: int = DEFAULTS["DDOS_MAX_REQUESTS"],
        ddos_window_seconds: int = DEFAULTS["DDOS_WINDOW_SECONDS"],
        temp_block_seconds: int = DEFAULTS["TEMP_BLOCK_SECONDS"],
    ) -> None:
        self._allowed = Networks("ALLOWED_IPS", allowed_ips)
        self._blocked = Networks("BLOCKED_IPS", blocked_ips), Networks("BLOCKED_NETWORKS", blocked_networks)
        self._by_address = bool(self._allowed) or any(self._blocked)
        self._user_agents = _any_of(_user_agent(text) for text in blocked_user_agents)
        self._paths = _any_of(_pattern(text) for text in blocked_url_patterns)
        if ddos_max_requests < 0 or ddos_window_seconds < 1 or temp_block_seconds < 1:
            raise ConfigurationError(
                "DDOS_MAX_REQUESTS must be 0 or more, DDOS_WINDOW_SECONDS and TEMP_BLOCK_SECONDS 1 or more; they are "
                f"{ddos_max_requests}, {ddos_window_seconds} and {temp_block_seconds}."
            )
        self._max_requests = ddos_max_requests
        self._window = ddos_window_seconds
        self._block_seconds = temp_block_seconds
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._window_ends = 0.0
        self._blocked_until: dict[str, float] = {}

    @classmethod
    def from_config(cls, config: Config) -> "Firewall":
        """Make the firewall of ``FIREWALL_SETTINGS``, whose keys are the arguments in capitals."""
        settings = typed_keys("FIREWALL_SETTINGS", config.FIREWALL_SETTINGS, DEFAULTS)
        return cls(**{name.lower(): value for name, value in settings.items()})

    def is_allowed(self, address: str, user_agent: str = "", path: str = "") -> bool:
        """Tell whether a request is let in; it is not counted."""
        return not self._refused(address, user_agent, path) and not self.is_blocked(address)

    def refusal(self, address: str, user_agent: str, path: str) -> str | None:
        """Count a request, and return why it is refused; None lets it in, empty text is the same reason as before.

        Args:
            address: The client's, as text; what is no address is only let in when there is no list of those allowed.
            user_agent: Its ``User-Agent`` header.
            path: The path, decoded, as it is routed.
        """
        reason = self._refused(address, user_agent, path)
        if reason or not (self._max_requests or self._blocked_until):
            return reason
        key = client_key(address)
        now = time.monotonic()
        with self._lock:
            if self._is_blocked(key, now):
                return ""
            if not self._max_requests or self._add(key, now) <= self._max_requests:
                return None
            self._block(key, now + self._block_seconds)
        return (
            f"It sent more than {self._max_requests} requests in {self._window} seconds, and is blocked for "
            f"{self._block_seconds}."
        )

    def _refused(self, address: str, user_agent: str, path: str) -> str | None:
        if self._by_address:
            parsed = parse_address(address)
            if parsed is not None and any(parsed in networks for networks in self._blocked):
                return "The address is blocked."
            if self._allowed and (parsed is None or parsed not in self._allowed):
                return "The address is not one of those allowed."
        if self._user_agents is not None and self._user_agents.search(user_agent):
            return "The user agent is blocked."
        if self._paths is not None and self._paths.fullmatch(path):
            return "The path is blocked."
        return None

    def _add(self, key: str, now: float) -> int:
        if now >= self._window_ends:
            self._window_ends = now + self._window
            self._counts.clear()
        count = self._counts[key] = self._counts.get(key, 0) + 1
        _bound(self._counts)
        return count

    def block(self, address: str, seconds: float | None = None) -> None:
        """Refuse a client, of IPv6 its whole /64 network, for a while; ``TEMP_BLOCK_SECONDS`` unless given."""
        with self._lock:
            self._block(client_key(address), time.monotonic() + (self._block_seconds if seconds is None else seconds))

    def _block(self, key: str, until: float) -> None:
        self._blocked_until.pop(key, None)
        self._blocked_until[key] = until
        self._counts.pop(key, None)
        _bound(self._blocked_until)

    def unblock(self, address: str) -> None:
        """Let a client in again that was blocked for a while."""
        with self._lock:
            self._blocked_until.pop(client_key(address), None)

    def is_blocked(self, address: str) -> bool:
        """Tell whether a client is blocked for now."""
        with self._lock:
            return self._is_blocked(client_key(address), time.monotonic())

    def _is_blocked(self, key: str, now: float) -> bool:
        until = self._blocked_until.get(key)
        if until is None:
            return False
        if now >= until:
            del self._blocked_until[key]
            return False
        return True


def _bound(clients: dict[str, Any]) -> None:
    """Forget the client that was added first when there are too many."""
    if len(clients) > MAX_CLIENTS:
        del clients[next(iter(clients))]


def _any_of(expressions: Iterable[str]) -> re.Pattern[str] | None:
    found = list(expressions)
    return re.compile("|".join(found), re.DOTALL) if found else None


def _user_agent(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError(f"BLOCKED_USER_AGENTS lists text that is in a User-Agent header, not {text!r}.")
    return f"(?i:{re.escape(text)})"


def _pattern(text: object) -> str:
    """Return the expression for a pattern; what one star skipped is not tried again, so the time stays linear."""
    if not isinstance(text, str) or not text.startswith(("/", "*")) or not text.strip("*"):
        raise ConfigurationError(
            f"BLOCKED_URL_PATTERNS lists paths such as '/wp-*' or '*.php', which begin with a slash or a star, not "
            f"{text!r}."
        )
    first, *others = map(re.escape, text.split("*"))
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>.*?{part})" for part in middle) + f".*{last}"
