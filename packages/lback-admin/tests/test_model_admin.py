import pytest

from lback.admin.model_admin import ModelAdmin
from lback.core.exceptions import ConfigurationError


def described(model, **attributes):
    return type("Described", (ModelAdmin,), attributes)(model)


def test_a_bare_model_shows_what_fits_into_a_table_and_its_timestamps_last(models):
    assert ModelAdmin(models.Course).columns == ("name", "price", "published", "level", "category")


def test_a_model_without_text_begins_with_what_its_rows_are_called(models):
    assert ModelAdmin(models.Lesson).columns[0] == "__str__"


def test_a_bare_model_searches_all_text_but_secrets(models):
    assert ModelAdmin(models.Course).searched == ("name", "description", "slug")


def test_a_bare_model_is_filtered_by_truth_values(models):
    assert ModelAdmin(models.Course).filters == ("published",)


def test_labels_come_from_the_class_name(models):
    assert ModelAdmin(models.Category).plural_label == "Categories"
    assert described(models.Category, verbose_name="Kind").plural_label == "Kinds"


def test_a_row_without_a_str_is_called_by_model_and_key(models):
    assert ModelAdmin(models.Lesson).describe(models.Lesson(id=7)) == "Lesson 7"
    assert ModelAdmin(models.Course).describe(models.Course(name="Tea")) == "Tea"


def test_columns_can_be_methods_of_the_admin_and_of_the_model(models):
    def shout(self, course):
        return course.name.upper()

    shout.short_description = "Loud"
    admin = described(models.Course, list_display=("shout", "length"), shout=shout)
    admin.check()
    assert admin.value(models.Course(name="Tea"), "shout") == "TEA"
    assert admin.value(models.Course(name="Tea"), "length") == 3
    assert admin.heading("shout") == "Loud"
    assert admin.sortable == ("id",)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("list_display", ("nothing",)),
        ("list_display", ("api_token",)),
        ("readonly_fields", ("api_token",)),
        ("search_fields", ("price",)),
        ("search_fields", ("api_token",)),
        ("list_filter", ("name",)),
        ("ordering", ("-api_token",)),
        ("ordering", ("nothing",)),
        ("per_page", 0),
        ("per_page", 10_000),
    ],
)
def test_a_name_that_can_not_serve_stops_the_start(models, option, value):
    with pytest.raises(ConfigurationError, match=f"{option} of Described for Course"):
        described(models.Course, **{option: value}).check()
