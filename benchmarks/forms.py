"""What forms cost: build, validate and render the README's ContactForm and a form of 40 fields, against peers.

Times are ratios to lback within one run, the median of several rounds taken in turn; Python calls are exact. The form
of 40 fields is a model form with lback (SQLAlchemy) and Django; WTForms has none, so it gets its fields written out.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

ROUNDS = 9
SECONDS = 0.05
FIELDS = 40
KINDS = ("text", "integer", "float", "boolean", "date", "area", "number", "moment")

CONTACT = {
    "name": "Ada Lovelace",
    "email": "ada@example.org",
    "age": "36",
    "message": "Hello & goodbye",
    "newsletter_signup": "on",
    "password": "correct horse",
    "password_confirm": "correct horse",
}
WRONG = {**CONTACT, "name": "A", "email": "nowhere", "age": "200", "password_confirm": "other"}
VALUES = {
    "text": "some text",
    "integer": "12",
    "float": "1.5",
    "boolean": "on",
    "date": date(2026, 1, 31).isoformat(),
    "area": "first\nsecond",
    "number": "9.90",
    "moment": "2026-01-31T14:30",
}
MODEL = {f"f{index}": VALUES[KINDS[index % len(KINDS)]] for index in range(FIELDS)}
MODEL_WRONG = MODEL | {"f1": "x", "f2": "y", "f4": "z", "f6": ""}
Case = tuple[Callable[[dict[str, str] | None], Any], Callable[[Any], bool], Callable[[Any], str]]


class Data(dict[str, str]):
    """The data of a request as each framework reads it."""

    def getlist(self, name: str) -> list[str]:
        return [self[name]] if name in self else []


def lback() -> tuple[Case, Case]:
    from sqlalchemy import Boolean, Column, Date, DateTime, Float, Integer, Numeric, String, Text
    from sqlalchemy.orm import declarative_base

    from lback.forms.fields import BooleanField, CharField, EmailField, IntegerField
    from lback.forms.forms import Form
    from lback.forms.models import ModelForm
    from lback.forms.validation import ValidationError
    from lback.forms.widgets import CheckboxInput, PasswordInput, Textarea

    class ContactForm(Form):
        name = CharField(min_length=3, max_length=100, label="Your Name", help_text="Please enter your full name.")
        email = EmailField(label="Your Email")
        age = IntegerField(
            min_value=18, max_value=99, required=False, label="Your Age", help_text="Must be between 18 and 99."
        )
        message = CharField(widget=Textarea(attrs={"rows": 5, "cols": 40}), label="Your Message")
        newsletter_signup = BooleanField(required=False, label="Sign up for newsletter?", widget=CheckboxInput)
        password = CharField(required=False, widget=PasswordInput, label="Password (optional)")
        password_confirm = CharField(required=False, widget=PasswordInput, label="Confirm Password")

        def clean_name(self, value: str) -> str:
            if "admin" in value.lower():
                raise ValidationError("Name cannot contain 'admin'.", code="invalid_name")
            return value

        def clean(self) -> Any:
            super().clean()
            name, email = self.cleaned_data.get("name"), self.cleaned_data.get("email")
            if name and email and name.lower() == email.split("@")[0].lower():
                raise ValidationError("Name cannot be the same as the email's local part.")
            return self.cleaned_data

    types = {
        "text": String(100),
        "integer": Integer,
        "float": Float,
        "boolean": Boolean,
        "date": Date,
        "area": Text,
        "number": Numeric(8, 2),
        "moment": DateTime,
    }
    columns = {name: Column(types[KINDS[index % len(KINDS)]], nullable=False) for index, name in enumerate(MODEL)}
    base: Any = declarative_base()
    wide = type("Wide", (base,), {"__tablename__": "wide", "id": Column(Integer, primary_key=True), **columns})
    wide_form = type("WideForm", (ModelForm,), {"Meta": type("Meta", (), {"model": wide, "fields": list(MODEL)})})
    contact: Case = (lambda data: ContactForm(data), lambda form: form.is_valid(), lambda form: form.as_p)
    model: Case = (lambda data: wide_form(data), lambda form: form.is_valid(), lambda form: form.as_p)
    return contact, model


def django() -> tuple[Case, Case]:
    import django
    from django import forms
    from django.conf import settings
    from django.core.validators import MinLengthValidator
    from django.db import models

    settings.configure(USE_TZ=False, INSTALLED_APPS=["django.forms"], DATABASES={}, USE_I18N=False)
    django.setup()

    class ContactForm(forms.Form):
        name = forms.CharField(
            max_length=100,
            label="Your Name",
            help_text="Please enter your full name.",
            validators=[MinLengthValidator(3)],
        )
        email = forms.EmailField(label="Your Email")
        age = forms.IntegerField(
            min_value=18, max_value=99, required=False, label="Your Age", help_text="Must be between 18 and 99."
        )
        message = forms.CharField(widget=forms.Textarea(attrs={"rows": 5, "cols": 40}), label="Your Message")
        newsletter_signup = forms.BooleanField(required=False, label="Sign up for newsletter?")
        password = forms.CharField(required=False, widget=forms.PasswordInput, label="Password (optional)")
        password_confirm = forms.CharField(required=False, widget=forms.PasswordInput, label="Confirm Password")

        def clean_name(self) -> str:
            value: str = self.cleaned_data["name"]
            if "admin" in value.lower():
                raise forms.ValidationError("Name cannot contain 'admin'.", code="invalid_name")
            return value

        def clean(self) -> Any:
            values = super().clean()
            if values.get("password") != values.get("password_confirm"):
                self.add_error("password_confirm", "The passwords differ.")
            name, email = values.get("name"), values.get("email")
            if name and email and name.lower() == email.split("@")[0].lower():
                raise forms.ValidationError("Name cannot be the same as the email's local part.")
            return values

    makers = {
        "text": lambda: models.CharField(max_length=100),
        "integer": models.IntegerField,
        "float": models.FloatField,
        "boolean": lambda: models.BooleanField(default=False),
        "date": models.DateField,
        "area": models.TextField,
        "number": lambda: models.DecimalField(max_digits=8, decimal_places=2),
        "moment": models.DateTimeField,
    }
    meta = type("Meta", (), {"app_label": "bench"})
    columns = {name: makers[KINDS[index % len(KINDS)]]() for index, name in enumerate(MODEL)}
    wide = type("Wide", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})
    wide_form = forms.modelform_factory(wide, fields=list(MODEL))
    contact: Case = (lambda data: ContactForm(data), lambda form: form.is_valid(), lambda form: form.as_p())
    model: Case = (lambda data: wide_form(data), lambda form: form.is_valid(), lambda form: form.as_p())
    return contact, model


def wtforms() -> tuple[Case, Case]:
    from jinja2 import Environment
    from wtforms import Form, fields, validators

    class ContactForm(Form):
        name = fields.StringField(
            "Your Name",
            [validators.InputRequired(), validators.Length(3, 100)],
            description="Please enter your full name.",
        )
        email = fields.EmailField("Your Email", [validators.InputRequired(), validators.Email()])
        age = fields.IntegerField(
            "Your Age",
            [validators.Optional(), validators.NumberRange(18, 99)],
            description="Must be between 18 and 99.",
        )
        message = fields.TextAreaField("Your Message", [validators.InputRequired()], render_kw={"rows": 5, "cols": 40})
        newsletter_signup = fields.BooleanField("Sign up for newsletter?")
        password = fields.PasswordField("Password (optional)")
        password_confirm = fields.PasswordField(
            "Confirm Password", [validators.EqualTo("password", "The passwords differ.")]
        )

        def validate_name(self, field: Any) -> None:
            if "admin" in field.data.lower():
                raise validators.ValidationError("Name cannot contain 'admin'.")

    required = [validators.InputRequired()]
    makers = {
        "text": lambda name: fields.StringField(name, [*required, validators.Length(max=100)]),
        "integer": lambda name: fields.IntegerField(name, required),
        "float": lambda name: fields.FloatField(name, required),
        "boolean": lambda name: fields.BooleanField(name),
        "date": lambda name: fields.DateField(name, required),
        "area": lambda name: fields.TextAreaField(name, required),
        "number": lambda name: fields.DecimalField(name, required, places=2),
        "moment": lambda name: fields.DateTimeLocalField(name, required),
    }
    body = {name: makers[KINDS[index % len(KINDS)]](name) for index, name in enumerate(MODEL)}
    wide_form = type("WideForm", (Form,), body)
    # As its documentation shows forms: with Jinja2.
    template = Environment(autoescape=True).from_string(
        "{% for field in form %}<p>{{ field.label }} {{ field() }}"
        "{% if field.description %} <span>{{ field.description }}</span>{% endif %}"
        "{% if field.errors %}<span>{% for error in field.errors %}<span>{{ error }}</span>{% endfor %}</span>"
        "{% endif %}</p>\n{% endfor %}"
    )

    def show(form: Any) -> str:
        return template.render(form=form)

    contact: Case = (lambda data: ContactForm(data), lambda form: form.validate(), show)
    model: Case = (lambda data: wide_form(data), lambda form: form.validate(), show)
    return contact, model


PEERS = {"lback": lback, "django": django, "wtforms": wtforms}


def tasks(case: Case, good: dict[str, str], wrong: dict[str, str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Return what is measured, each checked once to do what it says."""
    build, validate, render = case
    valid, invalid = Data(good), Data(wrong)
    if not validate(build(valid)) or validate(build(invalid)):
        raise RuntimeError("A form judged what was sent otherwise than the others.")
    names = [name for name in good if f'name="{name}"' not in render(build(None))]
    if names:
        raise RuntimeError(f"A form does not show {names}.")

    def refuse() -> None:
        form = build(invalid)
        validate(form)
        render(form)

    yield "build", lambda: build(None)
    yield "build and validate", lambda: validate(build(valid))
    yield "build and render", lambda: render(build(None))
    yield "refuse: build, validate, render", refuse


def seconds_each(task: Callable[[], object]) -> float:
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS:
        for _ in range(5):
            task()
        count += 5
    return spent / count


def python_calls(task: Callable[[], object]) -> int:
    """Return the calls of Python and C functions during one run."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        task()
    finally:
        sys.setprofile(None)
    return calls


def compare(title: str, cases: dict[str, dict[str, Callable[[], object]]]) -> None:
    print(f"\n{title}\n{'':32}" + "".join(f"{name:>10} {'calls':>7}" for name in cases))
    for label in next(iter(cases.values())):
        ratios: dict[str, list[float]] = {name: [] for name in cases}
        for named in cases.values():
            for _ in range(20):
                named[label]()
        for _ in range(ROUNDS):
            times = {name: seconds_each(named[label]) for name, named in cases.items()}
            for name, spent in times.items():
                ratios[name].append(spent / times["lback"])
        cells = (f"{sorted(ratios[name])[ROUNDS // 2]:>10.2f} {python_calls(cases[name][label]):>7}" for name in cases)
        print(f"{label:32}" + "".join(cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), help="some of the libraries")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    made = {name: PEERS[name]() for name in dict.fromkeys(["lback", *options.only])}
    compare("ContactForm of the README", {n: dict(tasks(case[0], CONTACT, WRONG)) for n, case in made.items()})
    compare(f"Model form of {FIELDS} fields", {n: dict(tasks(case[1], MODEL, MODEL_WRONG)) for n, case in made.items()})


if __name__ == "__main__":
    main()
