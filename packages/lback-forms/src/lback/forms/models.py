"""Forms for the rows of a model: of any class that SQLAlchemy maps, with whatever declarative base."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

try:
    from sqlalchemy import Column, DateTime, LargeBinary, Time, inspect
    from sqlalchemy.exc import DataError, IntegrityError
    from sqlalchemy.orm import Mapper, Session, object_session
    from sqlalchemy.orm.attributes import set_committed_value
except ModuleNotFoundError as error:
    if error.name != "sqlalchemy":
        raise
    raise ImportError("lback.forms.models needs SQLAlchemy; install it with: pip install 'lback-forms[orm]'") from error

from lback.core.exceptions import ConfigurationError
from lback.forms.bound import in_words
from lback.forms.dates import with_all_digits
from lback.forms.field import Field
from lback.forms.files import FileField
from lback.forms.forms import Form, FormMetaclass
from lback.forms.inputs import CLEAR
from lback.forms.messages import N_, translated
from lback.forms.models_checks import broken
from lback.forms.models_columns import (
    columns_of,
    form_names,
    has_default,
    is_required,
    make_field,
    mapper_of,
    new_row,
    scalar_default,
)
from lback.forms.models_relations import ModelChoiceField, ModelMultipleChoiceField, request_session
from lback.forms.models_unique import foreign_key_names, taken
from lback.forms.validation import ValidationError
from lback.forms.widget import Widget

__all__ = ["ModelChoiceField", "ModelForm", "ModelMultipleChoiceField", "modelform_factory"]


@dataclass(frozen=True)
class Options:
    """What ``class Meta`` of a model form says."""

    model: type
    fields: tuple[str, ...] | None = None
    exclude: frozenset[str] = frozenset()
    widgets: Mapping[str, Widget | type[Widget]] = field(default_factory=dict)
    field_classes: Mapping[str, type[Field]] = field(default_factory=dict)


class ModelForm(Form):
    """A form whose fields come from a model, and which saves a row.

    ``class Meta`` says which model (``model``), and may say which of its columns and relationships (``fields``, or all
    but those in ``exclude``), and which widgets and classes of fields in place of the usual ones (``widgets``,
    ``field_classes``, both by name). Fields that the class declares go over those of the model; a field that is not in
    ``fields`` is not saved. What a ``clean`` method puts into `cleaned_data` under the name of a column is.

    Args:
        data: As for `Form`.
        files: As for `Form`.
        initial: As for `Form`; it goes over the values of `instance`.
        instance: The row to edit; a new one is made when it is None.
        db_session: The database session, for choosing related rows and for telling whether unique values are free.
            Without it, the session of `instance` or of the current request is used.
        csrf: As for `Form`.
        prefix: As for `Form`.

    Example::

        class ProductForm(ModelForm):
            class Meta:
                model = Product
                fields = ["name", "price"]
    """

    _options: ClassVar[Options | None] = None
    _all_fields: ClassVar[Mapping[str, Field]]
    _saved_names: ClassVar[frozenset[str]]
    _columns: ClassVar[Mapping[str, Column[Any]]]
    _files: ClassVar[frozenset[str]]

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        instance: Any = None,
        *,
        db_session: Any = None,
        csrf: bool = True,
        prefix: str | None = None,
    ) -> None:
        options = self._meta()
        super().__init__(data, files, initial, csrf=csrf, prefix=prefix)
        if instance is not None and not isinstance(instance, options.model):
            raise TypeError(f"{type(self).__name__} edits a {options.model.__name__}; instance is {instance!r}.")
        self.instance = instance
        self.db_session = db_session
        #: The primary keys of rows that will be gone when this one is saved, so that their unique values are free.
        self.leaving: frozenset[tuple[Any, ...]] = frozenset()
        for name, each in self.fields.items():
            if isinstance(each, ModelChoiceField):
                each.db_session = self._given_session()
            elif isinstance(each, FileField) and self._has_file(name):
                each.required = False  # no new file means that the old one stays

    # The class

    @classmethod
    def _set_up(cls) -> None:
        meta = getattr(cls, "Meta", None)
        model = getattr(meta, "model", None)
        if model is None:
            cls._options = None
            return
        if inspect(model, raiseerr=False) is None:
            raise ConfigurationError(f"Meta.model of {cls.__name__} is to be a mapped class; it is {model!r}.")
        fields = getattr(meta, "fields", None)
        if isinstance(fields, str) and fields != "__all__":
            raise ConfigurationError(f"Meta.fields of {cls.__name__} is to be a list of names; it is {fields!r}.")
        cls._options = Options(
            model,
            None if fields is None or fields == "__all__" else tuple(fields),
            frozenset(getattr(meta, "exclude", None) or ()),
            dict(getattr(meta, "widgets", None) or {}),
            dict(getattr(meta, "field_classes", None) or {}),
        )
        for name in (*(cls._options.fields or ()), *cls._options.widgets, *cls._options.field_classes):
            if name not in cls._declared_fields and not hasattr(model, name):
                raise ConfigurationError(
                    f"Meta of {cls.__name__} names {name!r}, which {model.__name__} does not have."
                )

    @classmethod
    def _meta(cls) -> Options:
        if cls._options is None:
            raise ConfigurationError(f"{cls.__name__} needs a class Meta that says which model it is for.")
        return cls._options

    @classmethod
    def model(cls) -> type:
        """Return the mapped class.

        Raises:
            ConfigurationError: The form has none.
        """
        return cls._meta().model

    @classmethod
    def _class_fields(cls) -> Mapping[str, Field]:
        # Made at the first form, not with the class: related models may not be imported yet by then.
        if "_all_fields" not in vars(cls):
            options, declared, mapper = cls._meta(), cls._declared_fields, cls._mapper()
            names = options.fields
            if names is None:
                names = tuple(name for name in form_names(mapper) if name not in options.exclude)
            fields = {
                name: declared[name]
                if name in declared
                else make_field(mapper, name, options.widgets.get(name), options.field_classes.get(name))
                for name in names
            }
            cls._saved_names = frozenset(names)
            cls._columns = columns_of(mapper)
            binary = (name for name, column in cls._columns.items() if isinstance(column.type, LargeBinary))
            cls._files = frozenset(binary)
            cls._all_fields = fields | {name: each for name, each in declared.items() if name not in fields}
        return cls._all_fields

    @classmethod
    def _mapper(cls) -> Mapper[Any]:
        return mapper_of(cls._meta().model)

    # Validation

    def _given_session(self) -> Any:
        if self.db_session is not None or self.instance is None:
            return self.db_session
        return object_session(self.instance)

    def _session(self) -> Any:
        given = self._given_session()
        return given if given is not None else request_session()

    def _has_file(self, name: str) -> bool:
        column = self._columns.get(name)
        if self.instance is None or column is None:
            return False
        # Not by a look at the content, which may be large and not loaded.
        stored = inspect(self.instance).has_identity and not column.nullable
        return stored or getattr(self.instance, name) is not None

    def _values(self) -> Iterator[tuple[str, Any]]:
        """Iterate over what is to be saved: attributes of the model, each with its value."""
        columns, relationships = self._columns, self._mapper().relationships
        for name, value in self.cleaned_data.items():
            if name in self.fields and name not in self._saved_names:
                continue
            column = columns.get(name)
            if column is None:
                if name in relationships:
                    yield name, value
            else:
                if isinstance(self.fields.get(name), FileField):
                    if value is None:
                        continue  # no new file
                    value = None if value is CLEAR else value
                if self._is_left_to_default(name, column, value):
                    continue
                if value is None and not column.nullable:
                    value = scalar_default(column)
                if isinstance(column.type, DateTime | Time) and self.instance is not None:
                    value = with_all_digits(value, getattr(self.instance, name))
                yield name, value

    def _is_left_to_default(self, name: str, column: Any, value: Any) -> bool:
        """Tell whether nothing was entered, and the default of the column, or what the row has, is to stand."""
        if value not in (None, "") or name not in self.fields or not has_default(column):
            return False
        if self.fields[name].widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name)):
            return True
        is_new = self.instance is None or getattr(self.instance, name) is None
        return is_new and value is None and not column.nullable

    def _after_clean(self) -> None:
        values = dict(self._values())
        for name in [name for name, value in values.items() if value is None]:
            if name in self._columns and not self._columns[name].nullable:
                self._report(name, self._required(name))
                del values[name]
        self._check_by_model(values)
        session = self._session()
        if session is None or not values:
            return
        for names in taken(session, self._mapper(), self.instance, values, self.leaving):
            self.report_taken(names)
        # A value that is not acceptable for other reasons need not be judged once more.
        if not self.errors:
            for names, message in broken(session, self._mapper(), self.instance, values):
                self._report_broken(names, message)

    def _required(self, name: str) -> ValidationError:
        return (self.fields.get(name) or Field()).error("required")

    def _check_by_model(self, values: dict[str, Any]) -> None:
        """Make the values what the validators of the model (``@validates``) make of them; report what they refuse."""
        mapper, columns = self._mapper(), self._columns
        for name in self._files & values.keys():
            del values[name]
        if not mapper.validators:
            return
        # Not on the row itself, which the session would write although the form is not valid.
        scratch = mapper.class_manager.new_instance()
        if self.instance is not None:
            state = inspect(self.instance)
            for name in columns:
                if name not in state.unloaded or name in state.expired_attributes:
                    set_committed_value(scratch, name, getattr(self.instance, name))
        for name in [name for name in values if name in columns]:
            try:
                setattr(scratch, name, values[name])
            except ValueError as error:
                del values[name]
                self._report(name, error if isinstance(error, ValidationError) else ValidationError(str(error)))
            else:
                values[name] = getattr(scratch, name)

    def _report(self, name: str, error: ValidationError) -> None:
        self.add_error(name if name in self.fields else None, error)

    def report_taken(self, names: tuple[str, ...]) -> None:
        """Add the error that another row has the same values in attributes that must be unique."""
        foreign = foreign_key_names(self._mapper(), self.fields)
        names = tuple(dict.fromkeys(foreign.get(name, name) for name in names))
        # What the form does not have is not for the visitor to change.
        shown = [name for name in names if name in self.fields] or list(names)
        if len(shown) == 1:
            self._report(shown[0], ValidationError(N_("This value is taken already."), "unique"))
            return
        labels = ", ".join(self[name].label if name in self.fields else in_words(name) for name in shown)
        message = N_("There is an entry with these values already: %(labels)s.")
        self.add_error(None, ValidationError(message, "unique", {"labels": labels}))

    def _report_broken(self, names: tuple[str, ...], message: str | None) -> None:
        # Nothing of the constraint itself: its name and its SQL are not for visitors.
        shown = [name for name in names if name in self.fields]
        if len(shown) == 1:
            self.add_error(shown[0], ValidationError(message or N_("This value is not acceptable."), "check"))
            return
        labels = ", ".join(self[name].label for name in shown)
        fallback = N_("These values do not go together: %(labels)s.")
        self.add_error(None, ValidationError(message or fallback, "check", None if message else {"labels": labels}))

    # What is shown and saved

    def get_initial(self, name: str) -> Any:
        """Return what a field shows before anything is sent: `initial`, the value of the row, or the default."""
        if name not in self.initial and self.instance is not None and not isinstance(self.fields[name], FileField):
            mapper = self._mapper()
            if name in self._saved_names and mapper.has_property(name):
                value = getattr(self.instance, name)
                if value is not None or inspect(self.instance).has_identity:
                    return value
        value = super().get_initial(name)
        if value is None and self.fields[name].widget.shows_current and self._has_file(name):
            return translated(N_("a file"))
        return value

    def save(self, db_session: "Session | Any" = None, commit: bool = True) -> Any:
        """Write the row and return it.

        With ``commit=False`` it is added to the session and, unless it still lacks a value that it can't be without,
        flushed; you commit.

        Args:
            db_session: The database session; the form's own unless given.
            commit: Whether to commit the session.

        Raises:
            ValueError: The form is not valid, or there is no session.
            sqlalchemy.exc.IntegrityError: The database refuses the row, as when another request was faster with a
                value that must be unique. The form has an error then; roll back before you go on.
            sqlalchemy.exc.DataError: The same for a value that a column can't hold.
        """
        if not self.is_valid():
            raise ValueError(
                f"{type(self).__name__}.save() saves a valid form; call is_valid() and look at its errors."
            )
        session = db_session if db_session is not None else self._session()
        if session is None:
            raise ValueError(f"{type(self).__name__}.save() needs a database session: form.save(db_session=session).")
        instance = new_row(self._meta().model) if self.instance is None else self.instance
        with session.no_autoflush:
            self._apply(instance)
            session.add(instance)
        try:
            if commit:
                session.commit()
            elif self._is_complete(instance):
                session.flush()
        except (IntegrityError, DataError):
            self.add_error(None, ValidationError(N_("The database does not take this entry."), "not_taken"))
            raise
        self.instance = instance
        return instance

    def _apply(self, instance: Any) -> None:
        relationships = self._mapper().relationships
        for name, value in self._values():
            if name in relationships and relationships[name].uselist:
                make: Any = relationships[name].collection_class or list
                setattr(instance, name, make(value or ()))
            elif callable(getattr(value, "read", None)):
                value.seek(0)
                setattr(instance, name, value.read())
            else:
                setattr(instance, name, value)

    def _is_complete(self, instance: Any) -> bool:
        if inspect(instance).has_identity:
            return True
        mapper = self._mapper()
        related = foreign_key_names(mapper, mapper.relationships.keys())
        return all(
            getattr(instance, name) is not None
            or not is_required(column)
            or (name in related and getattr(instance, related[name]) is not None)
            for name, column in self._columns.items()
        )


def modelform_factory(
    model: type,
    fields: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
    widgets: Mapping[str, Widget | type[Widget]] | None = None,
    base: type[ModelForm] = ModelForm,
) -> type[ModelForm]:
    """Return a form class for a model.

    Args:
        model: The mapped class.
        fields: The columns and relationships; what a person would enter unless given.
        exclude: What to leave out when `fields` is not given.
        widgets: Widgets in place of the usual ones, by name.
        base: The class to inherit from.
    """
    parents = (base.Meta,) if hasattr(base, "Meta") else ()
    given = {"model": model, "fields": fields, "exclude": exclude, "widgets": widgets}
    meta = type("Meta", parents, {name: value for name, value in given.items() if value is not None})
    namespace = {"Meta": meta, "__module__": base.__module__, "__doc__": f"The form of a {model.__name__}."}
    return cast("type[ModelForm]", FormMetaclass(f"{model.__name__}Form", (base,), namespace))
