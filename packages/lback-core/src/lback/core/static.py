"""Static files gathered for a server: ``collectstatic``'s engine, and the names that a template gets from it.

Every file is written a second time under a name with the hash of its content (``css/style.3f2a….css``), which browsers
may keep for ever; references inside style sheets are changed to those names. The manifest in ``STATIC_ROOT`` says which
name a file has, and what was put there, so that a folder which is both source and target (the README's own settings)
is never collected into itself.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from lback.core.apps import App
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError

# Begins with a dot, so it is neither served nor collected.
MANIFEST = ".static-manifest.json"
HASH_LENGTH = 12
_VARIANTS = (".gz", ".br")

_HASHED = re.compile(rf"(.+)\.([0-9a-f]{{{HASH_LENGTH}}})(\.[^.]+)?")
# What a style sheet refers to: url(...) with or without quotes, the text of an @import, and its source map.
_REFERENCE = re.compile(
    r"""(?P<before>url\(\s*|@import\s+(?=["'])|/\*\#\s*sourceMappingURL=)"""
    r"""(?P<target>"[^"\n]+"|'[^'\n]+'|[^"')\s*]+)""",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Report:
    """What `collect` did.

    Args:
        copied: Names that were copied into ``STATIC_ROOT``.
        hashed: Names under which files were written with their hash.
        unchanged: How many files were there already.
        removed: Names of earlier runs that were deleted.
        dangling: Pairs of a style sheet and something it refers to that is not there.
        outside: Links that lead out of their source folder, which are left out.
    """

    copied: list[str] = field(default_factory=list)
    hashed: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    dangling: list[tuple[str, str]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Manifest:
    """What a collected folder holds.

    Args:
        files: The hashed name of each file.
        copied: The hash of each file that was copied into the folder, by its name.
    """

    files: dict[str, str] = field(default_factory=dict)
    copied: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> "Manifest":
        """Return the manifest of a folder; an empty one where there is none.

        Raises:
            ConfigurationError: It can't be read.
        """
        path = root / MANIFEST
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            return cls(dict(content["files"]), dict(content["copied"]))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path} can't be read. Delete it and run collectstatic again.") from error

    def write(self, root: Path) -> None:
        """Write it, whole or not at all."""
        content = {"files": dict(sorted(self.files.items())), "copied": dict(sorted(self.copied.items()))}
        _write(root / MANIFEST, json.dumps(content, indent=1).encode())


def source_folders(config: Config, apps: Iterable[App]) -> list[Path]:
    """Return the folders that static files come from: ``STATIC_DIRS``, then the ``static`` folder of each app."""
    folders = [Path(config.BASE_DIR) / folder for folder in config.STATIC_DIRS]
    folders += [app.path / "static" for app in apps]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def hashed_names(config: Config) -> dict[str, str]:
    """Return the hashed name of each collected file; none before ``collectstatic`` has run."""
    return Manifest.read(Path(config.BASE_DIR) / config.STATIC_ROOT).files if config.STATIC_ROOT else {}


def collect(root: Path, sources: Iterable[Path], url: str, *, clear: bool = False, dry_run: bool = False) -> Report:
    """Gather the files of several folders in `root`, with hashed names and compressed variants.

    Running it again changes nothing. A run that was cut off leaves the earlier manifest in force.

    Args:
        root: ``STATIC_ROOT``; it may be one of the sources.
        sources: Folders; of two files with one name that of the first folder counts.
        url: ``STATIC_URL``, for references in style sheets that begin with it.
        clear: Also delete what earlier runs made and this one does not need.
        dry_run: Say what would be done, and do nothing.

    Raises:
        ConfigurationError: `root` lies in a source or holds one, or its manifest can't be read.
    """
    root = root.resolve()
    folders = _resolved(sources, root)
    known = Manifest.read(root)
    known.copied = {name: digest for name, digest in known.copied.items() if _has(root / name, digest)}
    outside: list[str] = []
    found = _found(root, folders, known, outside)
    names = _Names(found, url)
    report = Report(dangling=names.dangling, outside=outside)
    manifest = Manifest({name: names.hashed(name) for name in found})
    copies = {name: _hash(path.read_bytes()) for name, path in found.items() if not path.is_relative_to(root)}
    manifest.copied = known.copied | copies
    if not dry_run:
        root.mkdir(parents=True, exist_ok=True)
        # Written first: what a run copied that was cut off must not be taken for the project's own next time.
        Manifest(known.files, manifest.copied).write(root)
    for name, path in found.items():
        if name in copies:
            _put(root, name, path.read_bytes(), report.copied, report, dry_run)
        _put(root, manifest.files[name], names.content(name), report.hashed, report, dry_run)
    if clear:
        _clear(root, manifest, report, dry_run)
    if not dry_run:
        _compress(root, [*report.copied, *report.hashed], found)
        manifest.write(root)
    return report


def _resolved(sources: Iterable[Path], root: Path) -> list[Path]:
    """Return the source folders without links in their paths: a folder with two spellings is one."""
    folders = list(dict.fromkeys(source.resolve() for source in sources))
    for folder in folders:
        if folder != root and (folder.is_relative_to(root) or root.is_relative_to(folder)):
            raise ConfigurationError(
                f"STATIC_ROOT ({root}) and the folder {folder} lie one in the other, and what is collected would be "
                "collected again: set STATIC_ROOT to a folder beside it, or to that very folder."
            )
    return folders


def _found(root: Path, sources: Iterable[Path], known: Manifest, outside: list[str]) -> dict[str, Path]:
    """Return the files to collect by their names; links that lead out of their folder are noted in `outside`."""
    found: dict[str, Path] = {}
    for source in sources:
        for name, path in _files(source):
            if name in found or (source == root and _is_ours(name, path, known)):
                continue
            if not path.resolve().is_relative_to(source):
                outside.append(str(path))
                continue
            found[name] = path
    return dict(sorted(found.items()))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in PurePosixPath(name).parts):
            yield name, path


def _is_ours(name: str, path: Path, known: Manifest) -> bool:
    """Tell whether a file in ``STATIC_ROOT`` was put there by `collect`, even by a run that was cut off."""
    if path.suffix in _VARIANTS and path.with_suffix("").is_file():
        return True
    if name in known.copied and _has(path, known.copied[name]):
        return True
    match = _HASHED.fullmatch(path.name)
    return match is not None and _has(path, match[2])


class _Names:
    """The hashed names and the contents of the files that are collected."""

    def __init__(self, found: Mapping[str, Path], url: str) -> None:
        self._found = found
        self._url = url
        self._hashed: dict[str, str] = {}
        self._contents: dict[str, bytes] = {}
        self._open: set[str] = set()
        self.dangling: list[tuple[str, str]] = []

    def hashed(self, name: str) -> str:
        """Return the name with the hash of the content that is written under it."""
        if name not in self._hashed:
            if name in self._open:
                # Two style sheets that import each other: the one met first is hashed as it was written.
                return _with_hash(name, _hash(self._found[name].read_bytes()))
            self._open.add(name)
            content = self.content(name)
            self._open.discard(name)
            self._hashed.setdefault(name, _with_hash(name, _hash(content)))
        return self._hashed[name]

    def content(self, name: str) -> bytes:
        """Return a file with its references changed; style sheets alone have any."""
        if name not in self._contents:
            content = self._found[name].read_bytes()
            if name.endswith(".css"):
                content = self._with_references(name, content)
            self._contents[name] = content
        return self._contents[name]

    def _with_references(self, name: str, content: bytes) -> bytes:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return content

        def changed(match: "re.Match[str]") -> str:
            target = match["target"].strip("\"'")
            quoted, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", target, re.DOTALL).groups()  # type: ignore[union-attr]
            referred = self._referred(name, unquote(quoted))
            if referred is None:
                return match[0]
            if referred not in self._found:
                self.dangling.append((name, target))
                return match[0]
            folder, slash, _ = quoted.rpartition("/")
            new = folder + slash + quote(PurePosixPath(self.hashed(referred)).name)
            return match["before"] + match["target"].replace(target, f"{new}{mark}{rest}")

        return _REFERENCE.sub(changed, text).encode()

    def _referred(self, name: str, path: str) -> str | None:
        """Return the name of what a style sheet refers to, or None for what lies elsewhere."""
        if path.startswith(self._url):
            return os.path.normpath(path[len(self._url) :])
        if not path or path.startswith("/") or re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", path):
            return None
        return os.path.normpath((PurePosixPath(name).parent / path).as_posix())


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=HASH_LENGTH // 2).hexdigest()


def _has(path: Path, content_hash: str) -> bool:
    return path.is_file() and _hash(path.read_bytes()) == content_hash


def _with_hash(name: str, digest: str) -> str:
    path = PurePosixPath(name)
    return path.with_name(f"{path.stem}.{digest}{path.suffix}").as_posix()


def _put(root: Path, name: str, content: bytes, written: list[str], report: Report, dry_run: bool) -> None:
    target = root / name
    if target.is_file() and target.read_bytes() == content:
        report.unchanged += 1
        return
    written.append(name)
    if not dry_run:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, content)


def _write(target: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # mkstemp is for secrets; static files are read by whichever user the server runs as.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _clear(root: Path, manifest: Manifest, report: Report, dry_run: bool) -> None:
    """Delete what earlier runs wrote and this one did not, and nothing else."""
    needed = {*manifest.files, *manifest.files.values()}
    for name, path in list(_files(root)):
        if name in needed or path.suffix in _VARIANTS or not _is_ours(name, path, manifest):
            continue
        report.removed.append(name)
        if not dry_run:
            manifest.copied.pop(name, None)
            for variant in ("", *_VARIANTS):
                path.with_name(path.name + variant).unlink(missing_ok=True)


def _compress(root: Path, names: Iterable[str], found: Mapping[str, Path]) -> None:
    """Write compressed variants of files, where there are none among the collected ones."""
    from whitenoise.compress import Compressor

    for name in names:
        compressor = Compressor(quiet=True, use_gzip=f"{name}.gz" not in found, use_brotli=f"{name}.br" not in found)
        if compressor.should_compress(name):
            compressor.compress(str(root / name))
