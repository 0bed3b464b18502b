"""The Jinja2 environment of an application. Imported when the first template is rendered, and not before."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from jinja2.runtime import Context

from lback.core.templating import Lazy


class LazyContext(Context):
    """A template context that makes `lback.core.templating.Lazy` values when they are looked up."""

    def resolve_or_missing(self, key: str) -> Any:
        """Return the value of a name, made if it is lazy."""
        value = super().resolve_or_missing(key)
        return value.make() if isinstance(value, Lazy) else value


def make_environment(folders: Sequence[Path], *, reload: bool) -> Environment:
    """Return an environment that escapes everywhere, whatever a template is called.

    Args:
        folders: Where templates are looked for, in this order.
        reload: Whether changed templates are read again.
    """
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        auto_reload=reload,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.context_class = LazyContext
    return environment
