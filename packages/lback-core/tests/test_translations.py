"""Translated texts: which language a visitor gets, and that a site without translations pays nothing for them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from hypothesis import given
from hypothesis import strategies as st

from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.core.translations import accepted_languages
from lback.utils.shortcuts import render
from lback.utils.urls import path

Messages = dict[Any, Any]

GERMAN: Messages = {
    "Hello": "Hallo",
    "Hello %(name)s": "Hallo %(name)s",
    ("%(num)s course", "%(num)s courses"): ("%(num)s Kurs", "%(num)s Kurse"),
}


def write_catalogue(folder: Path, language: str, messages: Messages) -> None:
    catalogue = Catalog(locale=language)
    for message, translation in messages.items():
        context, text = message if isinstance(message, list) else (None, message)
        catalogue.add(text, translation, context=context)
    place = folder / language / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Any]:
    """Render a template text for a visitor with the given Accept-Language, on a site with German and French."""
    write_catalogue(tmp_path / "locale", "de", GERMAN)
    write_catalogue(tmp_path / "locale", "fr", {"Hello": "Bonjour"})
    write_catalogue(tmp_path / "locale", "pt_BR", {"Hello": "Olá"})
    (tmp_path / "templates").mkdir()

    def show(text: str, language: str = "", **settings: Any) -> Any:
        (tmp_path / "templates" / "page.html").write_text(text)
        context = settings.pop("context", None)
        app = make_app(
            [path("/", lambda request: render(request, "page.html", context))], BASE_DIR=tmp_path, **settings
        )
        return Client(app).get("/", headers={"Accept-Language": language} if language else {})

    return show


# -- templates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "{{ _('Hello') }}",
        "{{ gettext('Hello') }}",
        "{% trans %}Hello{% endtrans %}",
        "{{ request.app and _('Hello') }}",
    ],
)
def test_texts_are_translated_in_templates(site: Any, text: str) -> None:
    assert site(text, "de").text == "Hallo"


def test_values_are_put_into_a_translation_and_escaped(site: Any) -> None:
    context = {"name": "<b>Ada</b>"}
    for text in ("{{ _('Hello %(name)s', name=name) }}", "{% trans %}Hello {{ name }}{% endtrans %}"):
        assert site(text, "de", context=context).text == "Hallo &lt;b&gt;Ada&lt;/b&gt;"


@pytest.mark.parametrize(("number", "text"), [(1, "1 Kurs"), (2, "2 Kurse"), (0, "0 Kurse")])
def test_a_number_decides_the_form(site: Any, number: int, text: str) -> None:
    sources = [
        "{{ ngettext('%(num)s course', '%(num)s courses', n) }}",
        "{% trans num=n %}{{ num }} course{% pluralize %}{{ num }} courses{% endtrans %}",
    ]
    for source in sources:
        assert site(source, "de", context={"n": number}).text == text


def test_a_text_without_a_translation_stays_as_it_is(site: Any) -> None:
    assert site("{{ _('Bye') }}", "de").text == "Bye"


def test_a_text_may_mean_different_things_in_different_places(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "locale", "de", {})
    catalogue = Catalog(locale="de")
    catalogue.add("Open", "Öffnen", context="button")
    catalogue.add(("%(num)s seat", "%(num)s seats"), ("%(num)s Platz", "%(num)s Plätze"), context="bus")
    with (tmp_path / "locale/de/LC_MESSAGES/messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    (tmp_path / "templates").mkdir()
    text = "{{ pgettext('button', 'Open') }} {{ npgettext('bus', '%(num)s seat', '%(num)s seats', 2) }}"
    (tmp_path / "templates" / "page.html").write_text(text)
    app = make_app([], BASE_DIR=tmp_path, LOCALE="de")
    assert app.templates.render("page.html") == "Öffnen 2 Plätze"


def test_without_translations_the_same_templates_work(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    text = "{{ _('Hello %(name)s', name='Ada') }} {% trans num=2 %}{{ num }} x{% pluralize %}{{ num }} xs{% endtrans %}"
    (tmp_path / "templates" / "page.html").write_text(text)
    client = Client(make_app([path("/", lambda request: render(request, "page.html"))], BASE_DIR=tmp_path))
    page = client.get("/", headers={"Accept-Language": "de"})
    assert page.text == "Hello Ada 2 xs"
    assert "vary" not in page.headers


# -- the language of a visitor ----------------------------------------------------------------------------------------

WANTED = [
    ("", "Hello"),
    ("de", "Hallo"),
    ("de-AT,de;q=0.9", "Hallo"),
    ("DE", "Hallo"),
    ("fr;q=0.2, de;q=0.8", "Hallo"),
    ("es, fr;q=0.5", "Bonjour"),
    ("pt-br", "Olá"),
    ("es", "Hello"),
    ("en, de", "Hello"),
    ("de;q=0, fr;q=0.1", "Bonjour"),
    ("*", "Hello"),
    ("zz-ZZ, garbage;;;, \x00, de", "Hallo"),
    ("de, " * 200, "Hello"),
    ("de-" + "x" * 1_000_000, "Hello"),
    ("../../etc/passwd", "Hello"),
]


@pytest.mark.parametrize(("wanted", "text"), WANTED, ids=lambda value: value[:20])
def test_of_the_languages_that_are_there_the_visitor_gets_the_best(site: Any, wanted: str, text: str) -> None:
    assert site("{{ _('Hello') }}", wanted.replace("\x00", "?")).text == text


def test_caches_are_told_that_the_page_depends_on_it(site: Any) -> None:
    assert site("{{ _('Hello') }}", "de").headers["vary"] == "Accept-Language"
    assert site("{{ _('Hello') }}").headers["vary"] == "Accept-Language"


def test_caches_are_told_the_same_of_the_page_of_an_error(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "locale", "de", {"Hello": "Hallo"})
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "404.html").write_text("{{ _('Hello') }}")
    page = Client(make_app([], BASE_DIR=tmp_path)).get("/nowhere/", headers={"Accept-Language": "de"})
    assert (page.status_code, page.text, page.headers["vary"]) == (404, "Hallo", "Accept-Language")


def test_a_page_without_translated_texts_does_not_depend_on_it(site: Any) -> None:
    assert "vary" not in site("plain", "de").headers


def test_a_template_knows_the_language(site: Any) -> None:
    assert site("{{ request.language }}", "pt-BR").text == "pt_BR"


def test_the_language_of_the_site_is_for_those_who_ask_for_none_that_is_there(site: Any) -> None:
    assert site("{{ _('Hello') }}", "es", LOCALE="de").text == "Hallo"


def test_a_middleware_may_choose_the_language(tmp_path: Path, site: Any) -> None:
    chooses = [f"{__name__}.ChoosesFrench"]
    assert site("{{ _('Hello') }}", "de", MIDDLEWARES=chooses).text == "Bonjour"


class ChoosesFrench:
    def process_request(self, request: Request) -> None:
        request.language = "fr"  # type: ignore[attr-defined]


def test_outside_of_a_request_texts_are_in_the_language_of_the_site(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "locale", "de", GERMAN)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "mail.txt").write_text("{{ _('Hello') }}")
    for locale, text in (("de", "Hallo"), ("en", "Hello")):
        app = make_app([], BASE_DIR=tmp_path, LOCALE=locale)
        assert app.templates.render("mail.txt") == text


@given(st.text())
def test_whatever_is_sent_no_more_than_names_of_languages_come_out(header: str) -> None:
    for name in accepted_languages(header):
        assert name.replace("_", "").isalnum()
        assert name.isascii()


# -- catalogues -------------------------------------------------------------------------------------------------------


def test_the_catalogues_of_apps_count_after_that_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "translated_app").mkdir()
    (tmp_path / "translated_app" / "__init__.py").write_text("")
    write_catalogue(tmp_path / "translated_app" / "locale", "de", {"Hello": "Moin", "Bye": "Tschüs"})
    write_catalogue(tmp_path / "texts", "de", {"Hello": "Hallo"})
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("{{ _('Hello') }} {{ _('Bye') }}")
    monkeypatch.syspath_prepend(str(tmp_path))
    app = make_app([], BASE_DIR=tmp_path, INSTALLED_APPS=["translated_app"], LOCALE="de", LOCALE_DIR="texts")
    assert app.templates.render("page.html") == "Hallo Tschüs"


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xde\x12\x04\x95" + b"\xff" * 60])
def test_a_catalogue_that_can_not_be_read_stops_the_start(tmp_path: Path, content: bytes) -> None:
    write_catalogue(tmp_path / "locale", "de", GERMAN)
    (tmp_path / "locale/de/LC_MESSAGES/messages.mo").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"messages\.mo can't be read"):
        make_app([], BASE_DIR=tmp_path)


def test_a_language_that_is_none_stops_the_start(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "locale", "de", GERMAN)
    with pytest.raises(ConfigurationError, match="LOCALE is a language"):
        make_app([], BASE_DIR=tmp_path, LOCALE="../de")


def test_a_site_without_translations_imports_nothing_for_them() -> None:
    code = (
        "import sys; from lback.core.testing import Client, make_app; app = make_app([]); Client(app).get('/');"
        "print([name for name in sys.modules if name.partition('.')[0] == 'babel'])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
