"""Formsets: one form several times, and what those who send it can't do."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.datastructures import MultiDict
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.response import HTMLResponse
from lback.core.testing import Client, make_app
from lback.forms.fields import CharField, FileField, IntegerField
from lback.forms.forms import Form
from lback.forms.formsets import FormSet, formset_factory
from lback.forms.validation import ValidationError
from lback.utils.urls import path


class ItemForm(Form):
    name = CharField(max_length=5)
    count = IntegerField(initial=1)


class ItemFormSet(FormSet):
    form = ItemForm
    can_delete = True
    can_order = True
    extra = 2
    min_num = 1
    max_num = 3
    default_prefix = "item"


KNOWN = [{"name": "Tea", "count": 1}, {"name": "Cake", "count": 2}]


def sent(*rows: dict[str, Any], total: Any = None, prefix: str = "item") -> dict[str, Any]:
    data = {f"{prefix}-TOTAL_FORMS": len(rows) if total is None else total}
    for index, row in enumerate(rows):
        data |= {f"{prefix}-{index}-{name}": value for name, value in row.items()}
    return data


def codes(formset: FormSet) -> list[str | None]:
    return [error.code for error in formset.non_form_errors]


def test_a_new_formset_shows_what_there_is_and_empty_forms() -> None:
    formset = ItemFormSet(initial=KNOWN)
    assert [form["name"].value for form in formset] == ["Tea", "Cake", None]  # at most three
    assert [form.prefix for form in formset] == ["item-0", "item-1", "item-2"]
    assert len(ItemFormSet()) == 2
    assert not formset.is_valid()
    assert formset.non_form_errors == []


def test_what_was_sent_is_validated_and_empty_forms_are_left_out() -> None:
    formset = ItemFormSet(data=sent({"name": "Tea", "count": "3"}, {"name": "", "count": "1"}, {}))
    assert formset.is_valid()
    assert formset.cleaned_data == [{"name": "Tea", "count": 3}]
    assert formset.errors == [{}, {}, {}]


def test_an_error_in_one_form_makes_the_formset_invalid() -> None:
    formset = ItemFormSet(data=sent({"name": "Tea", "count": "x"}, {"name": "too long", "count": "2"}))
    assert not formset.is_valid()
    assert [{name: [e.code for e in errors] for name, errors in each.items()} for each in formset.errors] == [
        {"count": ["invalid"]},
        {"name": ["max_length"]},
    ]
    with pytest.raises(AttributeError, match="is_valid"):
        _ = formset.cleaned_data


def test_a_form_with_initial_values_may_not_be_emptied() -> None:
    formset = ItemFormSet(data=sent({"name": "", "count": ""}), initial=KNOWN[:1])
    assert set(formset.errors[0]) == {"name", "count"}


def test_forms_that_are_taken_away_are_neither_validated_nor_kept() -> None:
    data = sent(
        {"name": "", "count": "x", "DELETE": "on"}, {"name": "Cake", "count": "2"}, {"name": "x", "DELETE": "on"}
    )
    formset = ItemFormSet(data=data, initial=KNOWN)
    assert formset.is_valid()
    assert formset.cleaned_data == [{"name": "Cake", "count": 2}]
    assert [form.prefix for form in formset.deleted_forms] == ["item-0"]


def test_the_visitor_says_the_order_and_forms_without_a_number_follow() -> None:
    rows = [{"name": name, "count": "1", "ORDER": order} for name, order in (("a", ""), ("b", "2"), ("c", "1"))]
    formset = ItemFormSet(data=sent(*rows))
    assert formset.is_valid()
    assert [row["name"] for row in formset.cleaned_data] == ["c", "b", "a"]


def test_what_is_no_number_is_no_order() -> None:
    formset = ItemFormSet(data=sent({"name": "a", "count": "1", "ORDER": "9" * 500}))
    assert not formset.is_valid()
    assert set(formset.errors[0]) == {"ORDER"}


def test_too_few_and_too_many_are_errors_of_the_whole() -> None:
    row = {"name": "a", "count": "2"}
    assert codes(ItemFormSet(data=sent({}, {}))) == ["too_few"]
    assert codes(ItemFormSet(data=sent(row, row, row))) == []
    assert codes(ItemFormSet(data=sent(row, row, row, row))) == ["too_many"]
    # As many as there may be, one taken away and another one added.
    assert ItemFormSet(data=sent(row, row, row, row | {"DELETE": "1"})).is_valid()


@pytest.mark.parametrize(
    "total",
    ["", "x", "-1", "1.5", "٣", "1_0", "9" * 500, None, [], {}, pytest.param(10**5000, id="huge"), float("inf")],
)
def test_a_count_that_is_none_is_an_error(total: object) -> None:
    data = {"item-TOTAL_FORMS": total, "item-0-name": "a"}
    formset = ItemFormSet(data=data)
    assert not formset.is_valid()
    assert codes(formset) == ["incomplete"]
    assert formset.forms == []
    assert "TOTAL_FORMS" in formset.as_div


def test_a_huge_count_makes_no_forms() -> None:
    formset = ItemFormSet(data=sent({}, total="1000000000"))
    assert codes(formset) == ["too_many"]
    assert len(formset) == 0


def test_a_count_without_values_makes_no_forms() -> None:
    many = formset_factory(ItemForm)
    formset = many(data={"form-TOTAL_FORMS": "2000", "form-0-name": "a"})
    assert codes(formset) == ["incomplete"]
    assert len(formset) == 0


def test_the_count_of_what_there_was_is_not_asked_of_the_browser() -> None:
    data = sent({"name": "", "count": ""}, {"name": "", "count": ""}) | {"item-INITIAL_FORMS": "0"}
    assert not ItemFormSet(data=data, initial=KNOWN).is_valid()


def test_a_box_that_the_formset_does_not_have_takes_nothing_away() -> None:
    formset = formset_factory(ItemForm)(data=sent({"name": "a", "count": "1", "DELETE": "on"}, prefix="form"))
    assert formset.is_valid()
    assert formset.cleaned_data == [{"name": "a", "count": 1}]


def test_clean_looks_at_the_forms_together() -> None:
    class Distinct(ItemFormSet):
        def clean(self) -> None:
            names = [form.cleaned_data.get("name") for form in self.kept_forms]
            if len(names) != len(set(names)):
                raise ValidationError("Twice.", "twice")

    row = {"name": "a", "count": "1"}
    assert codes(Distinct(data=sent(row, row))) == ["twice"]
    assert Distinct(data=sent(row)).is_valid()


def test_a_formset_knows_whether_anything_was_changed() -> None:
    rows = [{"name": "Tea", "count": "1", "ORDER": "1"}, {"name": "Cake", "count": "2", "ORDER": "2"}]
    assert not ItemFormSet(data=sent(*rows), initial=KNOWN).has_changed()
    assert ItemFormSet(data=sent(*rows, {"name": "x"}), initial=KNOWN).has_changed()


def test_request_data_and_files_are_taken() -> None:
    class FileForm(Form):
        file = FileField(required=False)

    formset = formset_factory(FileForm)(data=MultiDict([("form-TOTAL_FORMS", "1")]), files=MultiDict())
    assert formset.is_valid()
    assert formset.is_multipart


@given(st.dictionaries(st.sampled_from([*sent({"name": 1, "count": 1, "ORDER": 1, "DELETE": 1}, {})]), st.text()))
def test_whatever_is_sent_is_answered(data: dict[str, str]) -> None:
    formset = ItemFormSet(data=data, initial=KNOWN[:1])
    if formset.is_valid():
        assert 1 <= len(formset.cleaned_data) <= 3
    assert "<fieldset" in formset.as_div or formset.forms == []


# Showing it


@pytest.mark.parametrize("layout", ["as_p", "as_ul", "as_table", "as_div"])
def test_each_form_is_shown_with_its_number_and_the_count_comes_along(layout: str) -> None:
    html = getattr(ItemFormSet(initial=KNOWN), layout)
    assert html.count('name="item-TOTAL_FORMS"') == 1
    assert '<input type="hidden" name="item-TOTAL_FORMS" value="3" id="id_item-TOTAL_FORMS">' in html
    assert [f"Entry {number}<" in html for number in (1, 2, 3, 4)] == [True, True, True, False]
    assert '<label for="id_item-1-name">' in html
    assert getattr(ItemFormSet(), layout)() == getattr(ItemFormSet(), layout)


def test_only_forms_for_what_there_is_must_be_filled_in() -> None:
    first, second, third = ItemFormSet(initial=KNOWN)
    assert " required" in first["name"].input
    assert " required" in second["name"].input
    assert " required" not in third["name"].input


def test_the_empty_form_is_for_scripts() -> None:
    assert 'name="item-__prefix__-name"' in ItemFormSet().empty_form.as_p
    assert 'name="item-__prefix__-DELETE"' in ItemFormSet(data=sent({})).empty_form.as_p


def test_errors_of_the_whole_stand_at_the_top() -> None:
    html = ItemFormSet(data=sent({})).as_div
    assert html.index("Fill in at least 1.") < html.index("<fieldset")


def test_forms_that_do_not_count_are_shown_without_errors() -> None:
    deleted = {"name": "", "count": "x", "DELETE": "on"}
    formset = ItemFormSet(
        data=sent(deleted, {"name": "", "count": "1"}, {"name": "x", "count": "y"}), initial=KNOWN[:1]
    )
    assert not formset[0]["name"].errors
    assert " checked" in formset[0]["DELETE"].input
    assert formset.as_div.count('class="field-error"') == 1


def test_two_formsets_fit_into_one_page() -> None:
    data = sent({"name": "a", "count": "1"}, prefix="one") | sent({"name": "b", "count": "1"}, prefix="two")
    assert [ItemFormSet(data=data, prefix=name).cleaned_data[0]["name"] for name in ("one", "two")] == ["a", "b"]


@pytest.mark.parametrize("layout", ["as_p", "as_ul", "as_table", "as_div"])
def test_in_a_request_one_token_comes_along_and_the_post_passes(layout: str) -> None:
    def view(request: Request) -> HTMLResponse:
        formset = ItemFormSet(request.POST) if request.method == "POST" else ItemFormSet()
        return HTMLResponse("saved" if formset.is_valid() else getattr(formset, layout))

    middlewares = ["lback.middlewares.csrf.CSRFMiddleware"]
    client = Client(make_app([path("/", view, allowed_methods=["GET", "POST"])], MIDDLEWARES=middlewares))
    page = client.get("/").text
    tokens = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert len(tokens) == 1
    data = sent({"name": "a", "count": "1"}, {"name": "", "count": "1"})
    assert client.post("/", data=data | {"csrfmiddlewaretoken": tokens[0]}).text == "saved"
    assert client.post("/", data=data).status_code == 403


# Classes


def test_the_factory_takes_the_options_of_a_formset() -> None:
    made = formset_factory(ItemForm, extra=5, can_order=True)
    assert len(made()) == 5
    assert "ORDER" in made()[0].fields


def test_options_that_make_no_sense_stop_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no option 'maximum'"):
        formset_factory(ItemForm, maximum=3)
    with pytest.raises(ConfigurationError, match="min_num=3, max_num=2"):
        formset_factory(ItemForm, min_num=3, max_num=2)
