"""Formsets for rows of a model.

Each row is found by the primary key in a hidden field, among the rows that the formset is for and no others. A key that
is none of theirs, or comes twice, is an error, and nothing is saved. So a forged key can't reach another row, and a row
that somebody else deleted in the meantime does not come back.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar, cast

from sqlalchemy import Select, inspect, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import selectinload

from lback.forms.forms import Form
from lback.forms.formsets import DELETE, ORDER, FormSet, checked_options
from lback.forms.inputs import HiddenInput
from lback.forms.messages import N_
from lback.forms.models import ModelForm, modelform_factory
from lback.forms.models_columns import mapper_of
from lback.forms.models_relations import ModelChoiceField, key_text, parse_key, request_session
from lback.forms.models_unique import unique_sets, with_foreign_keys
from lback.forms.text import CharField
from lback.forms.validation import ValidationError
from lback.forms.widget import Widget

#: The hidden field with the primary key of a row.
KEY = "KEY"

M = TypeVar("M", bound="ModelFormSet")


class ModelFormSet(FormSet):
    """One form for each row of a model, and empty ones for new rows.

    Args:
        data: As for `FormSet`.
        files: As for `FormSet`.
        db_session: The database session; that of the current request unless given.
        query: A ``select(model)`` that says which rows; all of them unless given.
        prefix: As for `FormSet`.
        csrf: As for `FormSet`.
        form_kwargs: As for `FormSet`.
        can_add: Whether new rows are taken; without, no form for one is shown either.
        can_change: Whether rows can be changed; without, their fields are only shown, whatever is sent for them.
        can_delete: Whether rows can be deleted; as the class says unless given.

    Example::

        ProductFormSet = modelformset_factory(Product, fields=["name", "price"], can_delete=True)
        formset = ProductFormSet(data=request.POST, db_session=request.db_session)
        if formset.is_valid():
            formset.save()
    """

    form: ClassVar[type[ModelForm]]
    #: The column with the place of a row: rows are shown in its order, and are numbered anew from 1 when saved.
    order_field: ClassVar[str | None] = None

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        db_session: Any = None,
        query: Select[Any] | None = None,
        prefix: str | None = None,
        csrf: bool = True,
        form_kwargs: Mapping[str, Any] | None = None,
        can_add: bool = True,
        can_change: bool = True,
        can_delete: bool | None = None,
    ) -> None:
        super().__init__(data, files, prefix=prefix, csrf=csrf, form_kwargs=form_kwargs)
        self.model: type = self.form.model()
        self.db_session = db_session if db_session is not None else request_session()
        self.query = query
        self._related = [name for name, each in self.form._class_fields().items() if isinstance(each, ModelChoiceField)]
        self._offered: dict[str, dict[str, list[Any]]] = {name: {} for name in self._related}
        self.can_add = can_add
        self.can_change = can_change
        if can_delete is not None:
            self.can_delete = can_delete
        if self.order_field is not None:
            self.can_order = can_change
        #: What `save` did.
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []

    # The forms

    def _finder(self) -> ModelChoiceField:
        mapper = mapper_of(self.model)
        query = select(self.model).order_by(*mapper.primary_key) if self.query is None else self.query
        if self.order_field is not None:
            query = query.order_by(None).order_by(getattr(self.model, self.order_field), *mapper.primary_key)
        # What the forms show of other rows is loaded with these, rather than for each of them.
        related = [getattr(self.model, name) for name in self._related if name in mapper.relationships]
        query = query.options(*(selectinload(attribute) for attribute in related))
        return ModelChoiceField(self.model, query=query, db_session=self.db_session)

    def rows(self) -> list[Any]:
        """Return the rows that the formset shows."""
        return self._finder().rows()

    def find(self, keys: Iterable[Any]) -> list[Any]:
        """Return those of the rows that have these keys, which were sent."""
        return self._finder().find(keys)

    def new_instance(self) -> Any:
        """Return the object for a new row, to be given the values of its form; None leaves making it to the form."""
        return None

    def _make_form(self, index: int | str, **options: Any) -> Form:
        return self._add_form(index, extra=True, instance=self.new_instance(), db_session=self.db_session, **options)

    def _row_form(self, index: int, row: Any) -> Form:
        return self._add_form(index, extra=False, instance=row, db_session=self.db_session)

    def _new_forms(self) -> list[Form]:
        forms = [self._row_form(index, row) for index, row in enumerate(self.rows())]
        if self.can_add:
            known = len(forms)
            count = max(min(known + self.extra, self.max_num), self.min_num)
            forms += [self._make_form(index) for index in range(known, count)]
        return forms

    def _sent_forms(self) -> list[Form]:
        sent = {index: self.data.get(f"{self.prefix}-{index}-{KEY}") for index in range(self._size)}
        sent = {index: text for index, text in sent.items() if text not in (None, "")}
        found = {parse_key(self.model, key_text(row)): row for row in self.find(sent.values())}
        forms = []
        for index in range(self._size):
            if index not in sent:
                forms.append(self._make_form(index))
                continue
            key = parse_key(self.model, sent[index])
            # Taken out, so that a second form with the same key finds nothing.
            row = None if key is None else found.pop(key, None)
            if row is None:
                self._refuse_row()
            else:
                forms.append(self._row_form(index, row))
        return forms

    def _refuse_row(self) -> None:
        if not any(error.code == "unknown_row" for error in self._problems):
            message = N_("An entry is not there any more. Look at what there is now, and make your changes again.")
            self.add_error(ValidationError(message, "unknown_row"))

    def _most_sent(self) -> int:
        # Rows that are there already may be more than the most that can be filled in.
        return 2 * self.max_num + 1000

    def add_fields(self, form: Form, index: int | str) -> None:
        """Add the hidden key to the form of a row, and disable the fields where rows can't be changed."""
        super().add_fields(form, index)
        for name in self._related:
            field = form.fields.get(name)
            if isinstance(field, ModelChoiceField):
                field.shared = self._offered[name]
        if form.is_extra:
            return
        row = cast("ModelForm", form).instance
        if self.order_field is not None and ORDER in form.fields:
            form.fields[ORDER].initial = getattr(row, self.order_field)
        if not self.can_change:
            for name, field in form.fields.items():
                field.disabled = name != DELETE
        form.fields[KEY] = CharField(widget=HiddenInput, required=False, initial=key_text(row))

    # Validation

    def _validate(self) -> None:
        if self._validated or not self.is_bound:
            return
        leaving = frozenset(inspect(form.instance).identity for form in cast("list[ModelForm]", self.deleted_forms))
        for form in cast("list[ModelForm]", self.forms):
            form.leaving = leaving
        super()._validate()
        if not self.can_add and any(form.is_extra for form in self.kept_forms):
            self.add_error(ValidationError(N_("You may not add entries here."), "may_not_add"))
        self._report_repeated()

    def _report_repeated(self) -> None:
        """Report values that must be unique and come twice among the forms; the database has neither of them yet."""
        mapper = mapper_of(self.model)
        sets, seen = list(unique_sets(mapper)), set()
        for form in cast("list[ModelForm]", self.kept_forms):
            if form.errors:
                continue
            values = with_foreign_keys(mapper, form.cleaned_data)
            for names in sets:
                entered = [values[name] if name in values else getattr(form.instance, name, None) for name in names]
                if not any(name in values for name in names) or self._is_incomplete(names, entered):
                    continue
                # As text, since a value of JSON has no hash.
                mark = (names, repr(entered))
                if mark in seen:
                    form.report_taken(names)
                seen.add(mark)

    def _is_incomplete(self, names: tuple[str, ...], entered: list[Any]) -> bool:
        return any(value is None for value in entered)

    # Saving

    def save(self, db_session: Any = None, commit: bool = True) -> list[Any]:
        """Delete, change and add rows as the visitor said, and return those that were changed or added.

        `new_objects`, `changed_objects` and `deleted_objects` tell them apart afterwards.

        Args:
            db_session: The database session; the formset's own unless given.
            commit: Whether to commit the session; without, it is flushed.

        Raises:
            ValueError: The formset is not valid, or there is no session.
            sqlalchemy.exc.IntegrityError: The database refuses a row; as for `ModelForm.save`.
        """
        if not self.is_valid():
            raise ValueError(f"{type(self).__name__}.save() saves a valid formset; call is_valid() first.")
        session = db_session if db_session is not None else self.db_session
        if session is None:
            raise ValueError(f"{type(self).__name__}.save() needs a database session.")
        try:
            self._delete(session)
            for form in cast("list[ModelForm]", self.kept_forms):
                self._save_form(session, form)
            self._number(session)
            session.flush()
            if commit:
                session.commit()
        except (IntegrityError, DataError):
            self.add_error(ValidationError(N_("The database does not take these entries."), "not_taken"))
            raise
        return [*self.changed_objects, *self.new_objects]

    def _delete(self, session: Any) -> None:
        self.deleted_objects = [form.instance for form in cast("list[ModelForm]", self.deleted_forms)]
        for row in self.deleted_objects:
            session.delete(row)
        # Before anything is added, which may have a unique value of one of these.
        if self.deleted_objects:
            session.flush()

    def _save_form(self, session: Any, form: ModelForm) -> None:
        if form.is_extra:
            self.new_objects.append(form.save(session, commit=False))
        elif self.can_change and {*form.changed_data} - {ORDER, KEY}:
            self.changed_objects.append(form.save(session, commit=False))

    def _number(self, session: Any) -> None:
        if self.order_field is None or not self.can_change:
            return
        for place, form in enumerate(cast("list[ModelForm]", self.kept_forms), 1):
            row = form.instance
            if getattr(row, self.order_field) != place:
                setattr(row, self.order_field, place)
                if row not in self.new_objects and row not in self.changed_objects:
                    self.changed_objects.append(row)


def modelformset_factory(
    model: type,
    form: type[ModelForm] = ModelForm,
    *,
    fields: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
    widgets: Mapping[str, Widget | type[Widget]] | None = None,
    base: type[M] = ModelFormSet,  # type: ignore[assignment]
    **options: Any,
) -> type[M]:
    """Return a class of formsets for the rows of a model.

    Args:
        model: The mapped class.
        form: The class that the form is derived from.
        fields: As for `modelform_factory`.
        exclude: As for `modelform_factory`.
        widgets: As for `modelform_factory`.
        base: The class to derive the formset from.
        options: `order_field`, and those of `lback.forms.formsets.formset_factory`.

    Raises:
        ConfigurationError: As for `lback.forms.formsets.formset_factory`.
    """
    meta = getattr(form, "Meta", None)
    left_out = {*(exclude if exclude is not None else getattr(meta, "exclude", None) or ()), options.get("order_field")}
    names = fields if fields is not None else getattr(meta, "fields", None)
    if names is not None and names != "__all__":
        # `exclude` counts for nothing where there are `fields`.
        names = [name for name in names if name not in left_out - {*(exclude or ())}]
    made = modelform_factory(model, names, left_out - {None}, widgets, form)
    body = {"form": made, "default_prefix": model.__name__.lower(), **checked_options(base, options)}
    return cast("type[M]", type(f"{model.__name__}FormSet", (base,), body))
