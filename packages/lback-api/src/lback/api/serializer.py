"""Serializers: objects as JSON, and JSON from a client as checked values and saved rows."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapper, Session, class_mapper
from sqlalchemy.orm.attributes import set_committed_value

from lback.api.columns import column_attributes, make_field, public_names
from lback.api.field import ABSENT, Field
from lback.core.exceptions import BadRequest, ConfigurationError, HTTPException, ValidationError
from lback.models.database import db_session

#: The key of the errors that concern no single field.
NON_FIELD = "__all__"
_MAX_UNKNOWN = 20

Errors = dict[str, list[str]]


class Validity:
    """Whether the data is valid; it serves as a truth value and as a function."""

    __slots__ = ("_errors", "_valid")

    def __init__(self, valid: bool, errors: Errors | list[Errors]) -> None:
        self._valid = valid
        self._errors = errors

    def __bool__(self) -> bool:
        return self._valid

    def __call__(self, raise_exception: bool = False) -> bool:
        """Tell whether the data is valid.

        Args:
            raise_exception: Whether to answer the request with a 400, with the errors in it, if it is not.
        """
        if raise_exception and not self._valid:
            raise BadRequest("The data is not valid.", data={"errors": self._errors})
        return self._valid

    def __repr__(self) -> str:
        return f"<Validity {self._valid}>"


class Serializer:
    """Fields under names, to show objects with and to check what clients send. Subclass it and declare the fields.

    A field called ``total`` is shown from the attribute ``total`` of the object, or from what a method
    ``get_total(self, instance)`` returns. A method ``validate_total(self, value)`` checks the value that was sent and
    returns it; ``validate(self, values)`` does the same for all of them. ``total = None`` takes out an inherited field.
    What a client sends under a name that is no field is refused; what it sends for a field that is only read is passed
    over.

    Args:
        instance: The object to show or to change, or several with `many`.
        data: What a client sent, such as ``request.json``.
        many: Whether there are several.
        partial: Whether only what was sent is checked and changed, as for PATCH.
        context: Anything the methods of a subclass want to know.
    """

    _own_fields: ClassVar[dict[str, Field | None]] = {}
    _declared_fields: ClassVar[dict[str, Field]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        inherited = {name for base in cls.__bases__ for name in getattr(base, "_declared_fields", ())}
        own = {
            name: value
            for name, value in vars(cls).items()
            if isinstance(value, Field) or (value is None and name in inherited)
        }
        # Not among the attributes, as a field may be called like something of the serializer: "data", "errors".
        for name in own:
            delattr(cls, name)
        fields: dict[str, Field | None] = {}
        for base in reversed(cls.__mro__[1:]):
            fields |= vars(base).get("_own_fields", {})
        fields |= own
        cls._own_fields = own
        cls._declared_fields = {name: field for name, field in fields.items() if field is not None}

    def __init__(
        self,
        instance: Any = None,
        data: Any = ABSENT,
        many: bool = False,
        partial: bool = False,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.instance = instance
        self.initial_data = ABSENT if data is None and instance is not None else data
        self.many = many
        self.partial = partial
        self.context: Mapping[str, Any] = context or {}
        self.fields: Mapping[str, Field] = self._class_fields()
        self._validated: Any = None
        self._errors: Errors | list[Errors] | None = None

    @classmethod
    def _class_fields(cls) -> Mapping[str, Field]:
        return cls._declared_fields

    # Out

    @property
    def data(self) -> Any:
        """The object as JSON values, a list of them with `many`; without an object, what was sent and is valid."""
        if self.instance is not None:
            return [self.to_representation(each) for each in self.instance] if self.many else self._one(self.instance)
        if self.initial_data is ABSENT or not self.is_valid:
            return [] if self.many else {}
        return [self._one(each) for each in self._validated] if self.many else self._one(self._validated)

    def _one(self, source: Any) -> dict[str, Any]:
        if not isinstance(source, Mapping):
            return self.to_representation(source)
        shown = ((name, field) for name, field in self.fields.items() if name in source and not field.write_only)
        return {name: self._shown(field, source[name]) for name, field in shown}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return one object as JSON values, by field."""
        shown: dict[str, Any] = {}
        for name, field in self.fields.items():
            if field.write_only:
                continue
            method = getattr(self, f"get_{name}", None)
            shown[name] = self._shown(field, getattr(instance, name) if method is None else method(instance))
        return shown

    @staticmethod
    def _shown(field: Field, value: Any) -> Any:
        return None if value is None else field.to_representation(value)

    # In

    @property
    def is_valid(self) -> Validity:
        """Whether what was sent is valid: ``if serializer.is_valid():``, or without the call.

        ``is_valid(raise_exception=True)`` answers the request with a 400 if it is not.
        """
        errors = self.errors
        return Validity(self.initial_data is not ABSENT and not any(errors), errors)

    @property
    def errors(self) -> Any:
        """What is wrong: lists of messages by field, under ``__all__`` what concerns no single one.

        With `many` a list of these, one for each object sent.
        """
        if self._errors is None:
            if self.initial_data is ABSENT:
                return {}
            self._errors = self._validate_many() if self.many else self._validate_one()
        return self._errors

    @property
    def validated_data(self) -> Any:
        """The values that were sent and are valid, as Python values; with `many` a list of them.

        Raises:
            ValueError: What was sent is not valid.
        """
        if not self.is_valid:
            raise ValueError(f"{type(self).__name__} has no validated_data; call is_valid() and look at errors.")
        return self._validated

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Check the values of one object together and return them; override it.

        Raises:
            ValidationError: They do not go together.
        """
        return values

    def _validate_one(self) -> Errors:
        self._validated, errors = self._checked(self.initial_data)
        return errors

    def _validate_many(self) -> list[Errors]:
        if not isinstance(self.initial_data, list):
            return [{NON_FIELD: ["Expected a list."]}]
        checked = [self._checked(each) for each in self.initial_data]
        self._validated = [values for values, _ in checked]
        errors = [errors for _, errors in checked]
        return errors if any(errors) else []

    def _checked(self, sent: Any) -> tuple[dict[str, Any], Errors]:
        if not isinstance(sent, Mapping):
            return {}, {NON_FIELD: ["Expected an object with fields."]}
        unknown = [str(name) for name in sent if name not in self.fields]
        errors: Errors = {name: ["There is no such field."] for name in unknown[:_MAX_UNKNOWN]}
        values: dict[str, Any] = {}
        for name, field in self.fields.items():
            if self._is_read_only(name, field):
                continue
            try:
                value = self._field_value(name, field, sent.get(name, ABSENT))
            except ValidationError as error:
                errors[name] = [str(error)]
            else:
                if value is not ABSENT:
                    values[name] = value
        if not errors:
            try:
                values = self.validate(values)
            except ValidationError as error:
                errors[NON_FIELD] = [str(error)]
        if not errors:
            self._check_object(values, errors)
        return values, errors

    def _is_read_only(self, name: str, field: Field) -> bool:
        return field.read_only

    def _field_value(self, name: str, field: Field, sent: Any) -> Any:
        if sent is ABSENT:
            if field.required and not self.partial:
                raise field.error("required")
            # A default is for new objects; an old one keeps what it has.
            return ABSENT if self.partial or self.instance is not None else field.get_default()
        value = field.clean(sent)
        hook = getattr(self, f"validate_{name}", None)
        return value if hook is None else hook(value)

    def _check_object(self, values: dict[str, Any], errors: Errors) -> None:
        """Add what else is wrong with the values of one object; for kinds of serializers that know more."""


class BaseModelSerializer(Serializer):
    """A serializer whose fields come from the columns of a model.

    ``class Meta`` has:

    - ``model``: the mapped class.
    - ``fields``: the names, or ``'__all__'`` for every column but binary ones and those whose name says that they hold
      a secret; name these, or declare a field, where a serializer is to have them.
    - ``exclude``: columns to leave out of ``'__all__'``.
    - ``read_only_fields``: columns that are shown and never taken from a client. Primary keys that the database makes
      up, and timestamps, are in any case.
    - ``extra_kwargs``: options for the fields, by name: ``{"notes": {"write_only": True}}``.

    Declared fields come on top. Arguments as for `Serializer`.

    Example::

        class CourseSerializer(BaseModelSerializer):
            class Meta:
                model = Course
                fields = '__all__'
    """

    _all_fields: ClassVar[Mapping[str, Field]]

    @classmethod
    def _class_fields(cls) -> Mapping[str, Field]:
        # Made at the first serializer, not with the class: related models may not be imported yet by then.
        if "_all_fields" not in vars(cls):
            cls._all_fields = cls._make_fields()
        return cls._all_fields

    @classmethod
    def _meta(cls, option: str, default: Any = None) -> Any:
        return getattr(getattr(cls, "Meta", None), option, default)

    @classmethod
    def _mapper(cls) -> Mapper[Any]:
        model = cls._meta("model")
        if inspect(model, raiseerr=False) is None:
            raise ConfigurationError(f"{cls.__name__} needs a class Meta whose model is a mapped class; got {model!r}.")
        mapper: Mapper[Any] = class_mapper(model)
        return mapper

    @classmethod
    def _make_fields(cls) -> Mapping[str, Field]:
        mapper = cls._mapper()
        fields, declared = cls._meta("fields"), cls._declared_fields
        exclude: Iterable[str] = cls._meta("exclude") or ()
        if fields is None and not exclude:
            raise ConfigurationError(f"Meta of {cls.__name__} needs fields: '__all__' or a list of names.")
        if isinstance(fields, str) and fields != "__all__":
            raise ConfigurationError(f"Meta.fields of {cls.__name__} is '__all__' or a list of names; not {fields!r}.")
        everything = fields is None or fields == "__all__"
        names = [name for name in public_names(mapper) if name not in exclude] if everything else list(fields)
        read_only = frozenset(cls._meta("read_only_fields") or ())
        extra: Mapping[str, Mapping[str, Any]] = cls._meta("extra_kwargs") or {}
        for name in (*exclude, *read_only, *extra):
            if name not in declared and not mapper.has_property(name):
                raise ConfigurationError(
                    f"Meta of {cls.__name__} names {name!r}, which {mapper.class_.__name__} lacks."
                )
        made = {
            name: declared[name]
            if name in declared
            else make_field(mapper, name, name in read_only, extra.get(name, {}))
            for name in names
        }
        return made | {name: field for name, field in declared.items() if name not in made}

    def _is_read_only(self, name: str, field: Field) -> bool:
        # A key that a client chooses is chosen once.
        return field.read_only or (self.instance is not None and name in self._keys())

    @classmethod
    def _keys(cls) -> list[str]:
        mapper = cls._mapper()
        return [mapper.get_property_by_column(column).key for column in mapper.primary_key]

    def _check_object(self, values: dict[str, Any], errors: Errors) -> None:
        mapper = self._mapper()
        if not mapper.validators:
            return
        # What @validates says, asked of a stand-in: the session would write the row itself although it is not valid.
        stand_in = mapper.class_manager.new_instance()
        if self.instance is not None and not self.many:
            state = inspect(self.instance)
            for name in column_attributes(mapper):
                if name not in state.unloaded or name in state.expired_attributes:
                    set_committed_value(stand_in, name, getattr(self.instance, name))
        for name in [name for name in values if name in column_attributes(mapper)]:
            try:
                setattr(stand_in, name, values[name])
            except ValueError as error:
                errors[name] = [str(error)]

    def save(self, session: "Session | None" = None) -> Any:
        """Make the row, or change `instance`; flush it, and return it. With `many`, make the rows.

        Declared fields that are no attribute of the model are not saved. Nothing is committed: at the end of a request
        that happens by itself, elsewhere commit the session.

        Args:
            session: The database session; that of the current request unless given.

        Raises:
            ValueError: What was sent is not valid, or `many` rows are to be changed.
            HTTPException: 409; the database refuses the row, as for a value that must be unique and is taken.
        """
        values = self.validated_data
        session = db_session if session is None else session
        if self.many and self.instance is not None:
            raise ValueError("save() changes one object; go through them with a serializer each.")
        with session.no_autoflush:
            if self.many:
                saved: Any = [self._written(self._mapper().class_(), each) for each in values]
            else:
                saved = self._written(self._mapper().class_() if self.instance is None else self.instance, values)
            session.add_all(saved if self.many else [saved])
        try:
            session.flush()
        except IntegrityError as error:
            raise HTTPException(
                "The database does not take this: a value that must be unique exists already, or one that is referred"
                " to does not.",
                status=409,
            ) from error
        self.instance = saved
        return saved

    def _written(self, instance: Any, values: Mapping[str, Any]) -> Any:
        mapper = self._mapper()
        for name, value in values.items():
            if mapper.has_property(name):
                setattr(instance, name, value)
        return instance
