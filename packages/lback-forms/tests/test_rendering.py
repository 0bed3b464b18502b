"""Forms as HTML: the layouts, their escaping, and what assistive software is told."""

import re
from html.parser import HTMLParser

import pytest
from jinja2 import Environment

from lback.core.request import Request
from lback.core.response import HTMLResponse
from lback.core.testing import Client, make_app
from lback.forms.fields import CharField, ChoiceField
from lback.forms.forms import Form
from lback.forms.widgets import HiddenInput, Textarea
from lback.utils.urls import path

ATTACK = """"'></textarea></select><script>alert(1)</script>"""


class NoteForm(Form):
    title = CharField(max_length=5, help_text="Few words.")
    text = CharField(widget=Textarea, required=False)


class TokenForm(NoteForm):
    token = CharField(widget=HiddenInput)


class AttackedForm(Form):
    text = CharField(label=ATTACK, help_text=ATTACK, initial=ATTACK, attrs={"title": ATTACK})
    long = CharField(widget=Textarea, initial=ATTACK)
    pick = ChoiceField(choices=[(ATTACK, ATTACK)], initial=ATTACK)

    def clean(self) -> None:
        self.add_error(None, ATTACK)
        self.add_error("text", ATTACK)


LAYOUTS = ["as_p", "as_ul", "as_table", "as_div"]


class Tree(HTMLParser):
    """Collects the tags of a piece of HTML, with the tag that each stands in, and fails where they do not nest."""

    VOID = ("input", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append((tag, self.open[-1] if self.open else None))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    ("layout", "row"), [("as_p", "<p>"), ("as_ul", "<li>"), ("as_table", "<tr>"), ("as_div", "<div ")]
)
def test_each_field_stands_in_a_row_with_label_input_and_help(layout: str, row: str) -> None:
    html = getattr(NoteForm(), layout)
    assert html.count(row) == 2
    assert '<label for="id_title">Title</label>' in html
    assert 'id="id_title"' in html
    assert "Few words." in html


def test_a_list_and_a_table_are_rows_only() -> None:
    assert "<ul" not in NoteForm().as_ul
    assert "<table" not in NoteForm().as_table
    assert {tag for tag, parent in Tree(NoteForm().as_ul).tags if parent is None} == {"li"}
    assert {tag for tag, parent in Tree(NoteForm().as_table).tags if parent is None} == {"tr"}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "form", [TokenForm(), TokenForm(data={}), AttackedForm(data={})], ids=["new", "sent", "errors"]
)
def test_the_tags_nest_and_a_paragraph_holds_only_inline_elements(layout: str, form: Form) -> None:
    tags = Tree(getattr(form, layout)).tags
    assert {tag for tag, parent in tags if parent in ("p", "span")} <= {"label", "input", "textarea", "select", "span"}
    if layout in ("as_ul", "as_table"):
        assert {tag for tag, parent in tags if parent is None} <= {"li", "tr"}
    assert {tag for tag, parent in tags if parent == "tr"} <= {"th", "td"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layouts_can_be_used_with_and_without_a_call(layout: str) -> None:
    template = Environment(autoescape=True).from_string(f"{{{{ form.{layout} }}}}|{{{{ form.{layout}() }}}}")
    plain, called = template.render(form=NoteForm()).split("|")
    assert plain == called
    assert "<label" in plain


def test_a_form_is_printed_as_divs() -> None:
    form = NoteForm()
    assert Environment(autoescape=True).from_string("{{ form }}").render(form=form) == form.as_div == str(form)


def test_a_template_names_the_fields() -> None:
    template = Environment(autoescape=True).from_string("{{ form.title }}{{ form.title.label }}{{ form['text'].id }}")
    assert template.render(form=NoteForm()).endswith(">Titleid_text")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "form", [AttackedForm(), AttackedForm(data={"text": ATTACK, "long": ATTACK, "pick": ATTACK})], ids=["new", "sent"]
)
def test_nothing_gets_out_of_its_place(layout: str, form: Form) -> None:
    html = getattr(form, layout)
    assert "<script" not in html
    assert ATTACK not in html
    assert html.count("&lt;script&gt;alert(1)") >= 7
    assert "script" not in {tag for tag, _ in Tree(html).tags}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_errors_are_tied_to_their_input(layout: str) -> None:
    html = getattr(NoteForm(data={"title": "too long"}), layout)
    tag = re.search(r'<input[^>]* name="title"[^>]*>', html)
    assert tag is not None
    assert 'aria-invalid="true"' in tag[0]
    assert 'aria-describedby="id_title_help id_title_errors"' in tag[0]
    assert '<span class="field-errors" id="id_title_errors"><span class="field-error">Enter at most 5' in html
    assert '<span class="help-text" id="id_title_help">Few words.</span>' in html
    assert html.count("aria-invalid") == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_errors_of_the_form_as_a_whole_stand_at_the_top(layout: str) -> None:
    form = NoteForm(data={"title": "a"})
    form.add_error(None, "Not today.")
    html = getattr(form, layout)
    assert html.index("Not today.") < html.index("<label")
    assert 'role="alert"' in html


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_errors_of_a_hidden_field_are_seen(layout: str) -> None:
    html = getattr(TokenForm(data={"title": "a"}), layout)
    assert "<li>Token: This field is required.</li>" in html
    assert html.count('name="token"') == 1
    assert '<label for="id_token"' not in html


def test_a_form_of_hidden_fields_alone_still_has_them() -> None:
    class Hidden(Form):
        token = CharField(widget=HiddenInput)

    for layout in LAYOUTS:
        assert 'name="token"' in getattr(Hidden(), layout)


# The hidden input against forged requests

CSRF = '<input type="hidden" name="csrfmiddlewaretoken"'
MIDDLEWARES = ["lback.middlewares.csrf.CSRFMiddleware"]


def note(request: Request, layout: str) -> HTMLResponse:
    form = NoteForm(data=request.POST) if request.method == "POST" else NoteForm()
    done = "saved" if form.is_valid() else getattr(form, layout)
    return HTMLResponse(done)


def search(request: Request) -> HTMLResponse:
    return HTMLResponse(NoteForm(csrf=False).as_p)


@pytest.fixture
def client() -> Client:
    urls = [path("/note/{layout}/", note, allowed_methods=["GET", "POST"]), path("/search/", search)]
    return Client(make_app(urls, MIDDLEWARES=MIDDLEWARES))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_form_carries_the_token_that_its_post_needs(client: Client, layout: str) -> None:
    page = client.get(f"/note/{layout}/").text
    assert page.count(CSRF) == 1
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    sent = {"title": "a", "csrfmiddlewaretoken": found[1]}
    assert client.post(f"/note/{layout}/", data=sent).text == "saved"
    assert client.post(f"/note/{layout}/", data={"title": "a"}).status_code == 403


def test_in_a_table_the_token_stands_in_the_first_cell_with_an_input(client: Client) -> None:
    page = client.get("/note/as_table/").text
    assert f"</th><td>{CSRF}" in page
    assert page.index(CSRF) < page.index("</tr>")


def test_a_form_can_do_without_the_token(client: Client) -> None:
    assert "csrfmiddlewaretoken" not in client.get("/search/").text


def test_outside_of_a_request_there_is_no_token() -> None:
    assert "csrfmiddlewaretoken" not in NoteForm().as_p
