"""Formsets: one form several times in a page, with rows to add, to take away and to put in order."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar, cast

from markupsafe import Markup

from lback.core.exceptions import ConfigurationError
from lback.core.numbers import read_integer
from lback.forms.choices import BooleanField
from lback.forms.forms import Form
from lback.forms.inputs import HiddenInput, NumberInput
from lback.forms.messages import N_, translated
from lback.forms.numeric import IntegerField
from lback.forms.rendering import Rendered, render_template
from lback.forms.validation import ValidationError
from lback.security.csrf import csrf_input

#: What the fields that a formset adds to its forms are called.
DELETE = "DELETE"
ORDER = "ORDER"
#: The hidden field that says how many forms were sent.
TOTAL = "TOTAL_FORMS"

F = TypeVar("F", bound="FormSet")


class FormSet:
    """One form several times: subclass it, or call `formset_factory`, and say which form.

    Nothing that is sent decides more than how many forms there are: up to twice `max_num`, and no more than there are
    values for. A form that shows no initial values may be left empty; it is neither validated nor a part of the result.

    Args:
        data: What was sent; None for forms to fill in.
        files: The files that came with it.
        initial: What to show, a mapping for each form; `extra` empty ones follow.
        prefix: What the names of all fields begin with; two formsets in one page need two.
        csrf: Whether the hidden input against forged requests comes along; see `Form`.
        form_kwargs: Further arguments for every form.

    Example::

        class PhoneFormSet(FormSet):
            form = PhoneForm
            can_delete = True
            max_num = 5


        formset = PhoneFormSet(data=request.POST, initial=numbers)
        if formset.is_valid():
            numbers = formset.cleaned_data
    """

    form: ClassVar[type[Form]]
    #: How many empty forms are shown.
    extra: ClassVar[int] = 1
    #: The fewest forms that must be filled in.
    min_num: ClassVar[int] = 0
    #: The most forms that may be filled in.
    max_num: ClassVar[int] = 1000
    #: Whether every form has a box that takes it away.
    can_delete: bool = False
    #: Whether every form has a number, by which the results are ordered.
    can_order: bool = False
    #: What the first names of the fields are unless `prefix` is given.
    default_prefix: ClassVar[str] = "form"
    #: The legend of a form, for which ``%(number)s`` counts from 1.
    legend: ClassVar[str] = N_("Entry %(number)s")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        initial: Any = None,
        *,
        prefix: str | None = None,
        csrf: bool = True,
        form_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.is_bound = data is not None or files is not None
        self.data: Mapping[str, Any] = {} if data is None else data
        self.files: Mapping[str, Any] = {} if files is None else files
        self.initial: list[Mapping[str, Any]] = list(initial or ())
        self.prefix = prefix or self.default_prefix
        self.csrf = csrf
        self.form_kwargs = dict(form_kwargs or {})
        self._forms: list[Form] | None = None
        self._problems: list[ValidationError] = []
        self._validated = False
        self._counted: dict[Form, bool] = {}
        self._size = 0

    # The forms

    @property
    def forms(self) -> list[Form]:
        """The forms, made when they are first asked for."""
        if self._forms is None:
            if self.is_bound:
                self._size = self._total()
                self._forms = self._sent_forms()
                for form in self._forms:
                    if not self._counts(form):
                        form.skip_validation()
            else:
                self._forms = self._new_forms()
                self._size = len(self._forms)
        return self._forms

    def _new_forms(self) -> list[Form]:
        count = min(len(self.initial) + self.extra, max(self.max_num, len(self.initial)))
        return [self._make_form(index) for index in range(max(count, self.min_num))]

    def _sent_forms(self) -> list[Form]:
        return [self._make_form(index) for index in range(self._size)]

    def _total(self) -> int:
        """Return how many forms were sent; what can't be, is an error and none."""
        sent: Any = self.data.get(f"{self.prefix}-{TOTAL}")
        try:
            total = read_integer(sent.strip() if isinstance(sent, str) else str(int(sent)))
        except (TypeError, ValueError, OverflowError):
            total = -1
        if total > self._most_sent():
            self.add_error(self._too_many())
            return 0
        # A form of boxes alone sends nothing where none is ticked; beyond those that were shown, it does not count.
        shown = len(self.initial) + self.extra + self.min_num
        if not 0 <= total <= len(self.data) + len(self.files) + shown:
            self.add_error(ValidationError(N_("The form was not sent as a whole. Send it again."), "incomplete"))
            return 0
        return total

    def _most_sent(self) -> int:
        # Each of the most may be taken away and another one added in its place.
        return max(2 * self.max_num, len(self.initial) + self.extra)

    def _make_form(self, index: int | str, **options: Any) -> Form:
        extra = not isinstance(index, int) or index >= len(self.initial)
        if isinstance(index, int) and not extra:
            options["initial"] = self.initial[index]
        return self._add_form(index, extra=extra, **options)

    def _add_form(self, index: int | str, *, extra: bool, **options: Any) -> Form:
        if self.is_bound and isinstance(index, int):
            options |= {"data": self.data, "files": self.files}
        form = self.form(prefix=f"{self.prefix}-{index}", csrf=False, **self.form_kwargs, **options)
        form.is_extra = extra
        self.add_fields(form, index)
        return form

    def add_fields(self, form: Form, index: int | str) -> None:
        """Add the fields that a formset brings to a form; override it for further ones."""
        if self.can_order:
            place = index + 1 if isinstance(index, int) and not form.is_extra else None
            form.fields[ORDER] = IntegerField(required=False, label=N_("Order"), initial=place, widget=NumberInput)
        if self.can_delete:
            form.fields[DELETE] = BooleanField(required=False, label=N_("Delete"))

    @property
    def empty_form(self) -> Form:
        """A form to copy with a script: its names have ``__prefix__`` in place of the number."""
        return self._make_form("__prefix__")

    # Validation

    def is_valid(self) -> bool:
        """Validate everything at the first call; tell whether the formset is bound and without errors."""
        return self.is_bound and not self.non_form_errors and not any(self.errors)

    @property
    def errors(self) -> list[dict[str, list[ValidationError]]]:
        """What is wrong, for each form by field; empty for forms that were left empty or taken away."""
        self._validate()
        return [form.errors for form in self.forms]

    @property
    def non_form_errors(self) -> list[ValidationError]:
        """What is wrong with the formset as a whole."""
        self._validate()
        return self._problems

    def add_error(self, error: ValidationError | str) -> None:
        """Add an error of the formset as a whole, which makes it invalid."""
        problem = error if isinstance(error, ValidationError) else ValidationError(error)
        self._problems.append(ValidationError(translated(problem.template), problem.code, problem.params))

    def clean(self) -> None:
        """Check what concerns several forms; called when each has been validated. Override it.

        Raises:
            ValidationError: The forms do not go together.
        """

    def _validate(self) -> None:
        if self._validated or not self.is_bound:
            return
        self._validated = True
        kept = self.kept_forms
        for form in kept:
            form.is_valid()
        if len(kept) > self.max_num:
            self.add_error(self._too_many())
        if len(kept) < self.min_num and not self._problems:
            self.add_error(ValidationError(N_("Fill in at least %(limit)s."), "too_few", {"limit": self.min_num}))
        try:
            self.clean()
        except ValidationError as error:
            self.add_error(error)

    def _too_many(self) -> ValidationError:
        return ValidationError(N_("Fill in at most %(limit)s."), "too_many", {"limit": self.max_num})

    def is_deleted(self, form: Form) -> bool:
        """Tell whether the box that takes a form away is ticked."""
        if not (self.is_bound and self.can_delete and DELETE in form.fields):
            return False
        return bool(form.fields[DELETE].widget.value_from_datadict(self.data, self.files, form.add_prefix(DELETE)))

    def _counts(self, form: Form) -> bool:
        """Tell whether a form is a part of the result: it was filled in, and not taken away."""
        if form not in self._counted:
            filled_in = not form.is_extra or bool({*form.changed_data} - {ORDER, DELETE})
            self._counted[form] = filled_in and not self.is_deleted(form)
        return self._counted[form]

    @property
    def kept_forms(self) -> list[Form]:
        """The forms that were filled in and not taken away, in the order that the visitor gave them."""
        kept = [form for form in self.forms if self._counts(form)]
        if self.can_order:
            # Python's sort is stable: those without a number follow, as they stand.
            kept.sort(key=_place)
        return kept

    @property
    def deleted_forms(self) -> list[Form]:
        """The forms with initial values that were taken away."""
        return [form for form in self.forms if not form.is_extra and self.is_deleted(form)]

    @property
    def cleaned_data(self) -> list[dict[str, Any]]:
        """The values of `kept_forms`.

        Raises:
            AttributeError: The formset is not valid.
        """
        if not self.is_valid():
            raise AttributeError("A formset has cleaned_data once it is bound to data and is_valid() is true.")
        added = (DELETE, ORDER)
        return [{k: v for k, v in form.cleaned_data.items() if k not in added} for form in self.kept_forms]

    def has_changed(self) -> bool:
        """Tell whether anything else was sent than what the forms showed at first."""
        return any(form.has_changed() for form in self.forms)

    # Showing it

    @property
    def is_multipart(self) -> bool:
        """Whether the ``<form>`` needs ``enctype="multipart/form-data"``."""
        return self.empty_form.is_multipart

    @property
    def management_form(self) -> Markup:
        """The hidden inputs that have to come along: how many forms there are, and the token of the site."""
        # Where a form was refused, the numbers of the others stay.
        size = self._size if self.forms else 0
        count = HiddenInput().render(f"{self.prefix}-{TOTAL}", size)
        return csrf_input() + count if self.csrf else count

    def _render(self, layout: str) -> Rendered:
        legend = translated(self.legend)
        rows = [(form, legend % {"number": number}) for number, form in enumerate(self.forms, 1)]
        context = {"formset": self, "rows": rows, "errors": self.non_form_errors, "layout": layout}
        return render_template("forms/formset.html", context)

    @property
    def as_p(self) -> Rendered:
        """Each form in a ``<fieldset>``, its fields in ``<p>``."""
        return self._render("as_p")

    @property
    def as_ul(self) -> Rendered:
        """Each form in an ``<li>``, to go into a ``<ul>``."""
        return self._render("as_ul")

    @property
    def as_table(self) -> Rendered:
        """Each form in a ``<tbody>``, to go into a ``<table>``."""
        return self._render("as_table")

    @property
    def as_div(self) -> Rendered:
        """Each form in a ``<fieldset>``, its fields in ``<div>``."""
        return self._render("as_div")

    def __html__(self) -> Markup:
        return self.as_div

    def __str__(self) -> str:
        return self.as_div

    def __iter__(self) -> Iterator[Form]:
        return iter(self.forms)

    def __getitem__(self, index: int) -> Form:
        return self.forms[index]

    def __len__(self) -> int:
        return len(self.forms)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.form.__name__}, {'bound' if self.is_bound else 'unbound'}>"


def _place(form: Form) -> float:
    place = form.fields[ORDER].widget.value_from_datadict(form.data, form.files, form.add_prefix(ORDER))
    try:
        number: int | None = form.fields[ORDER].clean(place)
    except ValidationError:
        number = None
    return float("inf") if number is None else number


def checked_options(base: type[F], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options for a class of formsets, if they are such.

    Raises:
        ConfigurationError: An option that a formset does not have, or fewer forms at most than at least.
    """
    for name in options:
        if not hasattr(base, name) or name.startswith("_"):
            raise ConfigurationError(f"{base.__name__} has no option {name!r}.")
    least, most = options.get("min_num", base.min_num), options.get("max_num", base.max_num)
    if not 0 <= least <= most:
        raise ConfigurationError(f"A formset needs 0 <= min_num <= max_num; got min_num={least}, max_num={most}.")
    return dict(options)


def formset_factory(form: type[Form], base: type[F] = FormSet, **options: Any) -> type[F]:  # type: ignore[assignment]
    """Return a class of formsets.

    Args:
        form: The form.
        base: The class to derive it from.
        options: `extra`, `min_num`, `max_num`, `can_delete`, `can_order`, `default_prefix`, `legend`.

    Raises:
        ConfigurationError: An option that a formset does not have, or fewer forms at most than at least.
    """
    return cast("type[F]", type(f"{form.__name__}Set", (base,), {"form": form, **checked_options(base, options)}))
