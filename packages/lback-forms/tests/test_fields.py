"""Fields: what they accept, what they make of it, and what they refuse."""

import contextlib
import string
import time as time_module
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from io import BytesIO
from uuid import UUID

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from lback.core.uploads import UploadedFile
from lback.forms import fields
from lback.forms.fields import (
    BooleanField,
    CharField,
    ChoiceField,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    EmailField,
    Field,
    FileField,
    FloatField,
    IntegerField,
    IPAddressField,
    JSONField,
    ListField,
    MultipleChoiceField,
    MultipleFileField,
    RegexField,
    SlugField,
    TimeField,
    TypedChoiceField,
    TypedMultipleChoiceField,
    URLField,
    UUIDField,
)
from lback.forms.validation import ValidationError
from lback.forms.widgets import (
    CheckboxInput,
    ClearableFileInput,
    NumberInput,
    PasswordInput,
    Select,
    Textarea,
    TextInput,
)


class Color(Enum):
    RED = "r"
    GREEN = "g"


def code_of(field: Field, value: object) -> str | None:
    with pytest.raises(ValidationError) as caught:
        field.clean(value)
    assert "%(" not in str(caught.value)
    return caught.value.code


# What all fields have


@pytest.mark.parametrize("empty", [None, "", "  \t\n"])
def test_a_required_field_refuses_nothing_at_all(empty: object) -> None:
    for name in fields.__all__:
        assert code_of(getattr(fields, name)(), empty) == "required"


def test_a_widget_may_be_given_as_a_class_or_as_an_object() -> None:
    assert isinstance(CharField(widget=PasswordInput).widget, PasswordInput)
    assert CharField(widget=Textarea(attrs={"rows": 5})).widget.attrs == {"rows": 5}


def test_two_fields_do_not_share_the_widget_they_were_given() -> None:
    widget = TextInput()
    one, other = CharField(widget=widget), CharField(widget=widget)
    one.widget.attrs["class"] = "wide"
    assert other.widget.attrs == {}


def test_attributes_of_the_field_go_to_its_widget() -> None:
    assert 'class="wide"' in CharField(attrs={"class": "wide"}).render("f", None)


def test_messages_can_be_replaced_by_code() -> None:
    field = CharField(error_messages={"required": "Who are you?"})
    with pytest.raises(ValidationError, match="Who are you"):
        field.clean("")


def test_validators_see_the_python_value() -> None:
    def even(value: int) -> None:
        if value % 2:
            raise ValidationError("Odd.", "odd")

    field = IntegerField(validators=[even])
    assert field.clean("4") == 4
    assert code_of(field, "3") == "odd"


def test_validators_are_not_asked_about_nothing() -> None:
    def fail(value: object) -> None:
        raise AssertionError(value)

    assert IntegerField(required=False, validators=[fail]).clean("") is None


def test_a_disabled_field_says_so() -> None:
    assert " disabled" in CharField(disabled=True).render("f", "a")


@pytest.mark.parametrize(
    ("field", "initial", "sent", "changed"),
    [
        (CharField(), "a", " a ", False),
        (CharField(), "a", "b", True),
        (CharField(), None, "", False),
        (CharField(), "a", "", True),
        (IntegerField(), 3, "3", False),
        (IntegerField(), 3, "03", False),
        (IntegerField(), 3, "x", True),
        (IntegerField(), 0, "", True),
        (DecimalField(), Decimal("1.50"), "1.5", False),
        (BooleanField(), False, False, False),
        (BooleanField(), None, True, True),
        (DateField(), date(2026, 1, 31), "2026-01-31", False),
        (DateTimeField(), datetime(2026, 1, 31, 14, 30, 5, 123456), "2026-01-31T14:30:05.123", False),  # noqa: DTZ001
        (DateTimeField(timezone=UTC), datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00", False),
        (TimeField(), time(14, 30), "14:31", True),
        (DurationField(), timedelta(hours=1), "60:00", False),
        (ChoiceField(choices=Color), Color.RED, "RED", False),
        (MultipleChoiceField(choices="abc"), ["a", "b"], ["b", "a"], False),
        (MultipleChoiceField(choices="abc"), ["a"], [], True),
        (JSONField(), {"a": 1}, '{"a":1}', False),
    ],
)
def test_a_field_knows_whether_its_value_was_changed(
    field: Field, initial: object, sent: object, changed: bool
) -> None:
    assert field.has_changed(initial, sent) is changed


# Text


def test_text_is_stripped_unless_it_is_to_stay() -> None:
    assert CharField().clean("  a b \n") == "a b"
    assert CharField(strip=False).clean(" a ") == " a "
    assert CharField(strip=False).clean("  ") == "  "


def test_optional_text_that_is_left_empty_is_the_empty_text() -> None:
    assert CharField(required=False).clean("") == ""
    assert CharField(required=False, empty_value=None).clean(" ") is None


def test_the_length_of_text_is_limited_on_both_sides() -> None:
    field = CharField(min_length=2, max_length=3)
    assert field.clean("ab") == "ab"
    assert code_of(field, "a") == "min_length"
    assert code_of(field, "abcd") == "max_length"


def test_a_line_break_counts_as_one_character_as_it_does_in_the_browser() -> None:
    assert CharField(max_length=3).clean("a\r\nb") == "a\nb"


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"])
def test_text_that_no_database_holds_is_refused(value: str) -> None:
    assert code_of(CharField(), value) == "control"


@pytest.mark.parametrize("value", [[], {}, ["a"], True, pytest.param(10**5000, id="huge")])
def test_what_is_no_text_is_refused(value: object) -> None:
    assert code_of(CharField(), value) == "invalid"


@pytest.mark.parametrize("address", ["name@example.com", "a.b+c@sub.example.org", "jörg@exämple.com"])
def test_addresses_are_accepted(address: str) -> None:
    assert EmailField().clean(address) == address


def test_an_address_is_kept_without_white_space_and_with_its_domain_in_lower_case() -> None:
    assert EmailField().clean(" Name@Example.COM\n") == "Name@example.com"


@pytest.mark.parametrize(
    "text", ["name", "name@", "@example.com", "a b@example.com", "a@b@example.com", "a@example.com\nBcc: b@example.com"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert code_of(EmailField(), text) == "invalid"


def test_a_long_address_is_refused_by_its_length_alone() -> None:
    assert code_of(EmailField(), "a" * 1_000_000 + "@example.com") == "max_length"


@given(
    local=st.text(string.ascii_letters + string.digits + "._+-", min_size=1, max_size=70),
    domain=st.lists(
        st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=66), min_size=1, max_size=3
    ),
    top=st.sampled_from(["com", "ORG", "test", "example", "invalid", "local", "localhost", "onion", "arpa", "c", "c1"]),
)
def test_ordinary_addresses_are_judged_as_by_the_parser(local: str, domain: list[str], top: str) -> None:
    address = f"{local}@{'.'.join([*domain, top])}"
    try:
        expected = validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        assert code_of(EmailField(), address) == "invalid"
    else:
        assert EmailField().clean(address) == expected


@pytest.mark.parametrize("field", [EmailField(), URLField(), SlugField(), RegexField("(a|b)+")])
def test_a_hundred_thousand_labels_are_refused_by_their_length(field: Field) -> None:
    assert code_of(field, "a@" + "a." * 100_000 + "com") == "max_length"


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("https://example.com", "https://example.com"),
        ("HTTP://Example.COM:8080/A?b=c#d", "http://example.com:8080/A?b=c#d"),
        ("example.com/page", "https://example.com/page"),
        ("example.com:8080/page", "https://example.com:8080/page"),
        ("//example.com", "https://example.com"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
        ("http://[2001:db8::1]/", "http://[2001:db8::1]/"),
        ("https://müller.example/straße", "https://müller.example/straße"),
    ],
)
def test_web_addresses_are_accepted(sent: str, address: str) -> None:
    assert URLField().clean(sent) == address


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JaVaScRiPt://example.com/%0aalert(1)",
        "data:text/html,x",
        "ftp://example.com",
        "https://",
        "https:///path",
        "https://example.com\n.evil.com",
        "https://exam\tple.com",
        "https://example.com\\@evil.com",
        "https://example.com@evil.com",
        "https://user:password@example.com",
        "https://-a.com",
        "https://a..com",
        "https://" + "a" * 64 + ".com",
        "https://example.com:99999",
        "https://example.com:x",
        "https://[::1",
        "https://[1.2.3.4]",
        "https://1.2.3",
        "https://999.1.1.1",
        'https://example.com/"onclick="x',
        "https://example.com/\u2028a",
    ],
)
def test_what_is_no_web_address_is_refused(text: str) -> None:
    assert code_of(URLField(), text) == "invalid"


def test_schemes_can_be_chosen() -> None:
    assert URLField(schemes=("ftp",)).clean("ftp://example.com/a") == "ftp://example.com/a"
    assert code_of(URLField(schemes=("ftp",)), "https://example.com") == "invalid"


def test_a_pattern_is_held_against_the_whole_text() -> None:
    field = RegexField("[a-z]{2}", strip=False)
    assert field.clean("ab") == "ab"
    for text in ("abc", "xab", "ab\n", "\nab"):
        assert code_of(field, text) == "pattern"


@pytest.mark.parametrize("text", ["a b", "ä", "a/b", "a.b", "²"])
def test_a_slug_has_letters_digits_hyphens_and_underscores(text: str) -> None:
    assert SlugField().clean("my-first_page2") == "my-first_page2"
    assert code_of(SlugField(), text) == "pattern"
    assert code_of(SlugField(strip=False), "page\n") == "pattern"


def test_a_slug_may_have_letters_of_all_scripts() -> None:
    assert SlugField(allow_unicode=True).clean("größe-二") == "größe-二"
    assert code_of(SlugField(allow_unicode=True), "a b") == "pattern"


def test_ip_addresses_are_read_and_shortened() -> None:
    assert IPAddressField().clean(" 192.0.2.1 ") == "192.0.2.1"
    assert IPAddressField().clean("2001:0db8:0:0:0:0:0:1") == "2001:db8::1"
    for text in ("192.0.2.256", "192.0.2.01", "1", "::1/64", "example.com", "٣.1.1.1"):
        assert code_of(IPAddressField(), text) == "invalid"


def test_a_uuid_is_read_with_and_without_hyphens() -> None:
    expected = UUID("6f1c7a52-0000-4000-8000-000000000001")
    assert UUIDField().clean(str(expected)) == UUIDField().clean(expected.hex) == expected
    assert code_of(UUIDField(), "6f1c") == "invalid"


def test_json_is_read_and_shown() -> None:
    assert JSONField().clean('{"a": [1, null]}') == {"a": [1, None]}
    assert JSONField().prepare({"ä": 1}) == '{\n  "ä": 1\n}'


def test_a_backslash_before_what_looks_like_an_escape_is_text() -> None:
    assert JSONField().clean(r'"C:\\u0000"') == r"C:\u0000"
    assert code_of(JSONField(), r'"\\\u0000"') == "invalid"


@pytest.mark.parametrize("text", ["{", "NaN", "[Infinity]", "[" * 100_000, "1" * 10_000, '"\\u0000"', '"\\ud800"'])
def test_what_is_no_json_is_refused(text: str) -> None:
    assert code_of(JSONField(), text) == "invalid"


# Numbers


@pytest.mark.parametrize(("text", "number"), [("18", 18), (" -3\n", -3), ("+4", 4), ("007", 7), (5, 5), (3.0, 3)])
def test_whole_numbers_are_read(text: object, number: int) -> None:
    assert IntegerField().clean(text) == number


@pytest.mark.parametrize("text", ["1.5", "1_000", "٣", "1e3", "0x10", "--1", "abc", True, 1.5, [1], "9" * 101])
def test_what_is_no_whole_number_is_refused(text: object) -> None:
    assert code_of(IntegerField(), text) == "invalid"


def test_numbers_that_no_database_holds_are_refused() -> None:
    assert IntegerField().clean(str(2**63 - 1)) == 2**63 - 1
    assert code_of(IntegerField(), str(2**63)) == "max_value"
    assert code_of(IntegerField(), str(-(2**63) - 1)) == "min_value"


def test_numbers_are_limited_on_both_sides() -> None:
    field = IntegerField(min_value=18, max_value=99)
    assert field.clean("18") == 18
    assert field.clean("99") == 99
    assert code_of(field, "17") == "min_value"
    assert code_of(field, "100") == "max_value"


def test_a_limit_of_zero_is_a_limit() -> None:
    assert code_of(IntegerField(min_value=0), "-1") == "min_value"


@pytest.mark.parametrize(("text", "number"), [("1.5", 1.5), ("-.5", -0.5), ("2.", 2.0), ("1e3", 1000.0), (2, 2.0)])
def test_floats_are_read(text: object, number: float) -> None:
    assert FloatField().clean(text) == number


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "inf", "-Infinity", "1e999", "1,5", "1_0.0", float("nan"), float("inf")]
)
def test_floats_that_are_no_number_are_refused(text: object) -> None:
    assert code_of(FloatField(), text) == "invalid"


def test_decimals_keep_their_digits() -> None:
    assert str(DecimalField().clean("10.10")) == "10.10"
    assert DecimalField().clean(Decimal("0.1")) == Decimal("0.1")


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "1e999999", "1e-9999", "1,5", Decimal("NaN")])
def test_decimals_that_are_no_number_or_huge_are_refused(text: object) -> None:
    assert code_of(DecimalField(), text) == "invalid"


def test_the_digits_of_a_decimal_are_counted_as_in_a_column() -> None:
    field = DecimalField(max_digits=5, decimal_places=2)
    assert field.clean("123.45") == Decimal("123.45")
    assert code_of(field, "1.234") == "decimal_places"
    assert code_of(field, "1234.5") == "whole_digits"
    assert code_of(field, "123456") == "max_digits"
    assert code_of(field, "1e5") == "max_digits"


def test_numbers_bring_attributes_that_fit_their_widget() -> None:
    plain = IntegerField(min_value=0, max_value=9).render("f", None)
    assert plain == '<input type="text" name="f" id="id_f" required inputmode="numeric">'
    number = IntegerField(min_value=0, max_value=9, widget=NumberInput).render("f", None)
    assert number == '<input type="number" name="f" id="id_f" required min="0" max="9">'
    assert 'step="0.01"' in DecimalField(decimal_places=2, widget=NumberInput).render("f", None)


# Choices


def test_a_required_yes_must_be_a_yes() -> None:
    assert BooleanField().clean(True) is True
    assert code_of(BooleanField(), False) == "required"
    assert BooleanField(required=False).clean(False) is False


def test_a_boolean_is_a_checkbox() -> None:
    assert isinstance(BooleanField().widget, CheckboxInput)


def test_a_choice_is_one_of_those_offered() -> None:
    field = ChoiceField(choices=[("M", "Male"), ("F", "Female")])
    assert field.clean("F") == "F"
    assert code_of(field, "X") == "choice"
    assert code_of(field, ["F"]) == "choice"


def test_the_label_of_a_choice_is_not_its_value() -> None:
    assert code_of(ChoiceField(choices=[("M", "Male")]), "Male") == "choice"


def test_the_value_is_the_choice_itself() -> None:
    assert ChoiceField(choices=[(1, "One")]).clean("1") == 1
    assert ChoiceField(choices=Color).clean("RED") is Color.RED
    assert ChoiceField(choices=[("Group", [(2, "Two")])]).clean("2") == 2


def test_choices_from_a_generator_last() -> None:
    field = ChoiceField(choices=(letter for letter in "ab"))
    assert (field.clean("a"), field.clean("b")) == ("a", "b")


def test_choices_from_a_function_are_asked_for_each_time() -> None:
    offered = ["a"]
    field = ChoiceField(choices=lambda: offered)
    offered.append("b")
    assert field.clean("b") == "b"
    assert '<option value="b">b</option>' in field.render("f", None)


def test_choices_may_be_those_of_the_widget() -> None:
    assert ChoiceField(widget=Select(["a"])).clean("a") == "a"


def test_an_optional_choice_may_be_empty() -> None:
    assert ChoiceField(choices=["a"], required=False).clean("") == ""


def test_several_choices_are_a_list_in_the_order_offered() -> None:
    field = MultipleChoiceField(choices=[(1, "One"), (2, "Two"), (3, "Three")])
    assert field.clean(["3", "1", "1"]) == [1, 3]
    assert code_of(field, ["1", "4"]) == "list"
    assert code_of(field, []) == "required"
    assert MultipleChoiceField(choices=["a"], required=False).clean([]) == []


def test_a_function_may_make_the_value_of_a_choice() -> None:
    field = TypedChoiceField(choices=[("1", "One"), ("x", "X")], coerce=int)
    assert field.clean("1") == 1
    assert code_of(field, "x") == "choice"
    assert code_of(field, "2") == "choice"
    assert TypedChoiceField(choices=["1"], coerce=int, required=False, empty_value=None).clean("") is None
    several = TypedMultipleChoiceField(choices=["1", "2", "x"], coerce=int)
    assert several.clean(["2", "1"]) == [1, 2]
    assert code_of(several, ["x"]) == "list"


# Days and times


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30", timedelta(seconds=30)),
        ("15:30", timedelta(minutes=15, seconds=30)),
        ("1:30:00", timedelta(hours=1, minutes=30)),
        ("2 12:00:00.5", timedelta(days=2, hours=12, milliseconds=500)),
        ("-0:01", timedelta(seconds=-1)),
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("-P1W2DT0.25S", -timedelta(weeks=1, days=2, milliseconds=250)),
        (90, timedelta(seconds=90)),
    ],
)
def test_lengths_of_time_are_read(text: object, length: timedelta) -> None:
    assert DurationField().clean(text) == length


@pytest.mark.parametrize(
    "text",
    ["x", "1:2:3:4", "P", "PT", "P1Y", "1e3", "٣", "999999999999999", "999999999 24:00:00", "1\n2", "9" * 100, True],
)
def test_what_is_no_length_of_time_is_refused(text: object) -> None:
    assert code_of(DurationField(), text) == "invalid"


def test_lengths_of_time_are_limited_on_both_sides() -> None:
    field = DurationField(min_value=timedelta(minutes=1), max_value=timedelta(hours=1))
    assert code_of(field, "59") == "min_value"
    assert code_of(field, "1:00:01") == "max_value"


@given(st.timedeltas())
def test_a_length_of_time_is_shown_as_it_is_read(length: timedelta) -> None:
    assert DurationField().clean(DurationField().prepare(length)) == length


def test_days_and_times_are_read_as_the_browser_sends_them() -> None:
    assert DateField().clean("2026-01-31") == date(2026, 1, 31)
    assert TimeField().clean("14:30") == time(14, 30)
    assert TimeField().clean("14:30:05.5") == time(14, 30, 5, 500000)
    assert DateTimeField().clean("2026-01-31T14:30") == datetime(2026, 1, 31, 14, 30)  # noqa: DTZ001
    assert DateTimeField().clean("2026-01-31 14:30:05") == datetime(2026, 1, 31, 14, 30, 5)  # noqa: DTZ001


@pytest.mark.parametrize(
    "text", ["2026-02-30", "31.01.2026", "2026-1-1", "20260131", "2026-W05", "0000-01-01", "x" * 999]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    assert code_of(DateField(), text) == "invalid"


@pytest.mark.parametrize("text", ["24:00", "1:30", "14", "14:60", "14:30+02:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    assert code_of(TimeField(), text) == "invalid"


def test_further_formats_can_be_given() -> None:
    assert DateField(input_formats=["%d.%m.%Y"]).clean("31.01.2026") == date(2026, 1, 31)
    assert TimeField(input_formats=["%I:%M %p"]).clean("02:30 PM") == time(14, 30)


def test_a_moment_gets_the_time_zone_of_its_field() -> None:
    zone = timezone(timedelta(hours=2))
    field = DateTimeField(timezone=zone)
    assert field.clean("2026-01-31T14:30") == datetime(2026, 1, 31, 14, 30, tzinfo=zone)
    assert field.prepare(datetime(2026, 1, 31, 12, 30, tzinfo=UTC)).hour == 14


def test_a_moment_that_no_calendar_has_in_utc_is_refused() -> None:
    assert code_of(DateTimeField(timezone=timezone(timedelta(hours=2))), "0001-01-01T00:00") == "invalid"


# Files


def test_a_file_is_the_upload_itself(upload: Callable[..., UploadedFile]) -> None:
    file = upload()
    assert FileField().clean(file) is file


def test_no_file_and_a_part_without_a_name_are_nothing(upload: Callable[..., UploadedFile]) -> None:
    assert code_of(FileField(), None) == "required"
    assert code_of(FileField(), upload("", b"")) == "required"
    assert FileField(required=False).clean(upload("", b"")) is None


def test_an_empty_file_is_refused_unless_it_may_be(upload: Callable[..., UploadedFile]) -> None:
    assert code_of(FileField(), upload(content=b"")) == "empty"
    assert FileField(allow_empty_file=True).clean(upload(content=b"")).size == 0


def test_size_and_ending_are_limited(upload: Callable[..., UploadedFile]) -> None:
    field = FileField(max_size=4, allowed_extensions=["TXT", ".md"])
    assert field.clean(upload("A.Txt")).name == "A.Txt"
    assert code_of(field, upload(content=b"12345")) == "max_size"
    assert code_of(field, upload("a.exe")) == "extension"
    assert code_of(field, upload("txt")) == "extension"
    assert 'accept=".txt,.md"' in field.render("f", None)


@pytest.mark.parametrize("value", ["text", 5, ["a"], BytesIO(b"no name")])
def test_what_is_no_file_is_refused(value: object) -> None:
    assert code_of(FileField(), value) == "invalid"


def test_several_files_are_a_list_and_each_is_checked(upload: Callable[..., UploadedFile]) -> None:
    field = MultipleFileField(max_files=2, allowed_extensions=["txt"])
    one, two, program = upload("a.txt"), upload("b.txt"), upload("c.exe")
    assert field.clean([one, two]) == [one, two]
    assert code_of(field, [one, program]) == "extension"
    assert code_of(field, [one, two, one]) == "max_files"
    assert code_of(field, []) == code_of(field, [upload("", b"")]) == "required"
    assert code_of(field, [one, "text"]) == "invalid"
    assert MultipleFileField(required=False).clean([]) == []
    assert " multiple" in field.render("f", None)


def test_a_file_that_is_there_can_be_taken_away(upload: Callable[..., UploadedFile]) -> None:
    field = FileField(required=False, widget=ClearableFileInput)
    ticked, file = {"f-clear": "on"}, upload()
    read = field.widget.value_from_datadict
    assert field.clean(read({}, {"f": file}, "f")) is file
    assert field.clean(read({}, {}, "f")) is None
    assert field.clean(read(ticked, {"f": upload("", b"")}, "f")) is False
    assert code_of(field, read(ticked, {"f": file}, "f")) == "contradiction"
    assert code_of(FileField(widget=ClearableFileInput), read(ticked, {}, "f")) == "required"


# Whatever is sent

ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters()),
        st.text(string.digits + "+-.eE_:T nNaAiIfF", max_size=40),
        st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?\n?\Z"),
        st.builds("{}://{}".format, st.sampled_from(["http", "https", "javascript"]), st.text(max_size=30)),
        st.from_regex(r"\A-?P?[0-9]{0,10}[ DT]?([0-9]{1,12}[:HMS.]?){1,4}\n?\Z"),
        st.from_regex(r"\A[^@\s]{1,20}@[^@\s]{1,20}\.[a-z]{2,5}\n?\Z"),
        st.just("9" * 5000),
        st.builds(lambda: 10**5000),
    ),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=5,
)
FIELDS = [
    CharField(max_length=10),
    CharField(required=False, strip=False),
    EmailField(),
    UUIDField(),
    JSONField(),
    IntegerField(min_value=1, max_value=10),
    FloatField(min_value=1),
    DecimalField(max_digits=5, decimal_places=2),
    BooleanField(),
    ChoiceField(choices=[(1, "One"), ("a", "A"), (Color.RED, "Red")]),
    MultipleChoiceField(choices=[(1, "One"), ("a", "A")], required=False),
    DateField(input_formats=["%d.%m.%Y"]),
    TimeField(),
    DateTimeField(timezone=UTC),
    FileField(max_size=10, allowed_extensions=["txt"]),
    MultipleFileField(max_files=1),
    ListField(item=IntegerField(), max_items=3),
    URLField(),
    IPAddressField(),
    SlugField(allow_unicode=True),
    RegexField("[a-z]+", strip=False),
    DurationField(max_value=timedelta(hours=1)),
    TypedChoiceField(choices=["1", "x"], coerce=int),
    TypedMultipleChoiceField(choices=["1", "x"], coerce=int, required=False),
]


def test_no_field_is_left_out_of_what_follows() -> None:
    assert {type(field).__name__ for field in FIELDS} == set(fields.__all__) - {"Field"}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
@given(value=ANYTHING)
def test_a_field_answers_anything_with_a_value_or_a_validation_error(field: Field, value: object) -> None:
    try:
        cleaned = field.clean(value)
    except ValidationError:
        pass
    else:
        field.render("f", field.prepare(cleaned))
    assert "<script" not in field.render("f", value)
    assert field.has_changed(None, value) in (True, False)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
@given(text=st.text(min_size=1))
def test_text_that_is_taken_does_not_grow_with_a_newline_at_its_end(field: Field, text: str) -> None:
    try:
        field.clean(text)
        taken = field.clean(text + "\n")
    except ValidationError:
        return
    # Only where white space is taken off, and where it is kept on purpose.
    assert taken == field.clean(text) or (isinstance(field, CharField | JSONField) and type(field) is not RegexField)


# What attackers sent to others: each row is a text that cost somebody's parser time that grew with its square.
ATTACKS = {
    "spaces": " ",
    "newlines": "\n",
    "labels": "a.",
    "at signs": "a@",
    "brackets": "[",
    "quotes": '"',
    "backslashes": "\\",
    "digits": "9",
    "hyphens": "-",
    "tags": "<a>",
    "slashes": "://",
    "surrogates": "\ud800",
    "combining": "a\u0301",
    "returns": "\r",
}


def fastest(field: Field, text: str) -> float:
    def once() -> float:
        began = time_module.process_time()
        with contextlib.suppress(ValidationError):
            field.clean([text] if isinstance(field, MultipleChoiceField) else text)
        return time_module.process_time() - began

    return min(once() for _ in range(3))


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
def test_the_work_grows_no_faster_than_the_text(field: Field) -> None:
    for attack in ATTACKS.values():
        short, long = fastest(field, attack * 25_000), fastest(field, attack * 200_000)
        # Eight times the text: 64 times the work would be its square. Below a few milliseconds nothing was done.
        assert long < 24 * short + 0.005, attack
