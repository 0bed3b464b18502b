"""Texts of forms in the language of the visitor, from the catalogues of the project.

Messages, labels, help texts and the labels of choices are looked up as they stand in the code. The messages of this
package are marked with `N_`, which ``pybabel extract`` finds.
"""

from collections.abc import Callable

from markupsafe import Markup

from lback.core.context import current_request


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Mark a text for the translators; it is returned as it is."""
    return text


def translator() -> Callable[[str], str] | None:
    """Return what translates for the current request, or None where there is no request or no catalogue."""
    request = current_request()
    if request is None:
        return None
    translations = request.app.templates.translations
    return translations.gettext if translations else None


def translated(text: str) -> str:
    """Return a text in the language of the visitor; what is HTML already stays as it is."""
    gettext = translator()
    # The empty text stands for the heading of a catalogue.
    if gettext is None or not text or isinstance(text, Markup):
        return text
    return gettext(text)
