"""The shape of the house: who owns which folder, who may import whom, and that each says what it needs."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lback.core.apps import installed_defaults
from lback.core.defaults import DEFAULTS

from .conftest import CODE_PACKAGES, PACKAGES, ROOT, Package

# The arrows between distributions; nothing else may be imported. An extra is written as "package[extra]".
ARROWS = {
    "lback-core": set(),
    "lback-orm": {"lback-core"},
    "lback-forms": {"lback-core"},
    "lback-auth": {"lback-core", "lback-orm", "lback-forms[orm]"},
    "lback-api": {"lback-core", "lback-orm"},
    "lback-admin": {"lback-core", "lback-orm", "lback-forms[orm]", "lback-auth"},
    "lback-cli": {"lback-core"},
}
# Import names that differ from the name of the distribution.
DISTRIBUTIONS = {
    "dotenv": "python-dotenv",
    "email_validator": "email-validator",
    "jwt": "PyJWT",
    "psycopg": "psycopg",
    "pymysql": "PyMySQL",
    "alembic_postgresql_enum": "alembic-postgresql-enum",
}
# Loaded by name, not by an import statement: SQLAlchemy imports the drivers, and `manage.py test` runs pytest as a
# process.
IMPORTED_BY_NAME = {"psycopg", "pymysql", "pytest"}
# Modules that only an extra brings what they import.
MODULES_OF_EXTRAS = {
    "lback-core": {"redis": ("core/cache_redis.py",), "testing": ("core/pytest_plugin.py",)},
    "lback-orm": {"testing": ("models/pytest_plugin.py",), "postgresql": ("migrations/enum_values.py",)},
    "lback-forms": {"orm": ("forms/models",)},
    "lback-auth": {"asymmetric": ("auth/jwt_keys.py",)},
}

each_package = pytest.mark.parametrize("package", CODE_PACKAGES, ids=str)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(text: str) -> str:
    """Return "name[extra]" of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?", text)
    assert found, text
    return found[0]


def bare(text: str) -> str:
    return canonical(text.partition("[")[0])


def modules(package: Package) -> list[Path]:
    return sorted((package.source / "lback").rglob("*.py"))


def imports(module: Path) -> Iterator[str]:
    """Yield what a module imports, at any depth: statements and importlib.import_module("...")."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            yield node.module or ""
            if node.module == "lback":
                yield from (f"lback.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "import_module"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.args[0].value


def owner_of(import_path: str) -> str | None:
    """Return the package that owns an import path below ``lback``."""
    parts = import_path.split(".")
    if parts[0] != "lback" or len(parts) < 2:
        return None
    return next(package.name for package in CODE_PACKAGES if parts[1] in package.owned)


def third_party(import_path: str) -> str | None:
    """Return the distribution of an import path, if it is neither ours nor Python's."""
    top = import_path.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("lback", "_typeshed", ""):
        return None
    return canonical(DISTRIBUTIONS.get(top, top))


def declared(package: Package) -> set[str]:
    return {requirement(text) for text in package.metadata.get("dependencies", [])}


def declared_extras(package: Package) -> dict[str, set[str]]:
    extras = package.metadata.get("optional-dependencies", {})
    return {name: {requirement(text) for text in texts} for name, texts in extras.items()}


def test_nobody_turns_the_namespace_into_a_package() -> None:
    assert not list(ROOT.glob("**/lback/__init__.py*"))


def test_no_folder_has_two_owners() -> None:
    owners: dict[str, list[str]] = {}
    for package in CODE_PACKAGES:
        for folder in package.owned:
            owners.setdefault(folder, []).append(package.name)
    assert {folder: names for folder, names in owners.items() if len(names) > 1} == {}


@each_package
def test_every_folder_is_a_typed_package(package: Package) -> None:
    for folder in package.owned:
        base = package.source / "lback" / folder
        assert (base / "__init__.py").is_file(), f"{base} has no __init__.py"
        assert (base / "py.typed").is_file(), f"{base} has no py.typed"
    assert not (package.source / "lback" / "py.typed").exists(), "lback/ itself belongs to nobody"


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_every_package_can_be_released_alone(package: Package) -> None:
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
        assert (package.folder / name).is_file(), f"{package.name} has no {name}"
    assert package.metadata["version"] in (package.folder / "CHANGELOG.md").read_text()


@each_package
def test_tests_have_no_init_file(package: Package) -> None:
    assert list((package.folder / "tests").glob("test_*.py")), "no tests"
    assert not list((package.folder / "tests").rglob("__init__.py"))


@each_package
def test_imports_follow_the_arrows(package: Package) -> None:
    allowed = {bare(name) for name in ARROWS[package.name]} | {package.name}
    wrong = [
        f"{module.relative_to(package.source)} imports {name}"
        for module in modules(package)
        for name in imports(module)
        if (owner := owner_of(name)) is not None and owner not in allowed
    ]
    assert wrong == []


@each_package
def test_siblings_are_declared_as_the_arrows_have_it(package: Package) -> None:
    siblings = {name for name in declared(package) if bare(name).startswith("lback")}
    assert siblings == ARROWS[package.name]


@each_package
def test_every_sibling_that_is_declared_is_imported(package: Package) -> None:
    imported = {owner_of(name) for module in modules(package) for name in imports(module)}
    assert {bare(name) for name in ARROWS[package.name]} <= imported


@each_package
def test_every_imported_distribution_is_declared(package: Package) -> None:
    extras = declared_extras(package)
    undeclared = []
    for module in modules(package):
        place = module.relative_to(package.source / "lback").as_posix()
        known = {bare(name) for name in declared(package)}
        for extra, paths in MODULES_OF_EXTRAS.get(package.name, {}).items():
            if place.startswith(paths):
                known |= {bare(name) for name in extras[extra]}
        undeclared += [
            f"{place} imports {name}" for name in imports(module) if (d := third_party(name)) and d not in known
        ]
    assert undeclared == []


@each_package
def test_every_declared_distribution_is_imported(package: Package) -> None:
    wanted = {bare(name) for name in declared(package)}
    for names in declared_extras(package).values():
        wanted |= {bare(name) for name in names}
    imported = {third_party(name) for module in modules(package) for name in imports(module)}
    assert {name for name in wanted if not name.startswith("lback")} - imported - IMPORTED_BY_NAME == set()


def test_the_meta_package_pins_the_versions_of_the_packages() -> None:
    meta = next(package for package in PACKAGES if package.name == "lback_framework")
    pins = {text for text in meta.metadata["dependencies"] if text.startswith("lback")}
    assert pins == {f"{package.name}=={package.version}" for package in CODE_PACKAGES}


def test_the_meta_package_has_no_code(wheel_files: dict[str, list[str]]) -> None:
    assert wheel_files["lback_framework"] == []


def test_no_file_is_in_two_wheels(wheel_files: dict[str, list[str]]) -> None:
    owners: dict[str, list[str]] = {}
    for name, paths in wheel_files.items():
        for path in paths:
            owners.setdefault(path, []).append(name)
    assert {path: names for path, names in owners.items() if len(names) > 1} == {}


@each_package
def test_the_wheel_holds_every_file_of_the_source(package: Package, wheel_files: dict[str, list[str]]) -> None:
    ours = {
        path.relative_to(package.source).as_posix()
        for path in package.source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(wheel_files[package.name]) == ours


@each_package
def test_entry_points_lead_somewhere(package: Package) -> None:
    points = [
        point
        for point in importlib.metadata.distribution(package.name).entry_points
        if point.group.startswith("lback.") or point.group == "console_scripts"
    ]
    assert [point.name for point in points if point.load() is None] == []


def test_every_setting_with_a_default_is_read() -> None:
    files = [path for package in CODE_PACKAGES for path in (package.source / "lback").rglob("*")]
    sources = {path: path.read_text() for path in files if path.suffix in (".py", ".html")}
    names = [*DEFAULTS, *installed_defaults()]
    declaring = ("defaults.py", "app.py")
    unread = [
        name
        for name in names
        if not any(
            re.search(rf"\b{name}\b", text)
            for path, text in sources.items()
            if path.name not in declaring or f"config.{name}" in text
        )
    ]
    assert unread == []
