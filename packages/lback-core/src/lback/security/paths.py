"""Joining a path that a client chose to a folder, without leaving it."""

import re
from pathlib import Path

# Names that Windows takes for devices, whatever follows the first dot or space.
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])\s*(?:[.:].*)?", re.IGNORECASE
)


def safe_join(root: Path | str, *parts: str) -> Path | None:
    """Return the path of `parts` below `root`, or None if it would lie outside, in whatever way.

    Refused are ``..``, absolute paths, drives, backslashes, control characters, hidden files, the device names of
    Windows, and links that lead out of `root`. Whether the file exists makes no difference.
    """
    base = Path(root).resolve()
    target = base
    for part in parts:
        if part.startswith("/"):
            return None
        for name in part.split("/"):
            if name in ("", "."):
                continue
            if not _harmless(name):
                return None
            target = target / name
    try:
        resolved = target.resolve()
    except (OSError, RuntimeError):
        return None
    return resolved if resolved == base or base in resolved.parents else None


def is_file(path: Path) -> bool:
    """Tell whether there is a file of that name; one that no file system takes, such as a very long one, names none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _harmless(name: str) -> bool:
    return not (
        name.startswith(".")
        or "\\" in name
        or ":" in name
        or any(ord(character) < 32 or ord(character) == 127 for character in name)
        or _DEVICE.fullmatch(name.strip())
        or len(name) > 255
    )
