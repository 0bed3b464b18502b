"""Forms: the fields of a class, the data of a request, and what came of the two."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from markupsafe import Markup

from lback.forms.bound import BoundField
from lback.forms.field import Field
from lback.forms.messages import N_, translated
from lback.forms.rendering import Rendered, render, render_summary
from lback.forms.validation import NON_FIELD, ValidationError


class FormMetaclass(type):
    """Collects the fields of a form class, those of its bases first.

    A subclass takes a field out with ``name = None``.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> "FormMetaclass":
        """Return the class, its fields in `_declared_fields` instead of among its attributes."""
        inherited = {key for base in bases for key in getattr(base, "_declared_fields", ())}
        own = {
            key: value
            for key, value in namespace.items()
            if isinstance(value, Field) or (value is None and key in inherited)
        }
        # Not among the attributes, as a field may be called like something of the form itself: "data", "errors".
        for key in own:
            del namespace[key]
        cls = super().__new__(mcs, name, bases, namespace, **options)
        fields: dict[str, Field | None] = {}
        for base in reversed(cls.__mro__[1:]):
            fields |= vars(base).get("_own_fields", {})
        fields |= own
        cls._own_fields = own  # type: ignore[attr-defined]
        cls._declared_fields = {key: field for key, field in fields.items() if field is not None}  # type: ignore[attr-defined]
        cls._hooks = {key: _takes_value(cls, key) for key in dir(cls) if key.startswith("clean_")}  # type: ignore[attr-defined]
        cls._set_up()  # type: ignore[attr-defined]
        return cls


def _takes_value(cls: type, name: str) -> bool:
    """Tell whether a hook is written as ``clean_name(self, value)``, rather than ``clean_name(self)``."""
    hook = inspect.getattr_static(cls, name)
    bound = isinstance(hook, staticmethod | classmethod)
    if not callable(getattr(cls, name)):
        return False
    parameters = inspect.signature(getattr(cls, name)).parameters.values()
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return len(positional) >= (1 if bound else 2) or any(each.kind is each.VAR_POSITIONAL for each in parameters)


class Form(metaclass=FormMetaclass):
    """A form: subclass it and give the class its fields.

    With data it is bound: it can be validated, and shows what was sent. Without, it shows the initial values.

    Args:
        data: What was sent, such as ``request.POST``; None for a form to fill in.
        files: The files that came with it, such as ``request.FILES``.
        initial: What to show before anything is sent, over the `initial` of the fields.
        csrf: Whether the rendered form carries the hidden input that the CSRF middleware asks for. Switch it off for a
            form that is sent with GET, or to another site.
        prefix: Put in front of the names of all fields, so that several forms fit into one ``<form>``.

    Example::

        class ContactForm(Form):
            email = EmailField(label="Your e-mail")

            def clean_email(self, value):
                if value.endswith("@example.com"):
                    raise ValidationError("Use another address.")
                return value


        form = ContactForm(data=request.POST)
        if form.is_valid():
            send(form.cleaned_data["email"])
    """

    #: Whether it is one of the empty forms of a formset, which may stay empty; so no input is marked as required.
    is_extra = False

    _declared_fields: ClassVar[dict[str, Field]]
    _hooks: ClassVar[dict[str, bool]]

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        *,
        csrf: bool = True,
        prefix: str | None = None,
    ) -> None:
        self.is_bound = data is not None or files is not None
        self.data: Mapping[str, Any] = {} if data is None else data
        self.files: Mapping[str, Any] = {} if files is None else files
        self.initial: Mapping[str, Any] = {} if initial is None else initial
        self.csrf = csrf
        self.prefix = prefix
        #: The fields of this form alone; change them in ``__init__`` or in the view.
        self.fields: dict[str, Field] = {name: field.copy() for name, field in self._class_fields().items()}
        self._bound_fields: dict[str, BoundField] = {}
        self._errors: dict[str, list[ValidationError]] | None = None
        self._cleaned: dict[str, Any] | None = None

    @classmethod
    def _set_up(cls) -> None:
        """Check a new form class; for kinds of forms that have more to say than fields."""

    @classmethod
    def _class_fields(cls) -> Mapping[str, Field]:
        return cls._declared_fields

    def add_prefix(self, name: str) -> str:
        """Return the name under which the browser sends a field: ``prefix-name`` for a form with a prefix."""
        return f"{self.prefix}-{name}" if self.prefix else name

    # Validation

    def skip_validation(self) -> None:
        """Take the form to be without errors and values, whatever was sent; for a formset that leaves it out."""
        self._errors, self._cleaned = {}, {}

    def is_valid(self) -> bool:
        """Validate the form at the first call; tell whether it is bound and without errors."""
        return self.is_bound and not self.errors

    @property
    def errors(self) -> dict[str, list[ValidationError]]:
        """What is wrong, by field; errors of the form as a whole are under ``__all__``. Empty for an unbound form."""
        if self._errors is None:
            if not self.is_bound:
                return {}
            self._validate()
        return self._errors or {}

    @property
    def non_field_errors(self) -> list[ValidationError]:
        """What is wrong with the form as a whole."""
        return self.errors.get(NON_FIELD, [])

    @property
    def cleaned_data(self) -> dict[str, Any]:
        """The values of the fields that are valid.

        Raises:
            AttributeError: The form has not been validated.
        """
        if self._cleaned is None:
            raise AttributeError("A form has cleaned_data once it is bound to data and is_valid() has been called.")
        return self._cleaned

    @cleaned_data.setter
    def cleaned_data(self, values: dict[str, Any]) -> None:
        self._cleaned = values

    def add_error(self, field: str | None, error: ValidationError | str) -> None:
        """Add an error, which makes the form invalid.

        Args:
            field: The name of the field, or None for the form as a whole.
            error: What is wrong. Its message is shown in the language of the visitor, if a catalogue has it.

        Raises:
            ValueError: The form has no such field.
        """
        key = field or NON_FIELD
        if key != NON_FIELD and key not in self.fields:
            raise ValueError(f"{type(self).__name__} has no field {key!r}; it has {', '.join(self.fields) or 'none'}.")
        if self._errors is None and self.is_bound:
            self._validate()
        if self._errors is None:
            self._errors = {}
        problem = error if isinstance(error, ValidationError) else ValidationError(error)
        text = translated(problem.template)
        if text != problem.template:
            problem = ValidationError(text, problem.code, problem.params)
        self._errors.setdefault(key, []).append(problem)
        if self._cleaned is not None:
            self._cleaned.pop(key, None)

    def clean(self) -> Any:
        """Check what concerns several fields; called when the fields have been validated. Override it.

        This one compares ``password`` with ``password_confirm``, where a form has both.

        Returns:
            The values to be `cleaned_data`; None leaves them as they are.

        Raises:
            ValidationError: The form as a whole is not acceptable.
        """
        values = self.cleaned_data
        if "password" in values and "password_confirm" in values and values["password"] != values["password_confirm"]:
            self.add_error("password_confirm", ValidationError(N_("The passwords differ."), "password_mismatch"))
        return values

    def _validate(self) -> None:
        self._errors = {}
        self._cleaned = {}
        for name, field in self.fields.items():
            self._clean_field(name, field)
        try:
            values = self.clean()
        except ValidationError as error:
            self.add_error(None, error)
        else:
            if values is not None:
                self._cleaned = values
        self._after_clean()

    def _clean_field(self, name: str, field: Field) -> None:
        values = self.cleaned_data
        try:
            if field.disabled:
                sent = field.prepare(self.get_initial(name))
            else:
                sent_as = f"{self.prefix}-{name}" if self.prefix else name
                sent = field.widget.value_from_datadict(self.data, self.files, sent_as)
            values[name] = field.clean(sent)
            hook = f"clean_{name}"
            if hook in self._hooks:
                method = getattr(self, hook)
                values[name] = method(values[name]) if self._hooks[hook] else method()
        except ValidationError as error:
            self.add_error(name, error)

    def _after_clean(self) -> None:
        """Do what a kind of form checks beyond its fields."""

    @property
    def changed_data(self) -> list[str]:
        """The names of the fields for which something else was sent than what the form showed at first."""
        return [name for name, field in self.fields.items() if self._is_changed(name, field)] if self.is_bound else []

    def _is_changed(self, name: str, field: Field) -> bool:
        sent_as = self.add_prefix(name)
        if field.disabled or field.widget.value_omitted_from_data(self.data, self.files, sent_as):
            return False
        sent = field.widget.value_from_datadict(self.data, self.files, sent_as)
        return field.has_changed(self.get_initial(name), sent)

    def has_changed(self) -> bool:
        """Tell whether something else was sent than what the form showed at first."""
        return bool(self.changed_data)

    # Showing it

    def get_initial(self, name: str) -> Any:
        """Return what the field shows before anything is sent."""
        value = self.initial[name] if name in self.initial else self.fields[name].initial
        return value() if callable(value) else value

    @property
    def is_multipart(self) -> bool:
        """Whether the ``<form>`` needs ``enctype="multipart/form-data"``, because it takes files."""
        return any(field.widget.needs_multipart for field in self.fields.values())

    @property
    def visible_fields(self) -> list[BoundField]:
        """The fields that the visitor sees."""
        return [field for field in self if not field.is_hidden]

    @property
    def hidden_fields(self) -> list[BoundField]:
        """The fields that the visitor does not see."""
        return [field for field in self if field.is_hidden]

    @property
    def as_p(self) -> Rendered:
        """Each field in a ``<p>``."""
        return render(self, "forms/p.html")

    @property
    def as_ul(self) -> Rendered:
        """Each field in an ``<li>``, to go into a ``<ul>``."""
        return render(self, "forms/ul.html")

    @property
    def as_table(self) -> Rendered:
        """Each field in a ``<tr>``, to go into a ``<table>``."""
        return render(self, "forms/table.html")

    @property
    def as_div(self) -> Rendered:
        """Each field in a ``<div>``."""
        return render(self, "forms/div.html")

    @property
    def error_summary(self) -> Rendered:
        """All errors, those of fields with a link to the field; empty where there are none. Put it above the form."""
        return render_summary(self)

    def __html__(self) -> Markup:
        return self.as_div

    def __str__(self) -> str:
        return self.as_div

    def __getitem__(self, name: str) -> BoundField:
        bound = self._bound_fields.get(name)
        if bound is None or bound.field is not self.fields.get(name):
            if name not in self.fields:
                raise KeyError(
                    f"{type(self).__name__} has no field {name!r}; it has {', '.join(self.fields) or 'none'}."
                )
            bound = self._bound_fields[name] = BoundField(self, self.fields[name], name)
        return bound

    def __iter__(self) -> Iterator[BoundField]:
        return (self[name] for name in self.fields)

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def __repr__(self) -> str:
        # Neither data nor values: they may hold a password.
        state = "unbound" if not self.is_bound else "not validated" if self._errors is None else "validated"
        return f"<{type(self).__name__} {state}, fields: {', '.join(self.fields)}>"
