"""All fields, under the names that the documentation gives them; options that all of them have are in `Field`.

Those that choose rows of a model, `ModelChoiceField` and `ModelMultipleChoiceField`, are in `lback.forms.models`.
"""

from lback.forms.addresses import EmailField, IPAddressField, URLField
from lback.forms.choices import (
    BooleanField,
    ChoiceField,
    MultipleChoiceField,
    TypedChoiceField,
    TypedMultipleChoiceField,
)
from lback.forms.dates import DateField, DateTimeField, DurationField, TimeField
from lback.forms.field import Field
from lback.forms.files import FileField, MultipleFileField
from lback.forms.lists import ListField
from lback.forms.numeric import DecimalField, FloatField, IntegerField
from lback.forms.text import CharField, JSONField, RegexField, SlugField, UUIDField

__all__ = [
    "BooleanField",
    "CharField",
    "ChoiceField",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "DurationField",
    "EmailField",
    "Field",
    "FileField",
    "FloatField",
    "IPAddressField",
    "IntegerField",
    "JSONField",
    "ListField",
    "MultipleChoiceField",
    "MultipleFileField",
    "RegexField",
    "SlugField",
    "TimeField",
    "TypedChoiceField",
    "TypedMultipleChoiceField",
    "URLField",
    "UUIDField",
]
