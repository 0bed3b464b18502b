"""Forms: how fields, hooks and the form as a whole work together."""

from typing import Any

import pytest

from lback.core.datastructures import MultiDict
from lback.forms.fields import BooleanField, CharField, ChoiceField, EmailField, FileField, IntegerField
from lback.forms.forms import Form
from lback.forms.validation import ValidationError
from lback.forms.widgets import CheckboxInput, HiddenInput, PasswordInput, Textarea


# The form of the documentation, as printed there.
class ContactForm(Form):
    """
    A simple form for contact inquiries.
    Demonstrates various field types and custom validation.
    """

    name = CharField(
        min_length=3, max_length=100, required=True, label="Your Name", help_text="Please enter your full name."
    )
    email = EmailField(required=True, label="Your Email")
    age = IntegerField(
        min_value=18, max_value=99, required=False, label="Your Age", help_text="Must be between 18 and 99."
    )
    message = CharField(
        required=True,
        widget=Textarea(attrs={"rows": 5, "cols": 40}),  # Custom widget with HTML attributes
        label="Your Message",
    )
    newsletter_signup = BooleanField(
        required=False,
        label="Sign up for newsletter?",
        widget=CheckboxInput,  # Explicitly setting checkbox widget
    )
    password = CharField(
        required=False,
        widget=PasswordInput,  # Renders as <input type="password">
        label="Password (optional)",
    )
    password_confirm = CharField(required=False, widget=PasswordInput, label="Confirm Password")

    # You can add custom validation logic that applies to a single field
    def clean_name(self, value):
        """Custom validation for the 'name' field."""
        if "admin" in value.lower():
            raise ValidationError("Name cannot contain 'admin'.", code="invalid_name")
        return value

    # You can add custom validation logic that applies to the entire form (multiple fields)
    def clean(self):
        """
        Performs form-level validation.
        This method is called after individual field validations are complete.
        """
        # Always call the super().clean() to ensure base validations and initial clean_data.
        # This base clean() method already handles password mismatch, for example.
        super().clean()

        # Access cleaned data from individual fields
        name = self.cleaned_data.get("name")
        email = self.cleaned_data.get("email")

        # Example of cross-field validation
        if name and email and name.lower() == email.split("@")[0].lower():
            raise ValidationError("Name cannot be the same as the email's local part.", code="name_email_match")

        return self.cleaned_data


VALID = {"name": "John Doe", "email": "john.doe@example.com", "message": "Hello"}


def codes(form: Form) -> dict[str, list[str | None]]:
    return {name: [error.code for error in errors] for name, errors in form.errors.items()}


def test_a_valid_form_has_the_values_as_python_values() -> None:
    form = ContactForm(data=VALID | {"age": "42", "newsletter_signup": "on"})
    assert form.is_valid()
    assert form.cleaned_data == {
        "name": "John Doe",
        "email": "john.doe@example.com",
        "age": 42,
        "message": "Hello",
        "newsletter_signup": True,
        "password": "",
        "password_confirm": "",
    }


def test_optional_fields_may_be_empty() -> None:
    form = ContactForm(data=VALID)
    assert form.is_valid()
    assert form.cleaned_data["age"] is None
    assert form.cleaned_data["newsletter_signup"] is False


def test_every_field_says_what_is_wrong_with_it() -> None:
    form = ContactForm(data={"name": "Jo", "email": "nowhere", "age": "17"})
    assert not form.is_valid()
    assert codes(form) == {
        "name": ["min_length"],
        "email": ["invalid"],
        "age": ["min_value"],
        "message": ["required"],
    }
    assert all(isinstance(error, ValidationError) for errors in form.errors.values() for error in errors)


def test_the_hook_of_a_field_is_asked() -> None:
    form = ContactForm(data=VALID | {"name": "the admin"})
    assert codes(form) == {"name": ["invalid_name"]}
    assert "name" not in form.cleaned_data


def test_an_error_raised_by_clean_is_one_of_the_form_as_a_whole() -> None:
    form = ContactForm(data=VALID | {"name": "john.doe"})
    assert not form.is_valid()
    assert codes(form) == {"__all__": ["name_email_match"]}
    assert [error.code for error in form.non_field_errors] == ["name_email_match"]


def test_the_clean_of_the_base_compares_the_passwords() -> None:
    assert ContactForm(data=VALID | {"password": "one", "password_confirm": "one"}).is_valid()
    form = ContactForm(data=VALID | {"password": "one", "password_confirm": "two"})
    assert codes(form) == {"password_confirm": ["password_mismatch"]}


def test_a_password_without_its_repetition_is_a_mismatch() -> None:
    assert codes(ContactForm(data=VALID | {"password": "one"})) == {"password_confirm": ["password_mismatch"]}


def test_an_unbound_form_is_not_valid_and_has_no_errors() -> None:
    form = ContactForm()
    assert not form.is_bound
    assert not form.is_valid()
    assert form.errors == {}
    assert form.non_field_errors == []


def test_empty_data_binds_a_form() -> None:
    assert set(ContactForm(data={}).errors) == {"name", "email", "message"}


def test_request_data_with_several_values_gives_the_last() -> None:
    form = ContactForm(data=MultiDict([*VALID.items(), ("name", "Jane Doe")]))
    assert form.is_valid()
    assert form.cleaned_data["name"] == "Jane Doe"


def test_values_are_there_only_after_validation() -> None:
    with pytest.raises(AttributeError, match="is_valid"):
        _ = ContactForm(data=VALID).cleaned_data


def test_a_hook_may_do_without_the_value() -> None:
    class TagForm(Form):
        tag = CharField()

        def clean_tag(self):
            self.cleaned_data["length"] = len(self.cleaned_data["tag"])
            return self.cleaned_data["tag"].lower()

    form = TagForm(data={"tag": "News"})
    assert form.is_valid()
    assert form.cleaned_data == {"tag": "news", "length": 4}


def test_a_hook_may_be_static() -> None:
    class TagForm(Form):
        tag = CharField()

        @staticmethod
        def clean_tag(value: str) -> str:
            return value.upper()

    form = TagForm(data={"tag": "a"})
    assert form.is_valid()
    assert form.cleaned_data == {"tag": "A"}


def test_a_hook_is_not_asked_about_a_value_that_is_not_valid() -> None:
    class AgeForm(Form):
        age = IntegerField()

        def clean_age(self, value: int) -> int:
            return value + 1

    assert codes(AgeForm(data={"age": "x"})) == {"age": ["invalid"]}


def test_add_error_in_clean_makes_the_form_invalid() -> None:
    class PriceForm(Form):
        price = IntegerField()

        def clean(self) -> None:
            self.add_error("price", ValidationError("Too dear.", "dear"))
            self.add_error(None, "Nothing is sold.")

    form = PriceForm(data={"price": "1"})
    assert not form.is_valid()
    assert codes(form) == {"price": ["dear"], "__all__": [None]}
    assert form.cleaned_data == {}


def test_an_error_can_be_added_after_validation() -> None:
    form = ContactForm(data=VALID)
    assert form.is_valid()
    form.add_error(None, ValidationError("The password is wrong."))
    assert not form.is_valid()


def test_an_error_for_an_unknown_field_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no field 'nmae'"):
        ContactForm(data=VALID).add_error("nmae", "x")


def test_clean_may_replace_the_values() -> None:
    class UpperForm(Form):
        name = CharField()

        def clean(self) -> dict[str, Any]:
            return {"name": self.cleaned_data["name"].upper()}

    form = UpperForm(data={"name": "a"})
    assert form.is_valid()
    assert form.cleaned_data == {"name": "A"}


# Fields of the class and of the form


def test_fields_are_inherited_overridden_and_taken_out() -> None:
    class Base(Form):
        a = CharField()
        b = CharField()
        c = CharField()

    class Child(Base):
        b = IntegerField()
        c = None
        d = CharField()

    class Grandchild(Child):
        pass

    assert list(Grandchild().fields) == ["a", "b", "d"]
    assert isinstance(Grandchild().fields["b"], IntegerField)
    assert list(Base().fields) == ["a", "b", "c"]


def test_a_field_taken_out_leaves_what_the_form_has_under_its_name() -> None:
    class Parent(Form):
        errors = CharField()
        name = CharField()

    class Child(Parent):
        errors = None

    assert Child(data={"name": "a"}).errors == {}


def test_fields_may_come_from_several_bases() -> None:
    class One(Form):
        a = CharField()

    class Two(Form):
        b = CharField()

    class Both(One, Two):
        pass

    assert set(Both().fields) == {"a", "b"}


def test_a_form_may_change_its_own_fields_and_no_others() -> None:
    class PickForm(Form):
        pick = ChoiceField(choices=["a"])

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["pick"].required = False
            self.fields["pick"].widget.attrs["class"] = "wide"
            self.fields["more"] = CharField(label="More")

    assert list(PickForm().fields) == ["pick", "more"]
    assert PickForm._declared_fields["pick"].required
    assert PickForm._declared_fields["pick"].widget.attrs == {}


def test_a_field_may_be_called_like_something_of_the_form() -> None:
    class OddForm(Form):
        data = CharField()
        errors = CharField()
        files = FileField(required=False)

    form = OddForm(data={"data": "1", "errors": "2"})
    assert form.is_valid()
    assert form.cleaned_data == {"data": "1", "errors": "2", "files": None}


def test_a_disabled_field_keeps_its_initial_value_whatever_is_sent() -> None:
    class OwnerForm(Form):
        owner = CharField(disabled=True, initial="ada")
        count = IntegerField(disabled=True)

    form = OwnerForm(data={"owner": "eve", "count": "9"}, initial={"count": 3})
    assert form.is_valid()
    assert form.cleaned_data == {"owner": "ada", "count": 3}
    assert 'value="ada"' in form["owner"].input
    assert form.changed_data == []


def test_a_form_knows_what_was_changed() -> None:
    form = ContactForm(data=VALID | {"age": "42"}, initial=VALID | {"age": 42})
    assert not form.has_changed()
    form = ContactForm(data=VALID | {"age": "43", "newsletter_signup": "on"}, initial=VALID | {"age": 42})
    assert form.changed_data == ["age", "newsletter_signup"]
    assert ContactForm().changed_data == []


def test_prefixes_keep_two_forms_in_one_page_apart() -> None:
    data = {f"one-{name}": value for name, value in VALID.items()} | {"two-name": "Jo", "two-newsletter_signup": "on"}
    one, two = ContactForm(data=data, prefix="one"), ContactForm(data=data, prefix="two")
    assert one.is_valid()
    assert one.cleaned_data["newsletter_signup"] is False
    assert codes(two) == {"name": ["min_length"], "email": ["required"], "message": ["required"]}
    assert two["name"].label_tag == '<label for="id_two-name">Your Name</label>'
    assert '<input type="text" name="two-name" value="Jo" id="id_two-name"' in two["name"].input
    assert two["name"].errors_id in two["name"].input


# Fields as shown


def test_a_field_of_a_form_has_its_parts() -> None:
    field = ContactForm(data={"name": "<"})["name"]
    assert field.label == "Your Name"
    assert field.help_text == "Please enter your full name."
    assert field.id == "id_name"
    assert field.label_tag == '<label for="id_name">Your Name</label>'
    assert [error.code for error in field.errors] == ["min_length"]
    assert field.value == "<"
    assert 'value="&lt;"' in field.input
    assert field.required
    assert not field.is_hidden


def test_a_label_is_made_from_the_name() -> None:
    class NameForm(Form):
        first_name = CharField()

    assert NameForm()["first_name"].label == "First name"


def test_an_id_of_the_widget_is_the_one_of_the_label() -> None:
    class NameForm(Form):
        name = CharField(attrs={"id": "own"})

    assert NameForm()["name"].label_tag == '<label for="own">Name</label>'
    assert 'id="own"' in NameForm()["name"].input


def test_initial_values_of_the_form_go_over_those_of_the_fields() -> None:
    class NameForm(Form):
        a = CharField(initial="field")
        b = CharField(initial=lambda: "function")

    form = NameForm(initial={"a": "form"})
    assert form["a"].value == "form"
    assert form["b"].value == "function"


def test_a_bound_form_shows_what_was_sent_and_no_initial_values() -> None:
    form = ContactForm(data={"name": "sent"}, initial={"name": "initial", "email": "x@example.com"})
    assert form["name"].value == "sent"
    assert "example.com" not in form["email"].input


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="nmae"):
        ContactForm()["nmae"]


def test_fields_are_iterated_in_their_order() -> None:
    assert [field.name for field in ContactForm()][:2] == ["name", "email"]
    assert "name" in ContactForm()


def test_hidden_fields_are_apart() -> None:
    class NextForm(Form):
        next = CharField(widget=HiddenInput)
        name = CharField()

    form = NextForm()
    assert [field.name for field in form.hidden_fields] == ["next"]
    assert [field.name for field in form.visible_fields] == ["name"]
    assert "required" not in form["next"].input


def test_a_form_with_files_says_so() -> None:
    class UploadForm(Form):
        file = FileField()

    assert UploadForm().is_multipart
    assert not ContactForm().is_multipart


def test_a_representation_holds_no_values() -> None:
    assert "secret" not in repr(ContactForm(data={"password": "secret"}))
