"""Widgets: what they render, and that nothing gets out of its place in the HTML."""

from datetime import date, datetime, time
from enum import Enum

import pytest
from markupsafe import Markup

from lback.core.datastructures import MultiDict
from lback.forms.widgets import (
    CheckboxInput,
    CheckboxSelectMultiple,
    ClearableFileInput,
    ColorInput,
    DateInput,
    DateTimeInput,
    EmailInput,
    FileInput,
    HiddenInput,
    MonthInput,
    MultipleFileInput,
    MultipleHiddenInput,
    NumberInput,
    PasswordInput,
    RadioSelect,
    RangeInput,
    SearchInput,
    Select,
    SelectMultiple,
    TelInput,
    Textarea,
    TextInput,
    TimeInput,
    URLInput,
    WeekInput,
    Widget,
)

ATTACK = """"'><script>alert(1)</script>"""
ESCAPED = "&#34;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"


class Color(Enum):
    RED = "r"
    GREEN = "g"


@pytest.mark.parametrize(
    ("widget", "kind"),
    [
        (TextInput(), "text"),
        (EmailInput(), "email"),
        (NumberInput(), "number"),
        (PasswordInput(), "password"),
        (HiddenInput(), "hidden"),
        (CheckboxInput(), "checkbox"),
        (DateInput(), "date"),
        (TimeInput(), "time"),
        (DateTimeInput(), "datetime-local"),
        (FileInput(), "file"),
        (MultipleFileInput(), "file"),
        (ClearableFileInput(), "file"),
        (URLInput(), "url"),
        (TelInput(), "tel"),
        (SearchInput(), "search"),
        (RangeInput(), "range"),
        (ColorInput(), "color"),
        (MonthInput(), "month"),
        (WeekInput(), "week"),
    ],
)
def test_every_input_has_its_type_and_an_id_from_its_name(widget: Widget, kind: str) -> None:
    html = widget.render("field", None)
    assert html.startswith(f'<input type="{kind}" name="field"')
    assert 'id="id_field"' in html


@pytest.mark.parametrize("widget", [TextInput(), HiddenInput(), DateInput(), NumberInput()])
def test_an_input_shows_its_value_escaped(widget: Widget) -> None:
    assert f'value="{ESCAPED}"' in widget.render("field", ATTACK)


def test_a_textarea_shows_its_value_escaped() -> None:
    assert Textarea().render("field", "</textarea><b>") == (
        '<textarea name="field" id="id_field">&lt;/textarea&gt;&lt;b&gt;</textarea>'
    )


def test_a_textarea_keeps_a_line_break_at_the_start() -> None:
    assert ">\n\nsecond</textarea>" in Textarea().render("field", "\nsecond")


def test_zero_is_a_value_and_is_shown() -> None:
    assert 'value="0"' in TextInput().render("field", 0)


@pytest.mark.parametrize("value", ["secret", 1, ATTACK])
def test_a_password_is_never_sent_back(value: object) -> None:
    html = PasswordInput().render("field", value)
    assert "value" not in html


def test_attributes_are_escaped_true_is_bare_and_none_is_left_out() -> None:
    html = TextInput(attrs={"class": ATTACK, "autofocus": True, "title": None, "disabled": False}).render("f", None)
    assert f'class="{ESCAPED}"' in html
    assert " autofocus" in html
    assert "title" not in html
    assert "disabled" not in html


@pytest.mark.parametrize("name", ["a onload=x", "a>", 'a"', "", "a/b", "a=b", "a\n", "1a", "é"])
def test_a_name_that_is_no_attribute_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="one HTML attribute"):
        TextInput(attrs={name: "x"})
    with pytest.raises(ValueError, match="one HTML attribute"):
        TextInput().render("field", None, {name: "x"})


def test_names_that_scripts_use_are_attributes() -> None:
    assert ' data-x="1" @click="go" x-on:click.away="no"' in TextInput(
        attrs={"data-x": 1, "@click": "go", "x-on:click.away": "no"}
    ).render("field", None)


def test_attributes_of_the_widget_go_over_those_of_the_form() -> None:
    assert 'id="own"' in TextInput(attrs={"id": "own"}).render("field", None, {"class": "x"})


def test_a_description_of_the_widget_stays_beside_that_of_the_form() -> None:
    widget = TextInput(attrs={"aria-describedby": "note"})
    assert 'aria-describedby="note id_f_help"' in widget.render("f", None, {"aria-describedby": "id_f_help"})


def test_a_copy_has_attributes_of_its_own() -> None:
    original = TextInput(attrs={"class": "a"})
    original.copy().attrs["class"] = "b"
    assert original.attrs == {"class": "a"}


@pytest.mark.parametrize(
    ("sent", "checked"),
    [("on", True), ("yes", True), ("true", True), (True, True), ("false", False), ("0", False), ("", False)],
)
def test_a_checkbox_reads_what_browsers_and_programs_send(sent: object, checked: bool) -> None:
    assert CheckboxInput().value_from_datadict({"field": sent}, {}, "field") is checked


def test_a_checkbox_that_was_not_sent_is_not_ticked() -> None:
    assert CheckboxInput().value_from_datadict({}, {}, "field") is False
    assert CheckboxInput().value_omitted_from_data({}, {}, "field") is False


def test_a_checkbox_shows_whether_it_is_ticked() -> None:
    assert " checked" in CheckboxInput().render("field", True)
    assert " checked" not in CheckboxInput().render("field", False)


def test_dates_and_times_are_shown_as_the_browser_reads_them() -> None:
    moment = datetime(2026, 1, 31, 14, 30)  # noqa: DTZ001
    assert 'value="2026-01-31"' in DateInput().render("f", date(2026, 1, 31))
    assert 'value="2026-01-31"' in DateInput().render("f", moment)
    assert 'value="14:30"' in TimeInput().render("f", time(14, 30))
    assert 'value="14:30:05"' in TimeInput().render("f", time(14, 30, 5))
    assert 'value="2026-01-31T14:30"' in DateTimeInput().render("f", moment)
    assert 'value="2026-01-31T14:30:00.123"' in DateTimeInput().render("f", moment.replace(microsecond=123456))


def test_months_and_weeks_are_shown_as_the_browser_reads_them() -> None:
    assert 'value="2026-01"' in MonthInput().render("f", date(2026, 1, 31))
    assert 'value="2026-W01"' in WeekInput().render("f", date(2025, 12, 31))
    assert 'value="2026-W05"' in WeekInput().render("f", "2026-W05")


def test_markup_in_an_attribute_is_escaped_too() -> None:
    assert 'title="&lt;b&gt;"' in TextInput(attrs={"title": Markup("<b>")}).render("f", None)
    assert 'value="&#34;"' in TextInput().render("f", Markup('"'))


def test_round_buttons_have_a_label_each_and_one_is_pressed() -> None:
    assert RadioSelect([(1, "One"), (2, "Two")]).render("f", "2", {"required": True}) == (
        '<span class="choices">'
        '<span class="choice"><input type="radio" name="f" value="1" id="id_f_0" required>'
        ' <label for="id_f_0">One</label></span>'
        '<span class="choice"><input type="radio" name="f" value="2" id="id_f_1" checked required>'
        ' <label for="id_f_1">Two</label></span></span>'
    )


def test_boxes_for_several_values_are_ticked_each() -> None:
    widget = CheckboxSelectMultiple([("Group", ["a", "b"]), "c"])
    html = widget.render("f", ["a", "c"])
    assert html.count('type="checkbox"') == 3
    assert html.count(" checked") == 2
    assert '<strong class="choices-heading">Group</strong>' in html
    assert widget.value_from_datadict(MultiDict([("f", "a"), ("f", "c")]), {}, "f") == ["a", "c"]
    assert not widget.value_omitted_from_data({}, {}, "f")


@pytest.mark.parametrize("widget", [RadioSelect, CheckboxSelectMultiple])
def test_values_and_labels_of_groups_are_escaped(widget: type[Widget]) -> None:
    html = widget([(ATTACK, ATTACK), (ATTACK, [("x", ATTACK)])], attrs={"title": ATTACK}).render("f", ATTACK)
    assert "<script" not in html
    assert ATTACK not in html


def test_hidden_values_may_be_several() -> None:
    html = MultipleHiddenInput().render("f", ["a", ATTACK])
    assert html.startswith('<input type="hidden" name="f" value="a" id="id_f_0"><input type="hidden"')
    assert ESCAPED in html
    assert MultipleHiddenInput().render("f", None) == ""
    assert MultipleHiddenInput().value_from_datadict({"f": ["a"]}, {}, "f") == ["a"]


def test_a_clearable_file_names_what_is_there_and_offers_to_remove_it() -> None:
    html = ClearableFileInput().render("f", ATTACK)
    assert f"Currently: {ESCAPED}" in html
    assert '<input type="checkbox" name="f-clear" id="id_f_clear"><label for="id_f_clear">Remove it</label>' in html
    assert "checkbox" not in ClearableFileInput().render("f", None)


def test_several_files_come_from_the_files() -> None:
    assert MultipleFileInput().value_from_datadict({}, MultiDict([("f", "1"), ("f", "2")]), "f") == ["1", "2"]
    assert " multiple" in MultipleFileInput().render("f", None)


def test_a_select_marks_the_chosen_option_by_its_text() -> None:
    html = Select([(1, "One"), (2, "Two")]).render("field", "2")
    assert html == (
        '<select name="field" id="id_field">'
        '<option value="1">One</option><option value="2" selected>Two</option></select>'
    )


def test_values_and_labels_of_options_are_escaped() -> None:
    html = Select([(ATTACK, ATTACK), (ATTACK, [("x", ATTACK)])]).render("field", None)
    assert "<script" not in html
    assert html.count(ESCAPED) == 4


def test_options_may_stand_in_groups_and_be_values_alone() -> None:
    html = Select(["a", ("Group", [("b", "B")])]).render("field", "b")
    assert '<option value="a">a</option><optgroup label="Group"><option value="b" selected>B</option>' in html


def test_members_of_an_enum_are_named_in_the_form() -> None:
    html = Select(Color).render("field", Color.GREEN)
    assert '<option value="RED">RED</option><option value="GREEN" selected>GREEN</option>' in html


def test_choices_may_be_a_function() -> None:
    assert '<option value="a">A</option>' in Select(lambda: [("a", "A")]).render("field", None)


def test_required_stands_on_a_select_only_where_html_allows_it() -> None:
    assert " required" in Select([("", "-"), ("a", "A")]).render("f", None, {"required": True})
    assert " required" not in Select([("a", "A")]).render("f", None, {"required": True})


def test_several_values_come_from_request_data_and_from_plain_mappings() -> None:
    widget = SelectMultiple(["a", "b"])
    assert widget.value_from_datadict(MultiDict([("f", "a"), ("f", "b")]), {}, "f") == ["a", "b"]
    assert widget.value_from_datadict({"f": ["a", "b"]}, {}, "f") == ["a", "b"]
    assert widget.value_from_datadict({"f": "a"}, {}, "f") == ["a"]
    assert widget.value_from_datadict({}, {}, "f") == []


def test_a_select_for_several_values_marks_each() -> None:
    html = SelectMultiple(["a", "b", "c"]).render("field", ["a", "c"])
    assert " multiple " in html
    assert html.count(" selected") == 2


def test_a_file_comes_from_the_files_and_is_not_shown() -> None:
    assert FileInput().value_from_datadict({"f": "text"}, {}, "f") is None
    assert FileInput().value_from_datadict({}, {"f": "file"}, "f") == "file"
    assert "value" not in FileInput().render("f", "C:\\secret.txt")
