"""The Jinja2 environment of an application. Imported when the first template is rendered, and not before."""

from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from jinja2.runtime import Context
from jinja2.utils import missing

from lback.core.config import Config, Secret
from lback.core.filters import sanitize
from lback.core.request import Request
from lback.core.templating import REQUEST_VALUES
from lback.core.translations import Translations
from lback.security.redaction import MASK


class RequestContext(Context):
    """A template context that makes `lback.core.templating.REQUEST_VALUES` when they are looked up."""

    def resolve_or_missing(self, key: str) -> Any:
        """Return the value of a name."""
        value = super().resolve_or_missing(key)
        if value is missing and key in REQUEST_VALUES:
            request = super().resolve_or_missing("request")
            if isinstance(request, Request):
                return REQUEST_VALUES[key](request)
        return value


class SafeEnvironment(Environment):
    """An environment whose templates see the settings without the secrets, by whichever way they come to them."""

    context_class = RequestContext

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template: the environment's own dictionary, unless it is loaded with more.

        Jinja chains two mappings here, and copying them for every rendering takes longer than a small template.
        """
        return super().make_globals(d) if d else self.globals

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return what ``obj.attribute`` is in a template."""
        value = _getattr(self, obj, attribute)
        return _HIDDEN[type(value)](value) if type(value) in _HIDDEN else value

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return what ``obj[argument]`` is in a template."""
        value = _getitem(self, obj, argument)
        return _HIDDEN[type(value)](value) if type(value) in _HIDDEN else value


# Templates ask for an attribute often enough that super() would show.
_getattr = Environment.getattr
_getitem = Environment.getitem
_HIDDEN: dict[type, Callable[[Any], Any]] = {Config: lambda config: config.public, Secret: lambda secret: MASK}


def make_environment(folders: Sequence[Path], translations: Translations, *, reload: bool) -> Environment:
    """Return an environment that escapes everywhere, whatever a template is called.

    Args:
        folders: Where templates are looked for, in this order.
        translations: What ``_``, ``gettext``, ``ngettext`` and ``{% trans %}`` look texts up in.
        reload: Whether changed templates are read again.
    """
    environment = SafeEnvironment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        auto_reload=reload,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.filters["sanitize"] = sanitize
    if translations:
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            translations.gettext,
            translations.ngettext,
            newstyle=True,
            pgettext=translations.pgettext,
            npgettext=translations.npgettext,
        )
    else:
        environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    return environment
