"""Apps: what a project is made of, and in which order."""

import sys
from pathlib import Path

import pytest

from lback.core import apps
from lback.core.app import Application
from lback.core.apps import App, import_attribute, resolve_apps
from lback.core.exceptions import ConfigurationError
from lback.core.testing import make_app


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short names as installed packages bring them."""
    known = {
        "base": App("base", "lback.core"),
        "top": App("top", "lback.utils", requires=("middle",)),
        "middle": App("middle", "lback.security", requires=("base",)),
        "round": App("round", "lback.middlewares", requires=("about",)),
        "about": App("about", "lback.core", requires=("round",)),
    }
    monkeypatch.setattr(apps, "installed_apps", lambda: known)


def labels(*names: str) -> list[str]:
    return [app.label for app in resolve_apps(names)]


def test_an_app_comes_after_those_it_requires_listed_or_not(packaged: None) -> None:
    assert labels("top") == ["base", "middle", "top"]
    assert labels("top", "base") == ["base", "middle", "top"]


def test_an_app_may_be_listed_by_its_module(packaged: None) -> None:
    assert labels("lback.core") == ["base"]


def test_an_app_of_the_project_is_a_package(packaged: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "courses_app").mkdir()
    (tmp_path / "courses_app" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    (app,) = resolve_apps(["courses_app"])
    assert (app.label, app.path) == ("courses_app", tmp_path / "courses_app")
    assert (app.models_module, app.migrations_module) == ("courses_app.models", "courses_app.migrations")
    assert app.submodule("admin") is None


def test_an_unknown_name_is_refused_with_those_that_are_known(packaged: None) -> None:
    with pytest.raises(ConfigurationError, match=r"'cources'.*about, base, middle"):
        labels("cources")


def test_a_circle_is_refused_with_its_way(packaged: None) -> None:
    with pytest.raises(ConfigurationError, match="round -> about -> round"):
        labels("round")


def test_two_apps_with_one_label_are_refused(packaged: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other_place" / "base").mkdir(parents=True)
    for folder in ("other_place", "other_place/base"):
        (tmp_path / folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match="same label 'base'"):
        labels("base", "other_place.base")


def test_an_error_inside_a_module_of_an_app_is_not_taken_for_its_absence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_app").mkdir()
    (tmp_path / "broken_app" / "__init__.py").write_text("")
    (tmp_path / "broken_app" / "models.py").write_text("import not_there_at_all")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        App("broken_app", "broken_app").import_models()


def test_building_an_application_imports_the_models_and_registers_the_apps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "listed_app").mkdir()
    (tmp_path / "listed_app" / "__init__.py").write_text("")
    (tmp_path / "listed_app" / "models.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    seen: list[tuple[Application, bool]] = []

    def register(application: Application) -> None:
        seen.append((application, "listed_app.models" in sys.modules))

    monkeypatch.setattr(apps, "installed_apps", lambda: {"listed": App("listed", "listed_app", register=register)})
    application = make_app([], INSTALLED_APPS=["listed"], MIDDLEWARES=[])
    assert seen == [(application, True)]


def test_an_error_inside_the_package_of_an_app_is_not_taken_for_an_app_without_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app_that_fails").mkdir()
    (tmp_path / "app_that_fails" / "__init__.py").write_text("import not_there_at_all")
    (tmp_path / "app_that_fails" / "models.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        App("app_that_fails", "app_that_fails").import_models()


@pytest.mark.parametrize("name", ["", ".courses", "courses.", "json.decoder", "no_such.courses"])
def test_what_is_no_package_is_no_app(packaged: None, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no package of that name"):
        labels(name)


def test_names_of_apps_are_text(packaged: None) -> None:
    with pytest.raises(ConfigurationError, match="names of apps as text"):
        resolve_apps([App("base", "lback.core")])  # type: ignore[list-item]


def test_apps_with_the_same_requirement_share_it(packaged: None) -> None:
    assert labels("middle", "top", "middle") == ["base", "middle", "top"]


@pytest.mark.parametrize("target", ["lback.core.apps:App", "lback.core.apps.App"])
def test_a_name_is_imported_from_its_path(target: str) -> None:
    assert import_attribute(target) is App


@pytest.mark.parametrize(
    ("target", "reason"), [("lback.nowhere.X", "no module 'lback.nowhere'"), ("lback.core.apps.X", "has no 'X'")]
)
def test_a_name_that_is_not_there_is_refused(target: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        import_attribute(target)
