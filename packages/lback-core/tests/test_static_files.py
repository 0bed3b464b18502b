"""Static files: where they are looked for, how they are sent, and that nothing else ever is."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from lback.core.exceptions import ConfigurationError
from lback.core.testing import Client, make_app
from lback.utils.urls import path

JSON = {"Accept": "application/json"}
MIDDLEWARES = ["lback.middlewares.static_files.StaticFilesMiddleware"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A project with static files, and with files beside them that are nobody's business."""
    for name, text in {
        "static/style.css": "body{}",
        "static/js/app.js": "run()",
        "static/.git/config": "secret",
        "static/.env": "secret",
        "static_secret/x.txt": "secret",
        "collected/style.css": "collected{}",
        "settings.py": "SECRET = 1",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.fixture(params=[True, False], ids=["debug", "production"])
def client(request: pytest.FixtureRequest, site: Path) -> Client:
    return client_for(site, DEBUG=request.param)


def client_for(site: Path, **settings: Any) -> Client:
    values = {"BASE_DIR": site, "STATIC_DIRS": ["static"], "MIDDLEWARES": MIDDLEWARES, **settings}
    return Client(make_app([path("/static-page/", lambda request: "page")], **values))


def test_a_file_is_sent_with_its_type_and_length(client: Client) -> None:
    response = client.get("/static/style.css")
    assert (response.status_code, response.text) == (200, "body{}")
    assert response.headers["content-type"] == 'text/css; charset="utf-8"'
    assert response.headers["content-length"] == "6"
    assert client.get("/static/js/app.js").text == "run()"


def test_head_sends_the_headers_alone(client: Client) -> None:
    response = client.head("/static/style.css")
    assert (response.status_code, response.body, response.headers["content-length"]) == (200, b"", "6")


def test_what_has_not_changed_is_not_sent_again(client: Client) -> None:
    known = client.get("/static/style.css").headers
    for header, value in (("If-Modified-Since", known["last-modified"]), ("If-None-Match", known["etag"])):
        response = client.get("/static/style.css", headers={header: value})
        assert (response.status_code, response.body) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [("bytes=0-1", 206, "bo"), ("bytes=-2", 206, "{}"), ("bytes=4-", 206, "{}"), ("bytes=99-", 416, "")],
)
def test_a_part_of_a_file_is_sent_when_asked_for(client: Client, asked: str, status: int, body: str) -> None:
    response = client.get("/static/style.css", headers={"Range": asked})
    assert (response.status_code, response.text) == (status, body)


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=" + ",".join(["0-0"] * 10_000)])
def test_a_part_that_can_not_be_right_is_the_whole_or_refused(client: Client, asked: str) -> None:
    assert client.get("/static/style.css", headers={"Range": asked}).status_code in (200, 416)


def test_a_compressed_variant_is_sent_to_who_takes_it(site: Path) -> None:
    plain = b"body{}" * 100
    (site / "static" / "style.css").write_bytes(plain)
    (site / "static" / "style.css.gz").write_bytes(gzip.compress(plain))
    client = client_for(site)
    response = client.get("/static/style.css", headers={"Accept-Encoding": "gzip"})
    assert (response.headers["content-encoding"], gzip.decompress(response.body)) == ("gzip", plain)
    assert "Accept-Encoding" in response.headers["vary"]
    assert "content-encoding" not in client.get("/static/style.css").headers


def test_a_file_and_its_compressed_variant_have_tags_of_their_own(site: Path) -> None:
    plain = b"body{}" * 100
    (site / "static" / "style.css").write_bytes(plain)
    (site / "static" / "style.css.gz").write_bytes(gzip.compress(plain))
    client = client_for(site)
    tags = [client.get("/static/style.css", headers={"Accept-Encoding": sent}).headers["etag"] for sent in ("", "gzip")]
    assert tags[0] != tags[1]
    headers = {"Accept-Encoding": "gzip", "If-None-Match": tags[0]}
    assert client.get("/static/style.css", headers=headers).status_code == 200


OUTSIDE = [
    "/static/../static_secret/x.txt",
    "/static/%2e%2e%2fstatic_secret/x.txt",
    "/static/..%5cstatic_secret%5cx.txt",
    "/static/../settings.py",
    "/static//etc/passwd",
    "/static/C:%5cx",
    "/static/%5c%5chost%5cshare",
    "/static/.git/config",
    "/static/.env",
    "/static/js/",
    "/static/js",
    "/static/",
    "/static/style.css/",
    "/static//evil.com/..",
    "/static/out.txt",
]


@pytest.mark.parametrize("address", OUTSIDE)
def test_nothing_else_is_ever_sent(client: Client, site: Path, address: str) -> None:
    if not (site / "static" / "out.txt").is_symlink():
        (site / "static" / "out.txt").symlink_to("/etc/hostname")
    response = client.get(address)
    assert (response.status_code, response.location) == (404, "")
    assert "secret" not in response.text.lower()


@pytest.mark.parametrize("name", ["a" * 300, "\u00e9" * 200, "a/" * 3000 + "a"], ids=["long", "bytes", "deep"])
def test_a_name_longer_than_any_file_has_is_a_404(client: Client, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_a_name_with_a_nul_is_a_400(client: Client) -> None:
    assert client.get("/static/style.css%00.txt").status_code == 400


def test_a_link_that_leads_out_is_refused_however_many_folders_there_are(site: Path) -> None:
    (site / "static" / "out.txt").symlink_to("/etc/hostname")
    (site / "static" / "etc").symlink_to("/etc")
    (site / "static" / "broken.css").symlink_to(site / "nowhere.css")
    (site / "static" / "round").symlink_to(site / "static")
    (site / "static" / "inside.css").symlink_to(site / "static" / "style.css")
    (site / "static" / "scripts").symlink_to(site / "static" / "js")
    for debug in (True, False):
        client = client_for(site, STATIC_ROOT="collected", DEBUG=debug)
        for name in ("out.txt", "etc/hostname", "broken.css", "round"):
            assert client.get(f"/static/{name}").status_code == 404
        assert client.get("/static/inside.css").text == "body{}"
        assert client.get("/static/scripts/app.js").text == "run()"


def test_a_name_in_any_language_is_found(site: Path) -> None:
    (site / "static" / "caf\u00e9 1.css").write_text("x")
    for debug in (True, False):
        assert client_for(site, DEBUG=debug).get("/static/caf%C3%A9%201.css").text == "x"


def test_caches_ask_again_in_development_and_after_a_while_in_production(site: Path) -> None:
    ages = [client_for(site, DEBUG=debug).get("/static/style.css").headers["cache-control"] for debug in (True, False)]
    assert ages == ["max-age=0, public", "max-age=60, public"]


def test_outside_and_missing_can_not_be_told_apart(client: Client) -> None:
    outside, missing = (client.get(f"/static/../{name}", headers=JSON) for name in ("settings.py", "nothing.py"))
    assert (outside.status, outside.body) == (missing.status, missing.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_files_are_only_read(client: Client, method: str) -> None:
    response = client.request(method, "/static/style.css")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_a_path_that_only_begins_alike_is_a_view(client: Client) -> None:
    assert client.get("/static-page/").text == "page"


@pytest.mark.parametrize("debug", [True, False])
def test_the_collected_folder_goes_before_the_others(site: Path, debug: bool) -> None:
    client = client_for(site, STATIC_ROOT="collected", DEBUG=debug)
    assert client.get("/static/style.css").text == "collected{}"
    assert client.get("/static/js/app.js").text == "run()"


def test_a_new_file_is_found_at_once_in_development_and_not_in_production(site: Path) -> None:
    clients = [client_for(site, DEBUG=debug) for debug in (True, False)]
    (site / "static" / "new.css").write_text("new")
    assert [client.get("/static/new.css").status_code for client in clients] == [200, 404]


@pytest.mark.parametrize("debug", [True, False])
def test_an_app_brings_files_and_the_project_goes_before_it(
    site: Path, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    folder = site / f"static_app_{debug}" / "static"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    (folder / "style.css").write_text("of the app")
    (folder / "own.css").write_text("own")
    monkeypatch.syspath_prepend(str(site))
    client = client_for(site, INSTALLED_APPS=[f"static_app_{debug}"], DEBUG=debug)
    assert (client.get("/static/style.css").text, client.get("/static/own.css").text) == ("body{}", "own")


def test_a_folder_that_is_not_there_is_no_mistake(site: Path) -> None:
    assert client_for(site, STATIC_ROOT="nowhere", STATIC_DIRS=["none"]).get("/static/a.css").status_code == 404


def test_files_are_closed_when_the_client_goes_away(site: Path) -> None:
    client = client_for(site)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        environ = client._environ("GET", "/static/style.css", b"", "", {})
        client.app(environ, lambda *arguments: lambda data: None).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_address_must_be_a_prefix_of_paths(site: Path) -> None:
    with pytest.raises(ConfigurationError, match="STATIC_URL"):
        client_for(site, STATIC_URL="static")
