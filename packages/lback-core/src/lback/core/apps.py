"""Apps: the parts a project is made of, and in which order they are set up.

An entry of ``INSTALLED_APPS`` is the short name of an installed package's app (``"admin"``, ``"auth_app"``, from the
entry-point group ``lback.apps``) or the import path of an app of the project (``"courses"``).
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lback.core.exceptions import ConfigurationError
from lback.core.plugins import APPS, plugins

if TYPE_CHECKING:
    from lback.core.app import Application
    from lback.core.config import Config

Register = Callable[["Application"], None]
InitialData = Callable[[Any, "Config"], Iterable[str]]


@dataclass(frozen=True, slots=True)
class App:
    """An app, described without importing it.

    Args:
        label: Its short name, unique in a project; the migrations of the app carry it.
        module: The import path of its package.
        requires: Labels of the apps it needs; they are set up before it, listed in ``INSTALLED_APPS`` or not.
        models_module: Where its models are; ``<module>.models`` unless given.
        migrations_module: Where its migrations are; ``<module>.migrations`` unless given.
        register: Called as ``register(application)`` while an application is built, or the ``"module:function"`` of
            it, so that describing the app imports nothing.
        settings: The settings that the app reads, with their defaults.
        initial_data: Called by ``init_db`` as ``initial_data(session, config)`` to make the rows that every
            installation begins with; it leaves those that are there, and returns a line for each that it made. The
            ``"module:function"`` of it, or the function.
    """

    label: str
    module: str
    requires: tuple[str, ...] = ()
    models_module: str = ""
    migrations_module: str = ""
    register: Register | str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    initial_data: InitialData | str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "models_module", self.models_module or f"{self.module}.models")
        object.__setattr__(self, "migrations_module", self.migrations_module or f"{self.module}.migrations")

    @property
    def path(self) -> Path:
        """The folder of the app's package.

        Raises:
            ConfigurationError: There is no such package.
        """
        spec = _find(self.module)
        if spec is None or not spec.submodule_search_locations:
            raise ConfigurationError(f"The app {self.label!r} must be a package, and {self.module!r} is not one.")
        return Path(spec.submodule_search_locations[0])

    def submodule(self, name: str) -> Any | None:
        """Import ``<module>.<name>`` and return it, or None where the app has no such module.

        An error inside that module is raised, not taken for its absence.
        """
        return _import_optional(f"{self.module}.{name}")

    def import_models(self) -> None:
        """Import the app's models, so that the metadata and the mappers know them."""
        _import_optional(self.models_module)

    def run_register(self, application: "Application") -> None:
        """Call the app's `register` with the application that is being built."""
        register = self.register
        if isinstance(register, str):
            register = import_attribute(register)
        if register is not None:
            register(application)

    def make_initial_data(self, session: Any, config: "Config") -> Iterable[str]:
        """Have the app make the rows that every installation begins with; return a line for each of them.

        Args:
            session: A database session, committed afterwards.
            config: The settings.
        """
        make = self.initial_data
        if isinstance(make, str):
            make = import_attribute(make)
        return make(session, config) if make is not None else ()


def import_attribute(target: str) -> Any:
    """Import ``"package.module:name"`` or ``"package.module.name"``.

    Raises:
        ConfigurationError: The module or the name doesn't exist.
    """
    module_name, _, name = target.replace(":", ".").rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise ConfigurationError(f"There is no module {module_name!r}, which {target!r} names.") from error
        raise
    try:
        return getattr(module, name)
    except AttributeError:
        raise ConfigurationError(f"The module {module_name!r} has no {name!r}, which {target!r} names.") from None


def resolve_apps(names: Iterable[str]) -> tuple[App, ...]:
    """Return the apps that `names` list, each once and after the apps it requires.

    Raises:
        ConfigurationError: A name that is neither a short name nor a package, two apps with one label, or a circle.
    """
    ordered: dict[str, App] = {}
    for name in names:
        _add(_find_app(name), ordered, ())
    return tuple(ordered.values())


def _add(app: App, ordered: dict[str, App], waiting: tuple[str, ...]) -> None:
    known = ordered.get(app.label)
    if known is not None:
        if known.module != app.module:
            raise ConfigurationError(
                f"The apps {known.module!r} and {app.module!r} have the same label {app.label!r}. Rename one of them."
            )
        return
    if app.label in waiting:
        raise ConfigurationError(f"These apps require each other in a circle: {' -> '.join((*waiting, app.label))}.")
    for label in app.requires:
        _add(_find_app(label), ordered, (*waiting, app.label))
    ordered[app.label] = app


def _find_app(name: str) -> App:
    if not isinstance(name, str):
        raise ConfigurationError(f"INSTALLED_APPS lists names of apps as text, and this is not one: {name!r}.")
    packaged = installed_apps()
    if name in packaged:
        return packaged[name]
    for app in packaged.values():
        if app.module == name:
            return app
    spec = _find(name)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            f"INSTALLED_APPS names {name!r}, and there is no package of that name. Expected one of the project's "
            f"folders, or one of: {', '.join(sorted(packaged)) or 'nothing, no packaged apps are installed'}."
        )
    return App(label=name.rpartition(".")[2], module=name)


@cache
def installed_apps() -> dict[str, App]:
    """Return the apps that installed packages bring, by short name, whether a project uses them or not."""
    return {name: point.load() for name, point in plugins(APPS).items()}


def installed_defaults() -> dict[str, Any]:
    """Return the default settings of every installed package's app."""
    return {name: value for app in installed_apps().values() for name, value in app.settings.items()}


def _find(module: str) -> Any | None:
    if module.startswith("."):
        return None
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError as error:
        # Looking for a module imports the packages above it, and what fails to import in there is no absent module.
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            return None
        raise
    except ValueError:
        return None


def _import_optional(module: str) -> Any | None:
    return importlib.import_module(module) if _find(module) is not None else None
