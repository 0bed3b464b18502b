"""Which names a project or an app can have: one that can be imported and hides no other module."""

import importlib.util
import keyword
import sys
import unicodedata
from pathlib import Path

from lback.core.exceptions import LbackError

# What a project's folder holds beside its packages.
PROJECT_PARTS = frozenset({"manage", "settings", "templates", "static"})


def check_name(name: str, kind: str, folder: Path) -> None:
    """Refuse a name that can't be a package in `folder`, or would hide a module that is installed.

    Args:
        name: The name of the new package.
        kind: ``"project"`` or ``"app"``, for the message.
        folder: Where it is going to be.

    Raises:
        LbackError: With the reason, and what to do.
    """
    target = folder / name
    reason = _unfit(name)
    if not reason and (target.exists() or target.is_symlink()):
        raise LbackError(f"There is something at {target} already. Choose another name, or remove it first.")
    reason = reason or _taken(name)
    if reason:
        raise LbackError(f"{name!r} can't be the name of {'an app' if kind == 'app' else 'a project'}: {reason}")


def _unfit(name: str) -> str:
    if not name.isidentifier():
        return "use letters, digits and underscores, and begin with a letter, as in 'shop' or 'book_store'."
    if keyword.iskeyword(name):
        return "it is a word of the Python language."
    # Python normalises names in code, so a file of another form would never be found.
    if unicodedata.normalize("NFKC", name) != name:
        return f"Python reads it as {unicodedata.normalize('NFKC', name)!r}; write it like that."
    if name.startswith("__"):
        return "names with two leading underscores belong to Python."
    return ""


def _taken(name: str) -> str:
    if name == "lback":
        return "the framework has it, and would no longer be found."
    if name in PROJECT_PARTS:
        return "every project has a part of that name."
    if name in sys.stdlib_module_names:
        return "a module of Python's standard library has it, and would no longer be found."
    if _installed(name):
        return "an installed package has it, and would no longer be found."
    return ""


def _installed(name: str) -> bool:
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return True
