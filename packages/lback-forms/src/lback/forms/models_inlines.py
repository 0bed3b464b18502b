"""Inline formsets: the rows that belong to a row of another model, edited together with it."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from sqlalchemy import inspect, select
from sqlalchemy.orm import object_session

from lback.core.exceptions import ConfigurationError
from lback.forms.models import ModelForm
from lback.forms.models_columns import new_row
from lback.forms.models_foreign import ForeignKeyPairs, foreign_key, relationships_over, shown_keys
from lback.forms.models_formsets import ModelFormSet, modelformset_factory


class InlineFormSet(ModelFormSet):
    """The rows that belong to one row of another model, to be edited with it.

    Args:
        data: As for `FormSet`.
        files: As for `FormSet`.
        instance: The row that the others belong to. A new one has to be in the session, or added to it, when `save` is
            called.
        options: Those of `ModelFormSet`; a `query` narrows down the rows that belong to `instance`.

    Example::

        LineFormSet = inlineformset_factory(Order, Line, fields=["product", "count"], can_delete=True)
        lines = LineFormSet(data=request.POST, instance=order, db_session=request.db_session)
    """

    #: The attributes of the foreign key, each with the attribute of the other model that it points to.
    foreign_key: ClassVar[ForeignKeyPairs] = ()

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        instance: Any = None,
        **options: Any,
    ) -> None:
        if instance is None:
            raise TypeError(f"{type(self).__name__} needs the row that its rows belong to: instance=...")
        self.instance = instance
        if options.get("db_session") is None:
            options["db_session"] = object_session(instance)
        super().__init__(data, files, **options)
        query = self.query
        if query is None:
            query = select(self.model).order_by(*inspect(self.model).primary_key)
        own = [getattr(self.model, name) == getattr(instance, other) for name, other in self.foreign_key]
        self.query = query.where(*own)

    def _is_new(self) -> bool:
        return not inspect(self.instance).has_identity

    def rows(self) -> list[Any]:
        """Return the rows that belong to `instance`."""
        return [] if self._is_new() else super().rows()

    def find(self, keys: Iterable[Any]) -> list[Any]:
        """Return those of the rows that have these keys, which were sent."""
        return [] if self._is_new() else super().find(keys)

    def new_instance(self) -> Any:
        """Return the object for a new row, which belongs to `instance`."""
        row = new_row(self.model)
        self._attach(row)
        return row

    def _attach(self, row: Any) -> None:
        for name, other in self.foreign_key:
            setattr(row, name, getattr(self.instance, other))

    def _is_incomplete(self, names: tuple[str, ...], entered: list[Any]) -> bool:
        # All forms share the foreign key, which a new row does not have yet.
        shared = {name for name, _ in self.foreign_key}
        return any(value is None for name, value in zip(names, entered, strict=True) if name not in shared)

    def save(self, db_session: Any = None, commit: bool = True) -> list[Any]:
        """Save the rows; see `ModelFormSet.save`.

        Raises:
            ValueError: `instance` is new, and neither in the session nor complete.
        """
        session = db_session if db_session is not None else self.db_session
        if session is not None and self._is_new() and self.is_valid():
            session.add(self.instance)
            session.flush()
            for form in cast("list[ModelForm]", self.forms):
                self._attach(form.instance)
        saved = super().save(session, commit=commit)
        # What the row has in its collections was read before.
        names = relationships_over(type(self.instance), self.model, self.foreign_key)
        if names and not self._is_new():
            object_session(self.instance).expire(self.instance, names)  # type: ignore[union-attr]
        return saved


def inlineformset_factory(
    parent: type,
    model: type,
    form: type[ModelForm] = ModelForm,
    *,
    fk: str | None = None,
    exclude: Iterable[str] | None = None,
    base: type[InlineFormSet] = InlineFormSet,
    **options: Any,
) -> type[InlineFormSet]:
    """Return a class of formsets for the rows of one model that belong to a row of another.

    Args:
        parent: The model of the row that the others belong to.
        model: Their model, which has a foreign key to `parent`.
        form: The class that the form is derived from.
        fk: A column of the foreign key, where `model` has several to `parent`.
        exclude: As for `modelform_factory`; the foreign key is left out in any case.
        base: The class to derive the formset from.
        options: `fields`, `widgets`, and those of `modelformset_factory`.

    Raises:
        ConfigurationError: `model` has no foreign key to `parent`, or several and `fk` does not say which.
    """
    pairs = foreign_key(model, parent, fk)
    hidden = shown_keys(model, pairs)
    meta = getattr(form, "Meta", None)
    names = options.pop("fields", None)
    if names is None:
        names = getattr(meta, "fields", None)
    if names is not None and names != "__all__":
        names = [name for name in names if name not in hidden]
    # A declared field would come back with the form, foreign key or not.
    if set(form._declared_fields) & hidden:
        raise ConfigurationError(f"{form.__name__} declares {sorted(hidden)}, which an inline formset sets itself.")
    left_out = {*(exclude if exclude is not None else getattr(meta, "exclude", None) or ()), *hidden}
    made = modelformset_factory(model, form, fields=names, exclude=left_out, base=base, **options)
    made.foreign_key = pairs
    return made
