"""How the admin shows one model."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lback.admin import columns
from lback.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from lback.core.request import Request
    from lback.forms.models import ModelForm

# What a table shows of a model that says nothing about it: few enough columns for a laptop.
DEFAULT_COLUMNS = 5
MAX_PER_PAGE = 200
TIMESTAMPS = ("created_at", "updated_at")


class ModelAdmin:
    """The pages of one model. Subclass it, set what should differ, and register it with the model.

    Columns with secrets (``password``, anything with ``token`` or ``secret``, hashes, keys) are never shown, searched,
    sorted by or edited, whatever stands here.

    Example::

        @admin.register(Course)
        class CourseAdmin(ModelAdmin):
            list_display = ("name", "category", "published")
            search_fields = ("name", "description")
            ordering = ("-created_at",)
    """

    #: The name in addresses and in permissions (``view_course``); the class name in lower case unless given.
    name: str = ""
    #: What one and several rows are called; from the class name unless given.
    verbose_name: str = ""
    verbose_name_plural: str = ""
    #: The heading in the menu; the app's name unless given.
    section: str = ""
    #: Columns, relationships, and methods of this class or of the model; chosen from the columns unless given.
    list_display: Sequence[str] = ()
    #: Text columns that the search looks into; all unless given, no search with ``()``.
    search_fields: Sequence[str] | None = None
    #: Columns of truth values or choices to narrow the list by; those of truth values unless given.
    list_filter: Sequence[str] | None = None
    #: Columns, each with ``-`` in front for descending; the newest first unless given.
    ordering: Sequence[str] = ()
    #: Rows on a page.
    per_page: int = 20
    #: What the form leaves out.
    exclude: Sequence[str] = ()
    #: What the form shows and doesn't change.
    readonly_fields: Sequence[str] = ()
    #: A `ModelForm` in place of the generated one.
    form_class: "type[ModelForm] | None" = None

    def __init__(self, model: type) -> None:
        columns.check_mapped(model)
        self.model = model
        self.label = self.verbose_name or columns.words(model.__name__)
        self.plural_label = self.verbose_name_plural or columns.plural(self.label)
        self.name = (self.name or model.__name__).lower()

    # What a subclass may override

    def describe(self, instance: Any) -> str:
        """Return what a row is called: its ``__str__``, or the model and the key where it has none."""
        if not columns.has_str(type(instance)):
            return f"{self.label} {', '.join(str(getattr(instance, name)) for name in self.keys)}"
        return str(instance)

    def may_change(self, request: "Request", instance: Any) -> bool:
        """Tell whether somebody with the permission to change may change this very row."""
        return True

    def may_delete(self, request: "Request", instance: Any) -> bool:
        """Tell whether somebody with the permission to delete may delete this very row."""
        return True

    def get_readonly_fields(self, request: "Request", instance: Any | None) -> Sequence[str]:
        """Return what the form of a row shows and doesn't change, for this user."""
        return self.readonly_fields

    def get_form_class(self, request: "Request", instance: Any | None) -> "type[ModelForm]":
        """Return the form for a row, or for a new one when `instance` is None."""
        from lback.admin.forms import generated_form

        return self.form_class or generated_form(self, request, instance)

    def save_form(self, request: "Request", form: Any) -> Any:
        """Write a valid form down and return the row; the caller flushes and the request commits.

        Raises:
            ValidationError: The row is not acceptable after all; the form is shown again with the reason.
        """
        return form.save(request.db_session, commit=False)

    # What the pages read

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The attributes of the primary key."""
        return tuple(columns.primary_keys(self.model))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What the table shows, in its order."""
        return tuple(self.list_display) or self._default_columns()

    @cached_property
    def searched(self) -> tuple[str, ...]:
        """The columns that the search looks into."""
        attributes = columns.column_attributes(self.model)
        if self.search_fields is not None:
            return tuple(self.search_fields)
        return tuple(key for key, attribute in attributes.items() if columns.is_searchable(attribute))

    @cached_property
    def sortable(self) -> tuple[str, ...]:
        """The columns that a visitor may sort by; no other name from an address reaches the database."""
        known = columns.column_attributes(self.model)
        return tuple(dict.fromkeys(name for name in (*self.keys, *self.columns) if name in known))

    @cached_property
    def filters(self) -> tuple[str, ...]:
        """The columns to narrow the list by."""
        if self.list_filter is not None:
            return tuple(self.list_filter)
        attributes = columns.column_attributes(self.model)
        return tuple(key for key, attribute in attributes.items() if columns.is_boolean(attribute))

    @cached_property
    def order(self) -> tuple[tuple[str, bool], ...]:
        """The columns of the standing order, each with whether it descends."""
        given = self.ordering or tuple(f"-{name}" for name in self.keys)
        return tuple((name.removeprefix("-"), name.startswith("-")) for name in given)

    def heading(self, name: str) -> str:
        """Return what stands above a column."""
        if name == "__str__":
            return self.label
        described = getattr(self._method(name), "short_description", None)
        return described or columns.heading(name)

    def value(self, instance: Any, name: str) -> Any:
        """Return what a row has under a name of `list_display`."""
        if name == "__str__":
            return self.describe(instance)
        method = self._method(name)
        if method is not None:
            return method(instance)
        value = getattr(instance, name)
        return value() if callable(value) else value

    def _method(self, name: str) -> Callable[[Any], Any] | None:
        """Return the method that a subclass has under a name, for a column of its own making."""
        if hasattr(ModelAdmin, name):
            return None
        method = getattr(self, name, None)
        return method if callable(method) else None

    def check(self) -> None:
        """Hold the names in the class attributes against the model.

        Raises:
            ConfigurationError: A name that the model doesn't have, one that can't serve there, or a secret.
        """
        known = columns.column_attributes(self.model)
        for option, names, fits, expected in (
            ("list_display", self.list_display, self._offers, "an attribute of the model or a method, and no secret"),
            ("readonly_fields", self.readonly_fields, self._offers, "the same as for list_display"),
            (
                "search_fields",
                self.search_fields or (),
                lambda name: name in known and columns.is_searchable(known[name]),
                "a column that holds text and no secret",
            ),
            (
                "list_filter",
                self.list_filter or (),
                lambda name: name in known and columns.choices_of(known[name]),
                "a column of truth values or of an Enum",
            ),
            ("ordering", [name for name, _ in self.order], known.__contains__, "a column without a secret"),
            ("per_page", [str(self.per_page)], lambda _: 1 <= self.per_page <= MAX_PER_PAGE, f"1 to {MAX_PER_PAGE}"),
        ):
            for name in names:
                if not fits(name):
                    raise ConfigurationError(
                        f"{option} of {type(self).__name__} for {self.model.__name__} has {name!r};"
                        f" expected {expected}."
                    )

    def _offers(self, name: str) -> bool:
        if columns.is_secret(name):
            return False
        return name == "__str__" or self._method(name) is not None or hasattr(self.model, name)

    def _default_columns(self) -> tuple[str, ...]:
        foreign = columns.relationships_by_column(self.model)
        chosen: list[str] = []
        late: list[str] = []
        for name, attribute in columns.column_attributes(self.model).items():
            if name in self.keys or not columns.is_brief(attribute):
                continue
            (late if name in TIMESTAMPS else chosen).append(foreign.get(name, name))
        if not chosen or not columns.has_text(self.model, chosen):
            chosen.insert(0, "__str__")
        return tuple((*chosen, *late)[:DEFAULT_COLUMNS])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model.__name__}>"
