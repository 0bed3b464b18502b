"""Forms as HTML: the layouts, their escaping, and what assistive software is told."""

import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from jinja2 import Environment

from lback.core.request import Request
from lback.core.response import HTMLResponse
from lback.core.testing import Client, make_app
from lback.forms import fields
from lback.forms.fields import CharField, ChoiceField, MultipleChoiceField
from lback.forms.forms import Form
from lback.forms.validation import ValidationError
from lback.forms.widgets import CheckboxSelectMultiple, HiddenInput, RadioSelect, Textarea
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


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_was_sent_is_never_read_as_a_template(layout: str) -> None:
    form = NoteForm(data={"title": "{{ 7 * 7 }}", "text": "{% for a in b %}"}, initial={"text": "{{ 7 * 7 }}"})
    form.add_error(None, "{{ 7 * 7 }}")
    html = form.error_summary + getattr(form, layout)
    assert html.count("{{ 7 * 7 }}") == 3
    assert "{% for a in b %}" in html
    assert "49" not in html


# Groups of inputs


class SizeForm(Form):
    size = ChoiceField(choices=["S", "M"], widget=RadioSelect, help_text="Runs small.")
    extras = MultipleChoiceField(choices=["Tea", "Cake"], widget=CheckboxSelectMultiple)


@pytest.mark.parametrize("layout", ["as_p", "as_ul", "as_div"])
def test_a_group_is_a_fieldset_that_is_named_and_described(layout: str) -> None:
    html = getattr(SizeForm(data={}), layout)
    described = 'aria-describedby="id_size_help id_size_errors" aria-invalid="true" aria-required="true"'
    assert f' id="id_size" role="radiogroup" {described}><legend>Size</legend>' in html
    assert 'id="id_extras" aria-describedby="id_extras_errors"><legend>Extras</legend>' in html
    assert '<label for="id_size"' not in html


def test_in_a_table_a_group_is_named_by_the_cell_at_its_side() -> None:
    html = SizeForm().as_table
    assert '<th scope="row"><span id="id_size_label">Size</span></th>' in html
    assert '<div id="id_size" role="radiogroup"' in html
    assert 'aria-labelledby="id_size_label"' in html
    assert '<div id="id_extras" role="group"' in html


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", [SizeForm(), SizeForm(data={})], ids=["new", "sent"])
def test_every_id_is_there_once_and_every_reference_leads_to_one(layout: str, form: Form) -> None:
    html = form.error_summary + getattr(form, layout)
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    lists = re.findall(r' aria-(?:describedby|labelledby)="([^"]+)"', html)
    named = [name for text in lists for name in text.split()]
    assert {*named, *re.findall(r' for="([^"]+)"', html), *re.findall(r'href="#([^"]+)"', html)} <= set(ids)


# All errors in one place


def test_the_summary_links_every_error_to_its_field() -> None:
    form = SizeForm(data={})
    form.add_error(None, "Closed.")
    summary = form.error_summary
    assert '<a href="#id_size_0">Size: This field is required.</a>' in summary
    assert '<a href="#id_extras_0">Extras: This field is required.</a>' in summary
    assert "<li>Closed.</li>" in summary
    assert 'role="alert"' in summary


def test_without_errors_there_is_no_summary() -> None:
    assert SizeForm().error_summary == ""
    assert NoteForm(data={"title": "a"}).error_summary == ""


def test_the_summary_is_escaped() -> None:
    summary = AttackedForm(data={"text": ATTACK, "long": ATTACK, "pick": ATTACK}).error_summary
    assert summary.count("&lt;script&gt;") >= 2
    assert "script" not in {tag for tag, _ in Tree(summary).tags}


# A project's own templates and language


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., str]:
    """Return a function that shows a form of a project, whose files are given by their paths."""

    def show(form: Callable[[], Form], templates: dict[str, str], language: str = "") -> str:
        for name, text in templates.items():
            (tmp_path / "templates" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "templates" / name).write_text(text)

        def view(request: Request) -> HTMLResponse:
            made = form()
            return HTMLResponse(made.error_summary + made.as_p)

        client = Client(make_app([path("/", view)], BASE_DIR=tmp_path))
        return client.get("/", headers={"Accept-Language": language} if language else {}).text

    return show


def test_a_project_may_have_its_own_template_of_a_layout(project: Callable[..., str]) -> None:
    own = "{% for field in fields %}<b>{{ field.label }}</b>{% endfor %}{% include 'own.html' %}"
    assert project(NoteForm, {"forms/p.html": own, "own.html": "!"}) == "<b>Title</b><b>Text</b>!"


def test_the_other_templates_stay(project: Callable[..., str]) -> None:
    html = project(lambda: NoteForm(data={}), {"forms/error_summary.html": "<h2>{{ title }}</h2>"})
    assert html.startswith("<h2>Please correct the following:</h2>")
    assert "<p><label" in html


def test_labels_messages_and_choices_are_shown_in_the_language_of_the_visitor(
    project: Callable[..., str], tmp_path: Path
) -> None:
    catalogue = Catalog(locale="de")
    german = {
        "Title": "Titel",
        "Few words.": "Wenige <Wörter>.",
        "Enter at most %(limit)s characters; this has %(length)s.": "Höchstens %(limit)s Zeichen statt %(length)s.",
        "Tea": "Tee",
        "Not today.": "Nicht heute.",
        "Please correct the following:": "Bitte berichtigen:",
    }
    for text, translation in german.items():
        catalogue.add(text, translation)
    place = tmp_path / "locale" / "de" / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)

    class TeaForm(NoteForm):
        drink = ChoiceField(choices=["Tea", ("Cold", [("w", "Water")])], required=False)

        def clean(self) -> None:
            raise ValidationError("Not today.")

    def form() -> Form:
        return TeaForm(data={"title": "too long"})

    html = project(form, {}, "de")
    for text in (
        "Titel",
        "Wenige &lt;Wörter&gt;.",
        "Höchstens 5 Zeichen statt 8.",
        "Nicht heute.",
        "Bitte berichtigen:",
    ):
        assert text in html
    assert '<option value="Tea">Tee</option>' in html
    assert '<option value="w">Water</option>' in html
    assert "Enter at most 5 characters" in project(form, {}, "en")


def test_the_messages_of_the_package_are_found_by_the_tools_of_translators() -> None:
    folder = Path(fields.__file__).parent
    found = {
        message for _, _, message, _, _ in extract_from_dir(folder, [("**.py", "python")], strip_comment_tags=True)
    }
    for field in fields.__all__:
        kind = getattr(fields, field)
        for base in kind.__mro__:
            assert set(vars(base).get("default_error_messages", {}).values()) <= found


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


# What it costs


def python_calls(work: Callable[[], object]) -> int:
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("layout", LAYOUTS)
def test_twice_the_fields_cost_twice_as_much(layout: str) -> None:
    def cost(count: int) -> int:
        form_class = type("Wide", (Form,), {f"f{number}": CharField(max_length=9) for number in range(count)})
        data = {f"f{number}": "too long a text" for number in range(count)}
        getattr(form_class(data), layout)
        return python_calls(lambda: getattr(form_class(data), layout))

    small, large = cost(20), cost(40)
    assert large < 2.1 * small
    # A field with an error; forms of the peers take some hundreds of calls for one.
    assert (large - small) / 20 < 300
