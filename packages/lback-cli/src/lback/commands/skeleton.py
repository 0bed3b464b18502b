"""Writes the files of a new project or app: all of them, or none."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from lback.core.exceptions import LbackError

SKELETONS = Path(__file__).parent / "skeletons"
SUFFIX = ".tpl"

# Files whose content is for their owner alone.
PRIVATE = frozenset({".env"})


def write_skeleton(kind: str, target: Path, values: Mapping[str, str]) -> None:
    """Write a skeleton's files into the new folder `target`.

    The folder appears with all its files at once; when something goes wrong, nothing is left.

    Args:
        kind: The folder below ``skeletons`` to take.
        target: The folder to make; its parent exists.
        values: What stands for the ``$names`` in the files. ``name`` also names the folder ``package``.

    Raises:
        LbackError: The folder can't be written, or is there already.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as draft:
            folder = Path(draft) / target.name
            for name, text in _files(kind, values):
                _write(folder / name, text)
            folder.rename(target)
    except OSError as error:
        raise LbackError(f"Can't make {target}: {error.strerror}. Nothing was written.") from error


def _files(kind: str, values: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    root = SKELETONS / kind
    for source in sorted(root.rglob(f"*{SUFFIX}")):
        parts = source.relative_to(root).with_suffix("").parts
        name = Path(*(_part(part, values["name"]) for part in parts))
        yield name, Template(source.read_text(encoding="utf-8")).substitute(values)


def _part(part: str, name: str) -> str:
    if part == "package":
        return name
    # Files with a leading dot are easily lost on the way into a wheel.
    return f".{part.removeprefix('dot-')}" if part.startswith("dot-") else part


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o600 if path.name in PRIVATE else 0o777 if text.startswith("#!") else 0o666
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
