"""The names of projects and apps."""

from pathlib import Path

import pytest

from lback.commands.names import check_name
from lback.core.exceptions import LbackError


@pytest.mark.parametrize("name", ["shop", "book_store", "Shop2", "_hidden", "matches", "läden"])
def test_an_identifier_that_hides_nothing_is_fine(tmp_path: Path, name: str) -> None:
    check_name(name, "project", tmp_path)


@pytest.mark.parametrize("name", ["", "my shop", "my-shop", "2shop", "shop.py", "../shop", "shop/x", "a\0b", "shop\n"])
def test_what_python_could_not_import_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LbackError, match="use letters, digits and underscores"):
        check_name(name, "project", tmp_path)


@pytest.mark.parametrize("name", ["class", "None", "async"])
def test_words_of_the_language_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LbackError, match="a word of the Python language"):
        check_name(name, "app", tmp_path)


@pytest.mark.parametrize("name", ["json", "email", "sys"])
def test_modules_of_the_standard_library_are_not_hidden(tmp_path: Path, name: str) -> None:
    with pytest.raises(LbackError, match="standard library"):
        check_name(name, "project", tmp_path)


@pytest.mark.parametrize("name", ["pytest", "jinja2", "click", "test"])
def test_installed_packages_are_not_hidden(tmp_path: Path, name: str) -> None:
    with pytest.raises(LbackError, match="an installed package has it"):
        check_name(name, "project", tmp_path)


def test_the_framework_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(LbackError, match="'lback' can't be the name of a project: the framework has it"):
        check_name("lback", "project", tmp_path)


@pytest.mark.parametrize("name", ["settings", "manage", "templates", "static"])
def test_the_parts_of_every_project_are_kept_apart(tmp_path: Path, name: str) -> None:
    with pytest.raises(LbackError, match="every project has a part of that name"):
        check_name(name, "app", tmp_path)


def test_a_name_that_python_reads_as_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LbackError, match="Python reads it as 'fish'"):
        check_name("\N{LATIN SMALL LIGATURE FI}sh", "app", tmp_path)


def test_names_with_two_leading_underscores_are_pythons(tmp_path: Path) -> None:
    with pytest.raises(LbackError, match="belong to Python"):
        check_name("__main__", "app", tmp_path)


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    with pytest.raises(LbackError, match="There is something at"):
        check_name("shop", "project", tmp_path)


def test_a_dangling_link_is_something_too(tmp_path: Path) -> None:
    (tmp_path / "shop").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LbackError, match="There is something at"):
        check_name("shop", "project", tmp_path)
