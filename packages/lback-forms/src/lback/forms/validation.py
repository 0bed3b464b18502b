"""What the validation of forms raises and how it counts, under the name that the documentation gives it."""

from lback.core.exceptions import ValidationError as ValidationError

#: The key of `Form.errors` for what is wrong with the form as a whole.
NON_FIELD = "__all__"
