"""What the headers of a file say: its type, and the name to save it under."""

import mimetypes
from urllib.parse import quote

_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def type_of_file(name: str) -> str:
    """Return the content type of a file, judged by its name; text is taken to be UTF-8."""
    kind, encoding = mimetypes.guess_type(name, strict=True)
    if encoding is not None:
        return _COMPRESSED.get(encoding, "application/octet-stream")
    if kind is None:
        return "application/octet-stream"
    text = kind.startswith("text/") or kind in ("application/javascript", "application/json")
    return f"{kind}; charset=utf-8" if text else kind


def content_disposition(name: str, *, attachment: bool) -> str:
    """Return the value of ``Content-Disposition`` for a file of that name (RFC 6266).

    Args:
        name: The name, in any script; folders and control characters in it are left out.
        attachment: Whether browsers should save the file and not show it.
    """
    kind = "attachment" if attachment else "inline"
    shown = "".join(character for character in name.replace("\\", "/").rpartition("/")[2] if character.isprintable())
    plain = "".join(character if " " <= character <= "~" else "_" for character in shown)
    plain = plain.replace('"', "'").replace("%", "_")
    if not shown:
        return kind
    if plain == shown:
        return f'{kind}; filename="{plain}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"
