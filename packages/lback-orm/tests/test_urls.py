"""From the settings to the address of the database."""

from pathlib import Path
from typing import Any

import pytest

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.models.urls import database_url


def url(**settings: Any) -> str:
    return database_url(Config(settings)).render_as_string(hide_password=False)


def test_without_settings_it_is_a_sqlite_file_in_the_project(tmp_path: Path) -> None:
    assert url(BASE_DIR=tmp_path) == f"sqlite:///{tmp_path}/db.sqlite"


def test_a_relative_sqlite_file_lies_below_the_project_wherever_the_process_runs(tmp_path: Path) -> None:
    assert url(BASE_DIR=tmp_path, DATABASE_URL="sqlite:///data/shop.db") == f"sqlite:///{tmp_path}/data/shop.db"


def test_an_absolute_sqlite_file_stays_where_it_is(tmp_path: Path) -> None:
    assert url(BASE_DIR=tmp_path, DB_NAME="/var/lib/shop.db") == "sqlite:////var/lib/shop.db"


def test_sqlite3_is_another_name_of_sqlite(tmp_path: Path) -> None:
    assert url(BASE_DIR=tmp_path, DB_ENGINE="sqlite3").startswith("sqlite:///")


def test_the_parts_of_a_server_are_put_together_and_quoted() -> None:
    settings = {"DB_ENGINE": "postgresql", "DB_NAME": "shop", "DB_USER": "me", "DB_PASSWORD": "p@ss/w:rd"}
    assert url(**settings) == "postgresql+psycopg://me:p%40ss%2Fw%3Ard@localhost:5432/shop"


def test_a_password_that_is_none_is_refused_by_its_name() -> None:
    """As ``DB_PASSWORD = env("DB_PASSWORD")`` leaves it where the variable is missing."""
    with pytest.raises(ConfigurationError, match=r"DB_PASSWORD must be text; .* None"):
        url(DB_ENGINE="postgresql", DB_NAME="shop", DB_PASSWORD=None)


def test_mariadb_speaks_the_whole_of_unicode() -> None:
    assert url(DB_ENGINE="mysql", DB_NAME="shop") == "mysql+pymysql://localhost:3306/shop?charset=utf8mb4"


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mariadb+pymysql"])
def test_whatever_mariadb_is_called_it_speaks_the_whole_of_unicode(scheme: str) -> None:
    assert url(DATABASE_URL=f"{scheme}://h/a").endswith("://h/a?charset=utf8mb4")


def test_a_charset_that_is_given_is_kept() -> None:
    assert url(DATABASE_URL="mysql://h/a?charset=latin1") == "mysql+pymysql://h/a?charset=latin1"


@pytest.mark.parametrize("name", [":memory:", "file:shop.db?mode=ro&uri=true"])
def test_what_is_no_path_is_not_put_below_the_project(tmp_path: Path, name: str) -> None:
    made = database_url(Config({"BASE_DIR": tmp_path, "DATABASE_URL": f"sqlite:///{name}"}))
    assert made.database == name.partition("?")[0]


def test_database_url_goes_before_the_parts() -> None:
    assert url(DATABASE_URL="postgresql://h/a", DB_ENGINE="mysql", DB_NAME="b") == "postgresql+psycopg://h/a"


def test_a_driver_that_is_named_is_kept() -> None:
    assert url(DATABASE_URL="postgresql+psycopg2://h/a").startswith("postgresql+psycopg2://")


def test_an_unknown_engine_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match=r"'oracle8'.*mysql, postgres"):
        url(DB_ENGINE="oracle8")


def test_an_address_that_cannot_be_read_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        url(DATABASE_URL="me:s3cr3t@host")
    assert "s3cr3t" not in str(caught.value)
