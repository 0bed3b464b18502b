"""Addresses and places of static files, for code that has the settings and no template."""

from pathlib import Path
from urllib.parse import quote

from lback.core.apps import resolve_apps
from lback.core.config import Config
from lback.core.static import source_folders
from lback.security.paths import is_file, safe_join


def static(config: Config, path: str) -> str:
    """Return the address of a static file under its own name; ``static(path)`` of templates knows the hashed one."""
    prefix: str = config.STATIC_URL
    return prefix + quote(path.lstrip("/"))


def find_static_file(config: Config, path: str) -> Path | None:
    """Return the file that ``STATIC_DIRS`` or an app has under that name, or None."""
    for folder in source_folders(config, resolve_apps(config.INSTALLED_APPS)):
        found = safe_join(folder, path)
        if found is not None and is_file(found):
            return found
    return None
