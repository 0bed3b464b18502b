"""Keeping uploaded files in ``UPLOAD_FOLDER``, under names of our own.

The name that a client gives is never a path here: of it only a harmless ending is kept.
"""

import mimetypes
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lback.core.config import Config
from lback.core.exceptions import ValidationError
from lback.core.uploads import UploadedFile
from lback.security.paths import is_file, safe_join

FOLDER_MODE = 0o750

_ENDING = re.compile(r"\.[a-z0-9]{1,10}")
_FOLDER = re.compile(r"[^a-z0-9_-]+")
# How files of these types begin, after the bytes to skip: what an ending claims is held against it.
_SIGNATURES: dict[str, tuple[int, tuple[bytes, ...]]] = {
    "image/png": (0, (b"\x89PNG\r\n\x1a\n",)),
    "image/jpeg": (0, (b"\xff\xd8\xff",)),
    "image/gif": (0, (b"GIF87a", b"GIF89a")),
    "image/webp": (8, (b"WEBP",)),
    "image/avif": (4, (b"ftypavif", b"ftypavis")),
    "application/pdf": (0, (b"%PDF-",)),
    "application/zip": (0, (b"PK\x03\x04", b"PK\x05\x06")),
}


def validate_uploaded_file(
    file: UploadedFile, allowed_types: Iterable[str] | None = None, max_size_mb: float | None = None
) -> str | None:
    """Return what is wrong with an uploaded file, in one sentence, or None.

    Args:
        file: The file.
        allowed_types: Endings (``".pdf"``), types (``"image/png"``) or kinds (``"image/*"``); None allows all. The type
            is that of the ending, and for pictures, PDF and ZIP the content must begin like one; what the client
            claims does not count. ``"image/*"`` is PNG, JPEG, GIF, WebP and AVIF; others, such as ``"image/svg+xml"``,
            are allowed by name alone.
        max_size_mb: The largest size in MiB; None has no limit but that of the request.
    """
    if max_size_mb is not None and file.size > max_size_mb * 1024 * 1024:
        return f"The file is larger than the {max_size_mb:g} MB that are accepted."
    ending = _ending(file.filename)
    kind = mimetypes.guess_type(f"file{ending}")[0] or "application/octet-stream"
    if allowed_types is not None and not _allowed(ending, kind, allowed_types):
        return f"Files of this kind ({ending or 'without an ending'}) are not accepted."
    if kind in _SIGNATURES and not _begins_like(file, kind):
        return f"The content of the file is not what its ending {ending} says."
    return None


def save_uploaded_file(
    file: UploadedFile,
    config: Config,
    model_name: str,
    allowed_types: Iterable[str] | None = None,
    max_size_mb: float | None = None,
) -> str:
    """Keep an uploaded file; return its path below ``UPLOAD_FOLDER``, with slashes, to be stored and shown.

    Args:
        file: The file.
        config: ``BASE_DIR``, ``UPLOAD_FOLDER``, and unless given here ``UPLOAD_ALLOWED_TYPES`` and
            ``UPLOAD_MAX_SIZE_MB``.
        model_name: What the file belongs to; the name of the first folder.
        allowed_types: See `validate_uploaded_file`.
        max_size_mb: See `validate_uploaded_file`.

    Raises:
        ValidationError: The file is not acceptable.
    """
    types: Any = config.UPLOAD_ALLOWED_TYPES if allowed_types is None else allowed_types
    size: Any = config.UPLOAD_MAX_SIZE_MB if max_size_mb is None else max_size_mb
    problem = validate_uploaded_file(file, types, size)
    if problem is not None:
        raise ValidationError(problem, code="invalid_file")
    today = datetime.now(UTC)
    folders = (_FOLDER.sub("_", model_name.lower()) or "files", f"{today:%Y}", f"{today:%m}", f"{today:%d}")
    name = f"{secrets.token_hex(16)}{_ending(file.filename)}"
    file.save(_made(_root(config).joinpath(*folders)) / name)
    return "/".join((*folders, name))


def delete_saved_file(relative_path: str, config: Config) -> bool:
    """Delete a file that `save_uploaded_file` kept; return whether there was one. Nothing outside is ever touched."""
    path = safe_join(_root(config), relative_path)
    if path is None or not is_file(path):
        return False
    path.unlink(missing_ok=True)
    return True


def _root(config: Config) -> Path:
    return Path(config.BASE_DIR, config.UPLOAD_FOLDER)


def _made(folder: Path) -> Path:
    """Make a folder and those above it, each with its mode: `os.makedirs` gives that to the last one alone."""
    for place in (*reversed(folder.parents), folder):
        if not place.is_dir():
            place.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


def _ending(filename: str) -> str:
    ending = Path(filename).suffix.lower()
    return ending if _ENDING.fullmatch(ending) else ""


def _allowed(ending: str, kind: str, allowed_types: Iterable[str]) -> bool:
    for entry in (entry.lower() for entry in allowed_types):
        if "/" not in entry:
            if ending and entry.removeprefix(".") == ending[1:]:
                return True
        elif entry == kind or (entry.endswith("/*") and kind.startswith(entry[:-1]) and _shown_to_be(kind)):
            return True
    return False


def _shown_to_be(kind: str) -> bool:
    """Tell whether a whole kind holds a type: of pictures only those whose content is looked at, as SVG has scripts."""
    return not kind.startswith("image/") or kind in _SIGNATURES


def _begins_like(file: UploadedFile, kind: str) -> bool:
    offset, beginnings = _SIGNATURES[kind]
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    return head[offset:].startswith(beginnings)
