"""Settings: four sources, each over the one before; the type of each; secrets that do not show."""

import hmac
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lback.core.config import Config, Secret, env
from lback.core.exceptions import ConfigurationError
from lback.security.redaction import MASK


@pytest.fixture
def project(tmp_path: Path) -> Any:
    """Write the files of a project and load its settings."""

    def load(dotenv: str = "", config: Any = None, settings: str = "", debug: bool = False) -> Config:
        (tmp_path / ".env").write_text(dotenv)
        if config is not None:
            (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
        (tmp_path / "settings.py").write_text(settings)
        return Config.load(tmp_path, debug=debug)

    return load


# -- the order --------------------------------------------------------------------------------------------------------


def test_each_source_goes_over_the_one_before(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D", "environment")
    config = project(
        dotenv="A=dotenv\nB=dotenv\nC=dotenv\nD=dotenv\n",
        config={"B": "json", "C": "json", "D": "json"},
        settings="C = 'settings'\nD = 'settings'\n",
    )
    assert [config[name] for name in "ABCD"] == ["dotenv", "json", "settings", "environment"]


def test_without_files_there_are_the_defaults(tmp_path: Path) -> None:
    config = Config.load(tmp_path)
    assert (False, "/static/", tmp_path) == (config.DEBUG, config.STATIC_URL, config.BASE_DIR)


def test_the_prefixed_variable_goes_before_the_bare_one(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECT_NAME", "bare")
    monkeypatch.setenv("LBACK_PROJECT_NAME", "prefixed")
    assert project().PROJECT_NAME == "prefixed"


def test_the_prefixed_name_goes_before_the_bare_one_in_dotenv_too(project: Any) -> None:
    settings = "from lback.core.config import env\nREAD = env('PROJECT_NAME')\n"
    config = project(dotenv="LBACK_PROJECT_NAME=prefixed\nPROJECT_NAME=bare\n", settings=settings)
    assert (config.PROJECT_NAME, config.READ) == ("prefixed", "prefixed")
    assert "LBACK_PROJECT_NAME" not in config


def test_variables_that_name_no_setting_stay_out(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LBACK_UNHEARD_OF", "x")
    assert "UNHEARD_OF" not in project()


def test_settings_nobody_knows_are_kept(project: Any) -> None:
    config = project(dotenv="OWN_TEXT=a", config={"OWN_LIST": [1]}, settings="OWN_NUMBER = 7\nlower = 1\n_PRIVATE = 1")
    assert (config.OWN_TEXT, config.OWN_LIST, config.OWN_NUMBER) == ("a", [1], 7)
    assert "lower" not in config


def test_the_environment_is_not_changed(project: Any) -> None:
    import os

    project(dotenv="ONLY_IN_DOTENV=1")
    assert "ONLY_IN_DOTENV" not in os.environ


def test_debug_is_what_the_development_server_says_unless_a_source_sets_it(project: Any) -> None:
    assert project(debug=True).DEBUG is True
    assert project(settings="DEBUG = False", debug=True).DEBUG is False


# -- types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DEBUG", "false", False),
        ("DEBUG", "True", True),
        ("DEBUG", "0", False),
        ("SESSION_TIMEOUT_MINUTES", "45", 45),
        ("ALLOWED_HOSTS", '["a.org", "b.org"]', ["a.org", "b.org"]),
        ("SECURITY_HEADERS", '{"X-Frame-Options": null}', {"X-Frame-Options": None}),
        ("PROJECT_NAME", " as it is ", " as it is "),
        ("STATIC_ROOT", "/srv/static", "/srv/static"),
    ],
)
def test_text_is_read_as_the_type_of_the_setting(
    project: Any, monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: Any
) -> None:
    monkeypatch.setenv(name, text)
    assert project()[name] == value


def test_the_environment_takes_the_type_that_a_file_gives(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_NUMBER", "8")
    assert project(settings="OWN_NUMBER = 7").OWN_NUMBER == 8


@pytest.mark.parametrize(
    ("name", "text"),
    [("DEBUG", "maybe"), ("SESSION_TIMEOUT_MINUTES", "1.5"), ("ALLOWED_HOSTS", "a,b"), ("ALLOWED_HOSTS", '"a"')],
)
def test_a_value_that_does_not_fit_stops_the_start_by_name(
    project: Any, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigurationError, match=f"The setting {name} must be .*environment variable {name}"):
        project()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", -1),
        ("MAX_REQUEST_BODY_SIZE", -1),
        ("MAX_FORM_FIELDS", -1),
        ("UPLOAD_MEMORY_LIMIT", 0),
        ("UPLOAD_MAX_SIZE_MB", -0.5),
        ("UPLOAD_MAX_SIZE_MB", "5"),
        ("SESSION_TIMEOUT_MINUTES", 0),
        ("EMAIL_TIMEOUT", 0),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"The setting {name} must be a number of . or more, not {value!r}"):
        Config({name: value})


@pytest.mark.parametrize(
    ("source", "settings"), [("settings.py", "DEBUG = 1"), ("settings.py", "INSTALLED_APPS = 'a'")]
)
def test_a_file_with_another_type_is_named(project: Any, source: str, settings: str) -> None:
    with pytest.raises(ConfigurationError, match=source):
        project(settings=settings)


def test_a_tuple_stays_one_when_the_environment_replaces_it(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN", '["b", "c"]')
    assert project(settings="OWN = ('a',)").OWN == ("b", "c")


def test_a_tuple_will_do_for_a_list(project: Any) -> None:
    assert project(settings="ALLOWED_HOSTS = ('a', 'b')").ALLOWED_HOSTS == ["a", "b"]


# -- files that can't be read -----------------------------------------------------------------------------------------


def test_a_garbled_dotenv_is_named_with_its_line(project: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"\.env, line 2"):
        project(dotenv="A=1\n=oops\n")


@pytest.mark.parametrize(
    ("text", "place"), [('{"A": 1,\n "B": }', "line 2, column 7"), ("[1]", "an object of settings"), ("", "line 1")]
)
def test_a_garbled_json_is_named_with_its_place(project: Any, text: str, place: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"config\.json.*{place}"):
        project(config=text)


@pytest.mark.parametrize(
    ("text", "reason"), [("A = 1\nB = (", "line 2: SyntaxError"), ("A = 1\n\nB = 1 / 0", "line 3: ZeroDivisionError")]
)
def test_settings_that_fail_are_named_with_their_line(project: Any, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"settings\.py, {reason}"):
        project(settings=text)


def test_a_line_of_dotenv_without_a_value_is_named(project: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"\.env, line 3: expected NAME=value"):
        project(dotenv="A=1\n# comment\nDEBUG\n")


@pytest.mark.parametrize("name", [".env", "config.json"])
def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes('\nA="caf\u00e9"\n'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=rf"{name}, line 2: this file is not UTF-8"):
        Config.load(tmp_path)


def test_the_mark_that_some_editors_put_at_the_front_is_left_out(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1", encoding="utf-8-sig")
    (tmp_path / "config.json").write_text('{"B": 2}', encoding="utf-8-sig")
    config = Config.load(tmp_path)
    assert (config.A, config.B) == ("1", 2)


def test_an_error_in_a_module_that_the_settings_import_has_the_line_of_the_import(
    project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings_that_are_broken.py").write_text("\n\n\nA = (")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"settings\.py, line 2: SyntaxError.*settings_that_are_broken"):
        project(settings="A = 1\nfrom settings_that_are_broken import *\n")


def test_dotenv_values_are_taken_exactly(project: Any) -> None:
    config = project(dotenv="# comment\nexport A=1\nB='with # and spaces'\nC=a$b${D}\n")
    assert (config.A, config.B, config.C) == ("1", "with # and spaces", "a$b${D}")


# -- env() ------------------------------------------------------------------------------------------------------------


def test_settings_read_the_dotenv_and_the_environment_with_env(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OS", "os")
    settings = (
        "from lback.core.config import env\n"
        "ONE = env('FROM_DOTENV')\nTWO = env('FROM_OS')\nTHREE = env('NOWHERE', 'default')\n"
    )
    config = project(dotenv="FROM_DOTENV=dotenv\nFROM_OS=dotenv\n", settings=settings)
    assert (config.ONE, config.TWO, config.THREE) == ("dotenv", "os", "default")
    assert env("FROM_DOTENV") is None


def test_two_projects_in_one_process_do_not_share_settings(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.py").write_text(f"PROJECT_NAME = {name!r}")
    assert [Config.load(tmp_path / name).PROJECT_NAME for name in ("one", "two")] == ["one", "two"]


def test_the_snippet_of_the_readme_runs_as_printed(project: Any, tmp_path: Path) -> None:
    config = project(
        settings="""
# settings.py
import os

BASE_DIR = os.path.dirname(os.path.abspath(__file__))

STATIC_URL = '/static/' # The URL path for static files
STATIC_ROOT = os.path.join(BASE_DIR, 'static') # The actual directory where static files are collected
STATIC_DIRS = [ # Additional directories to search for static files
    os.path.join(BASE_DIR, 'static'),
]
"""
    )
    assert (tmp_path, str(tmp_path / "static")) == (config.BASE_DIR, config.STATIC_ROOT)


# -- reading ----------------------------------------------------------------------------------------------------------


def test_settings_are_read_as_attributes_and_as_a_mapping() -> None:
    config = Config({"OWN": 1})
    assert (config.OWN, config["OWN"], config.get("NONE", 2), "OWN" in config) == (1, 1, 2, True)
    with pytest.raises(AttributeError, match="no setting 'NONE'"):
        config.NONE  # noqa: B018


def test_a_copy_may_have_other_values() -> None:
    config = Config({"OWN": 1})
    assert (config.replace(OWN=2).OWN, config.OWN) == (2, 1)


def test_settings_may_have_dataclasses_and_leave_no_module_behind(project: Any) -> None:
    config = project(
        settings="""
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Limits:
    most: int = 7

LIMIT = Limits().most
"""
    )
    assert (config.LIMIT, "settings" in sys.modules) == (7, False)


DEEP = "[" * 100_000 + "]" * 100_000


def test_a_list_in_a_file_that_is_nested_too_deep_is_refused_in_one_sentence(project: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.json: its lists or objects are nested too deep"):
        project(config=f'{{"MIDDLEWARES": {DEEP}}}')


def test_a_list_in_the_environment_that_is_nested_too_deep_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="The setting MIDDLEWARES is nested too deep"):
        Config({"MIDDLEWARES": DEEP})


def test_a_list_of_the_project_that_is_nested_too_deep_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ConfigurationError, match="nested too deep"):
        Config({"OWN": value})


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_a_secret_shows_itself_nowhere() -> None:
    config = Config({"EMAIL_PASSWORD": "s3cr3t", "NESTED": {"token": "s3cr3t"}})
    secret = config.EMAIL_PASSWORD
    shown = [repr(config), repr(secret), f"{secret!r:>20}", repr([secret]), repr({"key": secret})]
    assert not any("s3cr3t" in text for text in shown)
    assert repr(secret) == repr(MASK)


def test_a_secret_is_the_real_text_wherever_a_library_uses_it() -> None:
    secret = Secret("s3cr3t")
    assert (secret.encode(), secret == "s3cr3t", len(secret)) == (b"s3cr3t", True, 6)
    assert (str(secret), f"{secret}", " ".join([secret]), quote(secret), json.dumps(secret)) == (
        *["s3cr3t"] * 4,
        '"s3cr3t"',
    )
    assert (type(str(secret)), hmac.digest(str(secret).encode(), b"", "sha256")) == (
        str,
        hmac.digest(b"s3cr3t", b"", "sha256"),
    )


def test_a_list_of_secrets_shows_none_of_them() -> None:
    config = Config({"SECRET_KEY_FALLBACKS": ["s3cr3t"]})
    assert "s3cr3t" not in repr(config.SECRET_KEY_FALLBACKS)
    assert config.SECRET_KEY_FALLBACKS == ["s3cr3t"]


@pytest.mark.parametrize(
    "settings",
    [
        {"DATABASES": {"default": {"PASSWORD": "s3cr3t-inside"}}},
        {"SERVICES": [{"name": "mail", "api_key": "s3cr3t-inside"}]},
        {"SERVICES": ({"tokens": ["s3cr3t-inside"]},)},
        {"TOKENS": {"mail": "s3cr3t-inside"}},
    ],
)
def test_a_secret_inside_a_setting_is_one_too(settings: dict[str, Any]) -> None:
    config = Config(settings)
    (name,) = settings
    assert config[name] == settings[name]
    assert "s3cr3t" not in repr(config) + repr(config[name]) + repr(config.public)
    assert config.secrets == ("s3cr3t-inside",)


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URI", "BACKEND", "BACKENDS"])
def test_a_password_in_an_address_shows_nowhere(name: str) -> None:
    address = "postgresql://shop:s3cr3t@db.example.org/shop"
    config = Config({name: [address] if name == "BACKENDS" else address})
    assert "s3cr3t" not in repr(config) + repr(config.public)


def test_what_templates_see_has_no_secrets() -> None:
    public = Config({"SECRET_KEY": "x", "EMAIL_PASSWORD": "s3cr3t", "NESTED": {"token": "s3cr3t", "a": 1}}).public
    assert "SECRET_KEY" not in public
    assert "EMAIL_PASSWORD" not in public
    assert public["NESTED"] == {"token": MASK, "a": 1}


def test_the_message_of_a_wrong_secret_does_not_show_it(project: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        project(settings="SECRET_KEY = ['s3cr3t']")
    assert "s3cr3t" not in str(caught.value)


def test_settings_are_read_only_and_a_copy_may_differ() -> None:
    config = Config({"PROJECT_NAME": "shop"})
    with pytest.raises(AttributeError, match=r"config\.replace\(PROJECT_NAME=\.\.\.\) gives a copy"):
        config.PROJECT_NAME = "blog"
    assert (config.PROJECT_NAME, config.replace(PROJECT_NAME="blog").PROJECT_NAME) == ("shop", "blog")


def test_a_name_that_a_method_has_hides_none(project: Any) -> None:
    config = project(dotenv="get=a\nreplace=b\npublic=c\n_values=d\n")
    assert [config[name] for name in ("get", "replace", "public", "_values")] == ["a", "b", "c", "d"]
    assert (config.get("DEBUG"), config.replace(DEBUG=True).DEBUG, config.public["DEBUG"]) == (False, True, False)
