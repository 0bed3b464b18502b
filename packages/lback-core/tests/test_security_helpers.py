"""The helpers that decide: hosts, redirects, paths, and which names are secrets."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.security.hosts import valid_host
from lback.security.paths import safe_join
from lback.security.redaction import MASK, is_secret_name, redacted, scrubbed
from lback.security.redirects import is_local, local_path, safe_redirect_target

# -- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "allowed", "valid"),
    [
        ("example.org", ["example.org"], True),
        ("EXAMPLE.org:8000", ["example.org"], True),
        ("sub.example.org", [".example.org"], True),
        ("example.org", [".example.org"], True),
        ("evilexample.org", [".example.org"], False),
        ("example.org.evil.com", ["example.org"], False),
        ("anything", ["*"], True),
        ("[::1]:8000", ["[::1]"], True),
        ("", ["*"], False),
        ("a/b", ["*"], False),
        ("a@b", ["*"], False),
        ("a b", ["*"], False),
        ("a:1:2", ["*"], False),
        ("a\n", ["*"], False),
        ("x" * 300, ["*"], False),
    ],
)
def test_a_host_is_well_formed_and_on_the_list(host: str, allowed: list[str], valid: bool) -> None:
    assert valid_host(host, allowed) is valid


# -- redirects --------------------------------------------------------------------------------------------------------

OFF_SITE = [
    "//e.com",
    "///e.com",
    "/\\e.com",
    "\\\\e.com",
    "http:e.com",
    "https:///e.com",
    "http://e.com/",
    "\t//e.com",
    "/\t/e.com",
    " //e.com",
    "javascript:alert(1)",
    "data:text/html,x",
    "/ok\r\nSet-Cookie: a=b",
    "ok",
    "//testserver@e.com/",
    "http://testserver@e.com/",
    "http://testserver.e.com/",
    "http://testserver",
    "/" + "a" * 3000,
    "",
]


def request() -> Request:
    app = make_app([], MIDDLEWARES=[])
    return Request(Client(app)._environ("GET", "/", b"", "", {}), app)


@pytest.mark.parametrize("target", OFF_SITE)
def test_a_target_that_could_leave_the_site_is_not_followed(target: str) -> None:
    assert safe_redirect_target(request(), target, "/default/") == "/default/"


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/", "/"),
        ("/courses/?page=2&x=//y#z", "/courses/?page=2&x=//y#z"),
        ("/ok@e.com", "/ok@e.com"),
        ("http://testserver/courses/", "/courses/"),
        ("http://testserver//e.com", "/default/"),
    ],
)
def test_a_path_of_the_site_is_kept(target: str, kept: str) -> None:
    assert safe_redirect_target(request(), target, "/default/") == kept


def test_no_target_means_the_default() -> None:
    assert safe_redirect_target(request(), None, "/default/") == "/default/"


@given(st.text(alphabet="/\\ab:@.\t\n ?#%", max_size=40))
def test_a_local_target_has_neither_scheme_nor_host(target: str) -> None:
    if is_local(target):
        parts = urlsplit(target)
        assert (parts.scheme, parts.netloc) == ("", "")
        assert not target.replace("\\", "/").startswith("//")


@given(st.text(alphabet="/\\ab:.", max_size=20))
def test_a_local_path_begins_with_exactly_one_slash(path: str) -> None:
    assert local_path(path).startswith("/")
    assert not local_path(path).startswith(("//", "/\\"))


# -- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [("a.txt",), ("dir/a.txt",), ("dir", "a.txt"), ("./a.txt",), ("dir//a.txt",)])
def test_a_path_below_the_folder_is_joined(tmp_path: Path, parts: tuple[str, ...]) -> None:
    joined = safe_join(tmp_path, *parts)
    assert joined is not None
    assert joined.is_relative_to(tmp_path)
    assert joined.name == "a.txt"


@pytest.mark.parametrize(
    "part",
    [
        "../x",
        "a/../../x",
        "..",
        "/etc/passwd",
        "//etc/passwd",
        "C:\\x",
        "C:/x",
        "..\\x",
        "\\\\host\\share",
        ".git/config",
        "a/.env",
        "a\0b",
        "a\nb",
        "CON",
        "nul.txt",
        "a/NUL",
        "COM1 .x",
        "com¹",
        "lpt9.log",
        "a" * 300,
    ],
)
def test_a_path_that_leads_out_or_is_no_plain_name_is_refused(tmp_path: Path, part: str) -> None:
    assert safe_join(tmp_path, part) is None


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to("/etc/passwd")
    (tmp_path / "root" / "in.txt").write_text("x")
    (tmp_path / "root" / "in").symlink_to(tmp_path / "root" / "in.txt")
    assert safe_join(tmp_path / "root", "out") is None
    assert safe_join(tmp_path / "root", "in") is not None


def test_a_folder_with_the_same_beginning_is_another_folder(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static_secret").mkdir()
    assert safe_join(tmp_path / "static", "../static_secret/x") is None


@given(st.text(alphabet="./\\ab\0:~", max_size=30))
def test_no_text_leads_out(part: str) -> None:
    joined = safe_join("/srv/site/media", part)
    assert joined is None or joined.is_relative_to("/srv/site/media")


# -- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "password",
        "DB_PASSWORD",
        "api_key",
        "APIKEY",
        "auth-token",
        "HTTP_COOKIE",
        "Authorization",
        "SENTRY_DSN",
        "DATABASE_URL",
        "private_pem",
        "passwd",
        "signature",
        "session_id",
        "JWT_KEY",
        "credentials",
    ],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["DEBUG", "STATIC_URL", "SESSION_COOKIE_NAME", "keyboard", "monkey", "author", "bypass"]
)
def test_other_names_are_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("piece", ["x=[", "x=(", "a='b=\"", "token=", "token=[", "token='x", "://a:", "a" * 50 + "="])
def test_masking_takes_time_that_grows_with_the_text_and_no_more(piece: str) -> None:
    # Were it the square of that, the suite would stand still here.
    text = piece * (2_000_000 // len(piece))
    assert len(scrubbed(text)) > 0


def test_secrets_inside_mappings_are_masked() -> None:
    assert redacted("EMAIL", {"host": "h", "password": "p", "inner": {"token": "t"}}) == {
        "host": "h",
        "password": MASK,
        "inner": {"token": MASK},
    }
