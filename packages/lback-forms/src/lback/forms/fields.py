"""All fields, under the names that the documentation gives them. Options that all of them have are in `Field`."""

from lback.forms.choices import BooleanField, ChoiceField, MultipleChoiceField
from lback.forms.dates import DateField, DateTimeField, TimeField
from lback.forms.field import Field
from lback.forms.files import FileField
from lback.forms.numeric import DecimalField, FloatField, IntegerField
from lback.forms.text import CharField, EmailField, JSONField, UUIDField

__all__ = [
    "BooleanField",
    "CharField",
    "ChoiceField",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "EmailField",
    "Field",
    "FileField",
    "FloatField",
    "IntegerField",
    "JSONField",
    "MultipleChoiceField",
    "TimeField",
    "UUIDField",
]
