"""The settings of a project: where they come from, which type they have, and what is kept secret.

Sources, later ones win: defaults, ``.env``, ``config.json``, ``settings.py``, the real environment. The files are
read and never written, and ``.env`` is not copied into `os.environ`.
"""

import importlib.util
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lback.core.apps import installed_defaults
from lback.core.defaults import DEFAULTS, LEAST
from lback.core.exceptions import ConfigurationError
from lback.security.redaction import MASK, is_secret_name, redacted

ENVIRONMENT_PREFIX = "LBACK_"
# Shorter ones are words such as "postgres", which would be masked wherever they stand.
SHORTEST_SECRET = 10

_dotenv: ContextVar[Mapping[str, str]] = ContextVar("lback_dotenv", default=MappingProxyType({}))


class Secret(str):
    """Text that is asterisks in a `repr` and in a template, so that no dump of settings or variables shows it.

    Otherwise it is the text it was made of: libraries turn passwords and keys to text and format them into addresses
    and messages to servers, and a mask there would be a wrong password, or a key that everybody knows.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)

    def __html__(self) -> str:
        return MASK


def env(name: str, default: str | None = None) -> str | None:
    """Return a variable of the environment or, failing that, of the project's ``.env``; for use in ``settings.py``.

    Args:
        name: The variable; ``LBACK_<name>`` goes before it.
        default: What to return when it is set nowhere.
    """
    for source in (os.environ, _dotenv.get()):
        for key in (ENVIRONMENT_PREFIX + name, name):
            if key in source:
                return source[key]
    return default


class Config(Mapping[str, Any]):
    """The settings, read as attributes (``config.DEBUG``) or as a mapping (``config["DEBUG"]``). Read-only.

    Args:
        values: Settings that go over the defaults.

    Raises:
        ConfigurationError: A value does not have the type of its setting, or is less than makes sense.
    """

    _values: dict[str, Any]
    #: The settings without the secrets: what templates get to see.
    public: Mapping[str, Any]
    #: The texts of the secrets that are long enough to be told from other text, for masking them; also as `repr` and
    #: JSON write them.
    secrets: tuple[str, ...]

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        defaults = _all_defaults()
        merged = defaults | {
            name: typed(name, value, defaults.get(name), "the given values") for name, value in (values or {}).items()
        }
        for name, least in LEAST.items():
            _check_number(name, merged[name], least)
        try:
            guarded = {name: _guarded(name, value) for name, value in merged.items()}
            public = {name: redacted(name, value) for name, value in guarded.items() if not is_secret_name(name)}
        except RecursionError:
            raise ConfigurationError("A setting has lists or mappings that are nested too deep.") from None
        # As attributes of the object they are found without __getattr__, which costs ten times as much. A variable of a
        # .env may be called like a method, and stays out of its way.
        vars(self).update(
            {name: value for name, value in guarded.items() if not hasattr(Config, name)},
            _values=guarded,
            public=MappingProxyType(public),
            secrets=tuple(sorted(_secrets(guarded.values()), key=len, reverse=True)),
        )

    @classmethod
    def load(cls, base_dir: Path | str, debug: bool = False) -> "Config":
        """Read the settings of the project in `base_dir`.

        Args:
            base_dir: The folder that holds ``settings.py``, ``config.json`` and ``.env``; each may be absent.
            debug: The value of ``DEBUG`` where no source sets it; the development server passes True.

        Raises:
            ConfigurationError: A file can't be read, with its name and line, or a value doesn't fit, with its name.
        """
        base = Path(base_dir).resolve()
        defaults = _all_defaults()
        values: dict[str, Any] = {"BASE_DIR": base, "DEBUG": debug}
        dotenv = read_dotenv(base / ".env")
        for origin, found in (
            (".env", _without_prefix(dotenv)),
            ("config.json", read_json(base / "config.json")),
            ("settings.py", read_settings(base / "settings.py", dotenv)),
        ):
            values |= {name: typed(name, value, defaults.get(name), origin) for name, value in found.items()}
        return cls(values | _environment_overrides(defaults | values))

    def replace(self, **values: Any) -> "Config":
        """Return a copy with other values; for tests."""
        return Config({**self._values, **values})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"There is no setting {name!r}.")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Settings are read-only; config.replace({name}=...) gives a copy with another value.")

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Config({ {name: redacted(name, value) for name, value in self._values.items()}!r})"


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of a ``.env`` file as text, exactly as written; an absent file has none."""
    if not path.is_file():
        return {}
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(_text(path))):
        if binding.error or (binding.key is not None and binding.value is None):
            raise ConfigurationError(
                f"{path}, line {binding.original.line}: expected NAME=value, a comment or nothing."
            )
        if binding.key is not None:
            values[binding.key] = binding.value or ""
    return values


def read_json(path: Path) -> dict[str, Any]:
    """Return the settings of a ``config.json``; an absent file has none."""
    if not path.is_file():
        return {}
    try:
        values = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{path}, line {error.lineno}, column {error.colno}: this is not valid JSON: {error.msg}."
        ) from error
    except RecursionError:
        raise ConfigurationError(f"{path}: its lists or objects are nested too deep.") from None
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path}: expected an object of settings, not {type(values).__name__}.")
    return values


def read_settings(path: Path, dotenv: Mapping[str, str]) -> dict[str, Any]:
    """Return the upper-case names of a ``settings.py``; an absent file has none.

    The file is run by itself and leaves nothing in `sys.modules`, so two projects can live in one process.
    """
    if not path.is_file():
        return {}
    spec = importlib.util.spec_from_file_location("settings", path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path}: this file can't be run as Python.")
    module = importlib.util.module_from_spec(spec)
    token = _dotenv.set(dotenv)
    # While it runs it must be found by its name, as dataclasses look their module up.
    before = sys.modules.get(spec.name)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigurationError(f"{path}{_line_in(path, error)}: {type(error).__name__}: {error}") from error
    finally:
        _dotenv.reset(token)
        if before is None:
            sys.modules.pop(spec.name, None)
        else:
            sys.modules[spec.name] = before
    return {name: value for name, value in vars(module).items() if name.isupper()}


def typed(name: str, value: Any, default: Any, origin: str) -> Any:
    """Return `value` as the type of the setting, which is the type of its default.

    Text is read as that type: ``true``/``false``, numbers, and JSON for lists and mappings. A setting without a
    default, or whose default is None, keeps what it is given.

    Raises:
        ConfigurationError: The value does not fit; the message names the setting and where the value came from.
    """
    if default is None:
        return value
    kind = type(default)
    wanted = Path if isinstance(default, Path) else kind
    try:
        return _converted(value, wanted)
    except RecursionError:
        raise ConfigurationError(f"The setting {name} is nested too deep; it comes from {origin}.") from None
    except (TypeError, ValueError):
        shown = MASK if is_secret_name(name) and value is not None else repr(value)
        raise ConfigurationError(
            f"The setting {name} must be {_KINDS.get(wanted, wanted.__name__)}; {origin} has {shown}."
        ) from None


def typed_keys(setting: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a setting that is a mapping with certain keys: the values as the types of the defaults, all keys there.

    Raises:
        ConfigurationError: A key that isn't one of them, or a value of another type; the message names it.
    """
    unknown = [key for key in values if key not in defaults]
    if unknown:
        raise ConfigurationError(f"{setting} has no key {unknown[0]!r}; its keys are {', '.join(defaults)}.")
    given = {key: typed(f"{setting}[{key!r}]", value, defaults[key], "the project") for key, value in values.items()}
    return {**defaults, **given}


_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list (as JSON where it is text)",
    tuple: "a list (as JSON where it is text)",
    dict: "a mapping (as JSON where it is text)",
    Path: "a path",
}
_ORDERED = (list, tuple, set, frozenset)
_TRUE = frozenset({"true", "1", "yes", "on", "t"})
_FALSE = frozenset({"false", "0", "no", "off", "f", ""})


def _converted(value: Any, kind: type) -> Any:
    if kind is Path:
        return Path(value)
    if isinstance(value, str) and kind is not str:
        value = _parsed(value.strip(), kind)
    if kind in _ORDERED and type(value) in _ORDERED:
        return kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is str and isinstance(value, Path):
        return str(value)
    # bool is a subclass of int, and 1 is not what DEBUG is set to.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(value)
    return value


def _parsed(text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
        raise ValueError(text)
    if kind in (int, float):
        return kind(text)
    return json.loads(text)


def _check_number(name: str, value: Any, least: int) -> None:
    if value is not None and not (isinstance(value, int | float) and value >= least):
        raise ConfigurationError(f"The setting {name} must be a number of {least} or more, not {value!r}.")


def _environment_overrides(defined: Mapping[str, Any]) -> dict[str, Any]:
    overrides = {}
    for name, value in defined.items():
        for key in (ENVIRONMENT_PREFIX + name, name):
            if key in os.environ and name != "BASE_DIR":
                overrides[name] = typed(name, os.environ[key], value, f"the environment variable {key}")
                break
    return overrides


def _all_defaults() -> dict[str, Any]:
    return DEFAULTS | installed_defaults()


def _guarded(name: str, value: Any, *, secret: bool = False) -> Any:
    """Return a setting in which texts are `Secret` whose name, or that of what they are in, says so."""
    secret = secret or is_secret_name(name)
    if type(value) is dict:
        return {key: _guarded(str(key), item, secret=secret) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_guarded(name, item, secret=secret) for item in value)
    return Secret(value) if secret and type(value) is str and value else value


def _secrets(values: Iterable[Any]) -> set[str]:
    found = set()
    for value in values:
        if isinstance(value, Secret) and len(value) >= SHORTEST_SECRET:
            for text in (str(value), repr(str(value))[1:-1]):
                found |= {text, json.dumps(text)[1:-1]}
        elif type(value) in (list, tuple):
            found |= _secrets(value)
        elif type(value) is dict:
            found |= _secrets(value.values())
    return found


def _without_prefix(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by the names of their settings; of ``LBACK_X`` and ``X`` the first counts."""
    bare = {name: value for name, value in variables.items() if not name.startswith(ENVIRONMENT_PREFIX)}
    return bare | {
        name.removeprefix(ENVIRONMENT_PREFIX): value for name, value in variables.items() if name not in bare
    }


def _text(path: Path) -> str:
    """Return the text of a file; the mark that some editors put at the front of UTF-8 is left out."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}, line {line}: this file is not UTF-8; save it as that.") from error


def _line_in(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f", line {error.lineno}"
    line = 0
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return f", line {line}" if line else ""
