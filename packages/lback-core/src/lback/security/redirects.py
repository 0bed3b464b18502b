"""Where a redirect may lead when a client named the target."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from lback.core.request import Request


def local_path(path: str) -> str:
    """Return a quoted path that stays on this host: what browsers read as ``//other.host`` loses its extra slashes."""
    return "/" + path.lstrip("/\\")


def is_local(target: str) -> bool:
    """Tell whether every browser reads `target` as a path on this site.

    Backslashes, control characters and spaces at the front are refused, as browsers drop or turn them around.
    """
    if not target.startswith("/") or target.startswith(("//", "/\\")):
        return False
    if "\\" in target or any(ord(character) <= 32 or ord(character) == 127 for character in target):
        return False
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc


def safe_redirect_target(request: "Request", target: str | None, default: str) -> str:
    """Return `target` if it is a path on this site, or an address of this very host; else `default`.

    Args:
        request: The request that names the target.
        target: What the client sent, usually as ``next``.
        default: Where to go otherwise; trusted as it is.
    """
    if not target or len(target) > 2048:
        return default
    own = f"{request.scheme}://{request.host}/"
    if target.startswith(own):
        target = target[len(own) - 1 :]
    return target if is_local(target) else default
