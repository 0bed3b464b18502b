"""Forms in a real browser: what assistive software is told (axe-core), and that forms work with a keyboard."""

import threading
from collections.abc import Callable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from lback.core.request import Request
from lback.core.response import HTMLResponse
from lback.core.testing import make_app
from lback.forms import fields, widgets
from lback.forms.forms import Form
from lback.forms.formsets import formset_factory
from lback.forms.validation import ValidationError
from lback.security.csrf import csrf_input
from lback.utils.urls import path

from . import chromium
from .chromium import Page

CHOICES = [("a", "First"), ("b", "Second"), ("More", [("c", "Third")])]


class EveryForm(Form):
    """Every field and widget there is."""

    text = fields.CharField(help_text="A few words.", max_length=20)
    area = fields.CharField(widget=widgets.Textarea)
    email = fields.EmailField(widget=widgets.EmailInput)
    url = fields.URLField()
    tel = fields.CharField(widget=widgets.TelInput, label="Telephone")
    search = fields.CharField(widget=widgets.SearchInput)
    password = fields.CharField(widget=widgets.PasswordInput)
    slug = fields.SlugField()
    code = fields.RegexField("[a-z]+")
    number = fields.IntegerField(widget=widgets.NumberInput, min_value=0, max_value=9)
    size = fields.IntegerField(widget=widgets.RangeInput, min_value=0, max_value=9)
    price = fields.DecimalField(max_digits=5, decimal_places=2)
    weight = fields.FloatField()
    length = fields.DurationField()
    color = fields.CharField(widget=widgets.ColorInput, initial="#102030")
    day = fields.DateField(help_text="The first day.")
    month = fields.CharField(widget=widgets.MonthInput)
    week = fields.CharField(widget=widgets.WeekInput)
    hour = fields.TimeField()
    moment = fields.DateTimeField()
    agree = fields.BooleanField()
    pick = fields.ChoiceField(choices=[("", "---------"), *CHOICES])
    several = fields.MultipleChoiceField(choices=CHOICES)
    radio = fields.ChoiceField(choices=CHOICES, widget=widgets.RadioSelect, help_text="One of these.")
    boxes = fields.MultipleChoiceField(
        choices=CHOICES, widget=widgets.CheckboxSelectMultiple, help_text="Any of these."
    )
    typed = fields.TypedChoiceField(choices=["1", "2"], coerce=int)
    file = fields.FileField(required=False, widget=widgets.ClearableFileInput, initial="report.pdf")
    files = fields.MultipleFileField()
    address = fields.IPAddressField(label="IP address")
    lines = fields.ListField()
    document = fields.JSONField()
    uuid = fields.UUIDField(label="UUID")
    locked = fields.CharField(disabled=True, initial="as it is")
    hidden = fields.CharField(widget=widgets.HiddenInput, initial="x")

    def clean(self) -> None:
        raise ValidationError("Not today.")


class RowForm(Form):
    name = fields.CharField()
    kind = fields.ChoiceField(choices=["Tea", "Cake"], widget=widgets.RadioSelect)


RowSet = formset_factory(RowForm, can_delete=True, can_order=True, extra=2, min_num=1)
ROWS = {"form-TOTAL_FORMS": "2", "form-0-name": "x"}
LAYOUTS = ["as_p", "as_ul", "as_table", "as_div"]
AROUND = {"as_ul": "<ul>{}</ul>", "as_table": "<table>{}</table>"}
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1>{summary}
<form method="post" enctype="multipart/form-data" novalidate>{form}<button>Send</button></form>
</main></body></html>"""


def by_hand(form: Form) -> str:
    """Return a form as somebody writes it field by field."""
    parts = [form[field.name].input for field in form.hidden_fields]
    for field in form.visible_fields:
        after = field.input + field.help_tag + field.error_list
        if field.is_group:
            parts.append(f"<fieldset{field.group_attrs}><legend>{field.label}</legend>{after}</fieldset>")
        else:
            parts.append(f"<div>{field.label_tag} {after}</div>")
    return "".join([csrf_input(), *parts])


def page(form: Any, layout: str) -> HTMLResponse:
    summary = getattr(form, "error_summary", "")
    body = by_hand(form) if layout == "by_hand" else AROUND.get(layout, "{}").format(getattr(form, layout))
    return HTMLResponse(PAGE.format(title=f"A form {layout}", summary=summary, form=body))


def every(request: Request, layout: str) -> HTMLResponse:
    sent = request.method == "POST"
    return page(EveryForm(request.POST, request.FILES) if sent else EveryForm(), layout)


def rows(request: Request, layout: str) -> HTMLResponse:
    return page(RowSet(request.POST) if request.method == "POST" else RowSet(initial=[{"name": "a"}]), layout)


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing of each request."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    methods = ["GET", "POST"]
    urls = [path("/every/{layout}/", every, methods), path("/rows/{layout}/", rows, methods)]
    server = make_server("127.0.0.1", 0, make_app(urls, ALLOWED_HOSTS=["127.0.0.1"]), Server, Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    with chromium.chromium() as browser:
        opened = browser.new_page()
        opened.set_default_timeout(5_000)
        yield opened


@pytest.fixture
def violations(browser_page: Page, site: str) -> Callable[[str, bool], list[str]]:
    """Return a function that opens a page, sends its form if asked, and returns what axe-core finds wrong with it."""

    def check(address: str, send: bool) -> list[str]:
        browser_page.goto(site + address)
        if send:
            browser_page.click("button")
        assert browser_page.locator("[aria-invalid]").count() > 0 if send else browser_page.locator("form").count() == 1
        return chromium.violations(browser_page)

    return check


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("send", [False, True], ids=["new", "errors"])
@pytest.mark.parametrize("name", ["every", "rows"])
def test_axe_finds_nothing_wrong(
    violations: Callable[[str, bool], list[str]], name: str, layout: str, send: bool
) -> None:
    assert violations(f"/{name}/{layout}/", send) == []


@pytest.mark.parametrize("send", [False, True], ids=["new", "errors"])
def test_axe_finds_nothing_wrong_with_fields_one_by_one(
    violations: Callable[[str, bool], list[str]], send: bool
) -> None:
    assert violations("/every/by_hand/", send) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_browser_builds_the_page_as_it_was_written(browser_page: Page, site: str, layout: str) -> None:
    browser_page.goto(f"{site}/every/{layout}/")
    # A parser moves what may not stand where it does, as a list inside of a paragraph, out of the element around it.
    for name in EveryForm().fields:
        tag = {"as_p": "p, fieldset", "as_ul": "li", "as_table": "td", "as_div": "div, fieldset"}[layout]
        inside = browser_page.locator(f"form :is({tag}) [name='{name}']").count()
        assert inside == browser_page.locator(f"form [name='{name}']").count() or name == "hidden", name


def test_errors_are_read_out_with_their_field(browser_page: Page, site: str) -> None:
    browser_page.goto(f"{site}/every/as_div/")
    browser_page.click("button")
    field = browser_page.get_by_label("Text", exact=True)
    assert field.get_attribute("aria-invalid") == "true"
    described = [
        browser_page.locator(f"#{name}").inner_text() for name in field.get_attribute("aria-describedby").split()
    ]
    assert described == ["A few words.", "This field is required."]
    group = browser_page.get_by_role("radiogroup", name="Radio")
    assert group.get_attribute("aria-invalid") == "true"
    assert browser_page.get_by_role("group", name="Boxes").count() == 1


@pytest.mark.parametrize("name", ["text", "radio", "boxes", "file", "pick"])
def test_the_summary_leads_to_the_field(browser_page: Page, site: str, name: str) -> None:
    browser_page.goto(f"{site}/every/as_p/")
    browser_page.click("button")
    links = browser_page.locator(f".error-summary a[href^='#id_{name}']")
    if name == "file":
        assert links.count() == 1  # of files, which is required
        return
    links.first.click()
    browser_page.keyboard.press("Tab")
    browser_page.keyboard.press("Shift+Tab")
    assert browser_page.evaluate("document.activeElement.name") == name


def test_a_label_ticks_its_box(browser_page: Page, site: str) -> None:
    browser_page.goto(f"{site}/every/as_table/")
    browser_page.get_by_text("Agree").click()
    browser_page.locator("label", has_text="Second").first.click()
    assert browser_page.locator("[name=agree]").is_checked()
    assert browser_page.locator("#id_radio_1").is_checked()
