"""Which models the admin manages: apps register theirs in their ``admin.py``."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, overload

from lback.admin.model_admin import ModelAdmin

A = TypeVar("A", bound=type[ModelAdmin])

# The addresses of the admin's own pages; a model of that name could not be reached.
RESERVED_NAMES = frozenset({"login", "logout", "dashboard"})


class AdminRegistry:
    """The models of the admin, each with the `ModelAdmin` that describes its pages."""

    def __init__(self) -> None:
        self._by_name: dict[str, ModelAdmin] = {}

    @overload
    def register(self, model: type, model_admin: type[ModelAdmin]) -> type[ModelAdmin]: ...
    @overload
    def register(self, model: type, model_admin: None = None) -> Callable[[A], A]: ...
    def register(self, model: type, model_admin: type[ModelAdmin] | None = None) -> Any:
        """Let the admin manage a model.

        Args:
            model: A mapped class.
            model_admin: How its pages look; `ModelAdmin` with its defaults unless given.

        Returns:
            `model_admin`. Without one, a decorator for the class that describes the pages, which need not be used.

        Raises:
            ValueError: The model is registered already, or is no mapped class.

        Example:
            ``admin.register(Course)``, ``admin.register(Course, CourseAdmin)``, or ``@admin.register(Course)`` in
            front of ``class CourseAdmin(ModelAdmin)``.
        """
        if model_admin is not None:
            self._add(model_admin(model))
            return model_admin
        bare = self._add(ModelAdmin(model))

        def decorate(described: A) -> A:
            del self._by_name[bare.name]
            self._add(described(model))
            return described

        return decorate

    def unregister(self, model: type) -> None:
        """Take a model out, to register it anew with another `ModelAdmin`.

        Raises:
            ValueError: It is not registered.
        """
        found = self.find(model)
        if found is None:
            raise ValueError(f"{model.__name__} is not registered with the admin.")
        del self._by_name[found.name]

    def get_model(self, name: str) -> type | None:
        """Return the model of that name, in whatever case, or None."""
        found = self.get(name)
        return None if found is None else found.model

    def get_registered_models(self) -> dict[str, type]:
        """Return the models by class name."""
        return {described.model.__name__: described.model for described in self}

    def get(self, name: str) -> ModelAdmin | None:
        """Return the `ModelAdmin` of the model of that name, in whatever case, or None."""
        return self._by_name.get(name.lower())

    def find(self, model: type) -> ModelAdmin | None:
        """Return the `ModelAdmin` of a model, or None."""
        return next((described for described in self if described.model is model), None)

    def __iter__(self) -> Iterator[ModelAdmin]:
        return iter(tuple(self._by_name.values()))

    def __contains__(self, model: object) -> bool:
        return any(described.model is model for described in self)

    def _add(self, described: ModelAdmin) -> ModelAdmin:
        known = self._by_name.get(described.name)
        if described.model in self:
            raise ValueError(f"{described.model.__name__} is registered with the admin already.")
        if known is not None:
            raise ValueError(
                f"The admin has a model named {described.name!r} already, {known.model.__module__}."
                f"{known.model.__qualname__}. Give the ModelAdmin of one of them another `name`."
            )
        if described.name in RESERVED_NAMES:
            raise ValueError(f"The admin has a page {described.name!r} of its own. Give the ModelAdmin another `name`.")
        self._by_name[described.name] = described
        return described


admin = AdminRegistry()
