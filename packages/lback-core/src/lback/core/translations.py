"""Translated texts: gettext catalogues, read with Babel, in the language that the visitor's browser asks for.

Catalogues are ``<LOCALE_DIR>/<language>/LC_MESSAGES/messages.mo`` of the project, then the same below ``locale`` of
each app, as ``pybabel compile`` writes them. Babel is imported where there are some.
"""

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lback.core.apps import App
from lback.core.config import Config
from lback.core.context import current_request
from lback.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from babel.support import NullTranslations

    from lback.core.request import Request
    from lback.core.response import Response

DOMAIN = "messages"
# No browser sends more; the rest is somebody who wants the list to be long.
MAX_HEADER = 500
_NAME = re.compile(r"[A-Za-z]{2,3}(_[A-Za-z0-9]{2,8}){0,3}")
_RANGE = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,3})(?:;q=(0(?:\.[0-9]{1,3})?|1(?:\.0{1,3})?))?")


class Language(str):
    """The language of one answer, such as ``de`` or ``pt_BR``; ``request.language``.

    `negotiated` tells whether another visitor may get another one.
    """

    __slots__ = ("negotiated",)

    negotiated: bool

    def __new__(cls, name: str, negotiated: bool) -> "Language":
        """Return the name of a language with that said of it."""
        language = super().__new__(cls, name)
        language.negotiated = negotiated
        return language


def note_language(
    language: Language, request: "Request", response: "Response | None", error: BaseException | None
) -> None:
    """Tell caches that an answer depends on the visitor's languages; the end of the component ``language``."""
    if response is not None and language.negotiated:
        response.headers.add_vary("Accept-Language")


class Translations:
    """The catalogues of an application. True where there are any.

    Args:
        config: ``LOCALE`` is the language of the texts as they are written, and of visitors who ask for none that is
            there; ``LOCALE_DIR`` the folder of the project's catalogues.
        apps: Bring catalogues of their own; those of the project go before them.

    Raises:
        ConfigurationError: ``LOCALE`` is no language, or a catalogue can't be read.
    """

    def __init__(self, config: Config, apps: Sequence[App]) -> None:
        self.default: str = config.LOCALE.replace("-", "_")
        folders = [Path(config.BASE_DIR) / config.LOCALE_DIR, *(app.path / "locale" for app in apps)]
        files: dict[str, list[Path]] = {}
        for folder in folders:
            for file in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
                files.setdefault(file.parent.parent.name, []).append(file)
        if files and not _NAME.fullmatch(self.default):
            raise ConfigurationError(f"LOCALE is a language such as 'en' or 'pt_BR', not {config.LOCALE!r}.")
        # Without a catalogue for it, the default language is that of the texts.
        named = {self.default: [], **files} if files else {}
        self._catalogues = {name: _catalogue(found) for name, found in named.items() if _NAME.fullmatch(name)}
        #: The languages that a visitor can get.
        self.languages = tuple(self._catalogues) or (self.default,)

    def __bool__(self) -> bool:
        return bool(self._catalogues)

    def negotiate(self, request: "Request") -> Language:
        """Return the language for the answer to a request: of those that are there, the one it would like best."""
        if len(self.languages) == 1:
            return Language(self.default, negotiated=False)
        from babel import negotiate_locale

        wanted = accepted_languages(request.environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        found = negotiate_locale(wanted, self.languages, sep="_") if wanted else None
        # In the spelling of the folder: Babel compares without regard to case.
        by_name = {name.lower(): name for name in self.languages}
        return Language(by_name.get((found or "").lower(), self.default), negotiated=True)

    def _current(self) -> "NullTranslations":
        request = current_request()
        language = self.default if request is None else request.language
        return self._catalogues.get(language) or self._catalogues[self.default]

    def gettext(self, message: str) -> str:
        """Return the translation of a text in the current language, or the text."""
        return self._current().gettext(message)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Return the translation for a number of things."""
        return self._current().ngettext(singular, plural, n)

    def pgettext(self, context: str, message: str) -> str:
        """Return the translation of a text that means different things in different places."""
        return str(self._current().pgettext(context, message))

    def npgettext(self, context: str, singular: str, plural: str, n: int) -> str:
        """Return the translation of such a text for a number of things."""
        return str(self._current().npgettext(context, singular, plural, n))


def accepted_languages(header: str) -> list[str]:
    """Return the languages in an ``Accept-Language`` header (RFC 9110, 12.5.4), the best first, as ``pt_BR``.

    Returns:
        Nothing for a header of more than 500 characters; what is no language range is left out, and so is ``*``.
    """
    if len(header) > MAX_HEADER:
        return []
    found: list[tuple[float, str]] = []
    for part in header.split(","):
        match = _RANGE.fullmatch(part.replace(" ", "").replace("\t", ""))
        if match is not None:
            found.append((float(match[2] or 1), match[1].replace("-", "_")))
    # The order of the header decides among equals, as browsers list the best first.
    return [name for quality, name in sorted(found, key=lambda item: -item[0]) if quality > 0]


def _catalogue(files: list[Path]) -> "NullTranslations":
    """Return the catalogues in one, in which the texts of the first file count."""
    from babel.support import NullTranslations
    from babel.support import Translations as Catalogue

    catalogues = []
    for file in reversed(files):
        try:
            with file.open("rb") as content:
                catalogues.append(Catalogue(content))
        except (OSError, ValueError, LookupError, SyntaxError, struct.error) as error:
            raise ConfigurationError(f"The catalogue {file} can't be read: {error}. Run pybabel compile.") from error
    if not catalogues:
        return NullTranslations()
    for catalogue in catalogues[1:]:
        catalogues[0].merge(catalogue)
    return catalogues[0]
