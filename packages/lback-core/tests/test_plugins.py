"""Entry points: what installed distributions bring, without asking `importlib.metadata`, whose import is slow."""

import importlib.metadata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lback.core.exceptions import ConfigurationError
from lback.core.plugins import APPS, COMMANDS, plugins


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    plugins.cache_clear()
    yield
    plugins.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the front of the import path."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(site: Path, folder: str, text: str) -> None:
    """Write what an installer leaves of a distribution."""
    (site / folder).mkdir()
    (site / folder / "entry_points.txt").write_text(text)


@pytest.mark.parametrize("group", [APPS, COMMANDS, "pytest11", "console_scripts"])
def test_finds_what_importlib_metadata_finds(group: str) -> None:
    try:
        found = {name: plugin.value for name, plugin in plugins(group).items()}
    except ConfigurationError:
        pytest.skip("two installed distributions claim one name in this group")
    assert found == {point.name: point.value for point in importlib.metadata.entry_points(group=group)}


def test_an_entry_point_is_imported_when_it_is_loaded(site: Path) -> None:
    install(site, "shapes-1.0.dist-info", "[some.group]\n# a comment\nround = shapes_module:Box.circle [extra]\n")
    plugin = plugins("some.group")["round"]
    (site / "shapes_module.py").write_text("class Box:\n    circle = 'a circle'\n")
    assert plugin.load() == "a circle"


def test_an_entry_point_may_name_a_module(site: Path) -> None:
    install(site, "squares-1.0.dist-info", "[some.group]\nsquare = squares_module\n")
    (site / "squares_module.py").write_text("corners = 4\n")
    assert plugins("some.group")["square"].load().corners == 4


def test_other_groups_are_left_out(site: Path) -> None:
    install(site, "shapes-1.0.dist-info", "[other]\na = b:c\n\n[some.group]\nd = e:f\n\n[third]\ng = h:i\n")
    assert list(plugins("some.group")) == ["d"]


def test_two_claimants_of_a_name_are_refused(site: Path) -> None:
    install(site, "first-1.0.dist-info", "[some.group]\nx = a:b\n")
    install(site, "second-1.0.dist-info", "[some.group]\nx = c:d\n")
    with pytest.raises(ConfigurationError, match=r"both claim the name 'x' in some\.group"):
        plugins("some.group")


def test_a_distribution_further_back_on_the_import_path_is_hidden(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "Shapes-1.0.dist-info", "[some.group]\nx = old:b\n")
    front = site / "front"
    front.mkdir()
    install(front, "shapes-2.0.dist-info", "[some.group]\nx = new:b\n")
    monkeypatch.syspath_prepend(front)
    assert plugins("some.group")["x"].value == "new:b"


def test_distributions_in_archives_are_found(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = site / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("shapes-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: shapes\nVersion: 1.0\n")
        bundle.writestr("shapes-1.0.dist-info/entry_points.txt", "[some.group]\nround = shapes_module:circle\n")
    monkeypatch.syspath_prepend(archive)
    assert plugins("some.group")["round"].value == "shapes_module:circle"
