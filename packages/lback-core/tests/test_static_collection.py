"""``collectstatic``'s engine: hashed names, references to them, and folders that are source and target at once."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.static import MANIFEST, Manifest, collect
from lback.core.testing import Client, make_app
from lback.utils.static_files import find_static_file, static
from lback.utils.urls import path

STYLE = """\
@import "base.css";
body { background: url("../img/back.png?v=1#x") }
a { cursor: url(data:image/png;base64,AA) }
"""


def write(folder: Path, **files: str | bytes) -> Path:
    """Write files; of their names ``__`` is a slash and ``_`` a dot."""
    for key, content in files.items():
        file = folder / key.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of a project as the README has it: STATIC_ROOT is also in STATIC_DIRS."""
    write(
        tmp_path / "static",
        css__style_css=STYLE,
        css__base_css="p { color: red }\n",
        img__back_png=b"\x89PNG",
        js__app_js="run()\n" * 100,
    )
    write(tmp_path / "app" / "static", admin__admin_css="div { }\n", css__base_css="shadowed by the project's own")
    return tmp_path


def run(project: Path, **options: Any) -> Any:
    sources = [project / "static", project / "app" / "static"]
    return collect(project / "static", sources, "/static/", **options)


def names(project: Path) -> set[str]:
    root = project / "static"
    return {file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()}


def contents(project: Path) -> dict[str, bytes]:
    return {name: (project / "static" / name).read_bytes() for name in names(project)}


def test_every_file_gets_a_second_name_with_its_hash(project: Path) -> None:
    report = run(project)
    files = Manifest.read(project / "static").files
    assert set(files) == {"css/style.css", "css/base.css", "img/back.png", "js/app.js", "admin/admin.css"}
    for name, hashed in files.items():
        stem, ending = name.rsplit(".", 1)
        assert re.fullmatch(rf"{stem}\.[0-9a-f]{{12}}\.{ending}", hashed)
    assert (report.copied, len(report.hashed)) == (["admin/admin.css"], 5)
    assert (project / "static" / files["css/base.css"]).read_text() == "p { color: red }\n"


def test_references_in_style_sheets_lead_to_the_hashed_names(project: Path) -> None:
    run(project)
    files = {name: hashed.rsplit("/", 1)[-1] for name, hashed in Manifest.read(project / "static").files.items()}
    text = (project / "static" / "css" / files["css/style.css"]).read_text()
    assert f'@import "{files["css/base.css"]}"' in text
    assert f'url("../img/{files["img/back.png"]}?v=1#x")' in text
    assert "url(data:image/png;base64,AA)" in text


def test_a_style_sheet_has_another_name_when_what_it_refers_to_changes(project: Path) -> None:
    run(project)
    before = Manifest.read(project / "static").files["css/style.css"]
    write(project / "static", img__back_png=b"\x89PNG other")
    run(project)
    assert Manifest.read(project / "static").files["css/style.css"] != before


def test_running_it_again_changes_nothing(project: Path) -> None:
    run(project)
    before = contents(project)
    report = run(project)
    assert (report.copied, report.hashed, contents(project)) == ([], [], before)


@pytest.mark.parametrize("after", range(1, 12))
def test_a_run_that_was_cut_off_leaves_nothing_that_the_next_takes_for_a_source(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    import shutil

    whole = tmp_path_factory.mktemp("whole") / "project"
    shutil.copytree(project, whole)
    run(whole)
    real, calls = Path.replace, 0

    def replace(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls > after:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    try:
        run(project)
    except KeyboardInterrupt:
        monkeypatch.undo()
        run(project)
    assert contents(project) == contents(whole)


def test_a_newer_version_of_an_app_replaces_what_was_copied_of_the_older(project: Path) -> None:
    run(project)
    write(project / "app" / "static", admin__admin_css="div { color: blue }\n")
    run(project)
    assert (project / "static" / "admin" / "admin.css").read_text() == "div { color: blue }\n"


def test_what_the_project_changed_of_a_copied_file_is_the_projects_own_from_then_on(project: Path) -> None:
    run(project)
    write(project / "static", admin__admin_css="div { color: green }\n")
    run(project)
    assert (project / "static" / "admin" / "admin.css").read_text() == "div { color: green }\n"


def test_clearing_deletes_what_earlier_runs_made_and_nothing_else(project: Path) -> None:
    run(project)
    old = Manifest.read(project / "static").files["js/app.js"]
    write(project / "static", js__app_js="changed()\n" * 100)
    (project / "app" / "static" / "admin" / "admin.css").unlink()
    assert run(project).removed == []
    assert old in names(project)
    assert set(run(project, clear=True).removed) >= {old, "admin/admin.css"}
    assert (old in names(project), f"{old}.gz" in names(project)) == (False, False)
    assert {"css/style.css", "js/app.js"} <= names(project)
    assert run(project, clear=True).removed == []


def test_a_dry_run_says_what_would_be_done_and_does_nothing(project: Path) -> None:
    before = contents(project)
    report = run(project, dry_run=True)
    assert (len(report.hashed), report.copied, contents(project)) == (5, ["admin/admin.css"], before)


def test_text_is_compressed_too(project: Path) -> None:
    run(project)
    hashed = Manifest.read(project / "static").files["js/app.js"]
    assert gzip.decompress((project / "static" / f"{hashed}.gz").read_bytes()) == b"run()\n" * 100


def test_a_reference_to_nothing_is_kept_and_reported(project: Path) -> None:
    write(project / "static", css__style_css="a { background: url(../img/nowhere.png) }")
    assert run(project).dangling == [("css/style.css", "../img/nowhere.png")]
    hashed = Manifest.read(project / "static").files["css/style.css"]
    assert "../img/nowhere.png" in (project / "static" / hashed).read_text()


def test_style_sheets_may_import_each_other(tmp_path: Path) -> None:
    write(tmp_path / "static", a_css='@import "b.css";', b_css='@import "a.css";')
    sources = [tmp_path / "static"]
    collect(tmp_path / "out", sources, "/static/")
    before = Manifest.read(tmp_path / "out").files
    collect(tmp_path / "out", sources, "/static/")
    assert Manifest.read(tmp_path / "out").files == before


@pytest.mark.parametrize("spelling", ["link", "app/../static"])
def test_clearing_spares_the_projects_files_however_the_target_is_spelled(project: Path, spelling: str) -> None:
    (project / "link").symlink_to(project / "static")
    before = contents(project)
    for _ in range(2):
        collect(project / spelling, [project / "static", project / "app" / "static"], "/static/", clear=True)
    assert before.items() <= contents(project).items()
    assert run(project, clear=True).removed == []


@pytest.mark.parametrize(("source", "target"), [("static", "static/out"), ("static/vendor", "static")])
def test_a_target_and_a_source_that_lie_one_in_the_other_are_refused(tmp_path: Path, source: str, target: str) -> None:
    write(tmp_path / source, a_css="a { }")
    with pytest.raises(ConfigurationError, match="lie one in the other"):
        collect(tmp_path / target, [tmp_path / source], "/static/")
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == {"a.css"}


def test_a_link_that_leads_out_of_its_folder_is_left_out_and_reported(tmp_path: Path) -> None:
    write(tmp_path, secret_txt="secret")
    link = write(tmp_path / "static", a_txt="text") / "out.txt"
    link.symlink_to(tmp_path / "secret.txt")
    (tmp_path / "static" / "inside.txt").symlink_to(tmp_path / "static" / "a.txt")
    report = collect(tmp_path / "out", [tmp_path / "static"], "/static/")
    assert (report.copied, report.outside) == (["a.txt", "inside.txt"], [str(link)])
    assert not (tmp_path / "out" / "out.txt").exists()


def test_a_compressed_variant_that_came_with_a_file_is_kept(tmp_path: Path) -> None:
    vendors = gzip.compress(b"run()\n" * 100, mtime=1)
    write(tmp_path / "static", app_js="run()\n" * 100, app_js_gz=vendors)
    collect(tmp_path / "out", [tmp_path / "static"], "/static/")
    assert (tmp_path / "out" / "app.js.gz").read_bytes() == vendors


@pytest.mark.parametrize(
    "reference", ['url("a b.png")', "url('a b.png')", 'url( "a%20b.png" )', "url(a%20b.png#x)", '@import "a b.png"']
)
def test_a_name_with_a_space_is_found_quoted_or_escaped(tmp_path: Path, reference: str) -> None:
    (write(tmp_path / "static", a_css=reference) / "a b.png").write_bytes(b"\x89PNG")
    assert collect(tmp_path / "out", [tmp_path / "static"], "/static/").dangling == []
    files = Manifest.read(tmp_path / "out").files
    expected = re.sub("a( |%20)b.png", files["a b.png"].replace(" ", "%20"), reference)
    assert (tmp_path / "out" / files["a.css"]).read_text() == expected


def test_hidden_files_are_left_where_they_are(tmp_path: Path) -> None:
    for name in (".env", ".git/config", "a/.secret"):
        (tmp_path / "static" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "static" / name).write_text("secret")
    collect(tmp_path / "out", [tmp_path / "static"], "/static/")
    assert {path.name for path in (tmp_path / "out").rglob("*")} == {MANIFEST}


def test_a_reference_out_of_the_folder_is_no_file_of_it(tmp_path: Path) -> None:
    write(tmp_path, secret_png=b"secret")
    write(tmp_path / "static", a_css="a { background: url(../secret.png) }")
    assert collect(tmp_path / "out", [tmp_path / "static"], "/static/").dangling == [("a.css", "../secret.png")]


def test_a_garbled_manifest_says_what_to_do(project: Path) -> None:
    (project / "static" / MANIFEST).write_text("{")
    with pytest.raises(ConfigurationError, match="Delete it and run collectstatic again"):
        run(project)


@given(st.text(max_size=200))
def test_any_style_sheet_is_collected(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in"
        source.mkdir()
        (source / "a.css").write_text(text, encoding="utf-8", errors="replace")
        collect(Path(folder) / "out", [source], "/static/")


def test_a_long_style_sheet_without_an_end_takes_time_that_grows_with_it(tmp_path: Path) -> None:
    write(tmp_path / "static", a_css="url(" * 200_000 + "@import '" * 200_000)
    collect(tmp_path / "out", [tmp_path / "static"], "/static/")


# -- what templates and browsers get of it ----------------------------------------------------------------------------


def site(project: Path, **settings: Any) -> Any:
    values = {"BASE_DIR": project, "STATIC_ROOT": "static", "STATIC_DIRS": ["static"], **settings}
    values["MIDDLEWARES"] = ["lback.middlewares.static_files.StaticFilesMiddleware"]
    return make_app([path("/", lambda request: "home")], **values)


def test_templates_get_the_hashed_names_with_debug_off(project: Path) -> None:
    run(project)
    hashed = Manifest.read(project / "static").files["css/style.css"]
    assert site(project).templates.static("css/style.css") == f"/static/{hashed}"
    assert site(project).templates.static("/css/style.css") == f"/static/{hashed}"
    assert site(project, DEBUG=True).templates.static("css/style.css") == "/static/css/style.css"


def test_a_file_that_was_not_collected_keeps_its_name(project: Path) -> None:
    assert site(project).templates.static("css/style.css") == "/static/css/style.css"
    run(project)
    assert site(project).templates.static("later.css") == "/static/later.css"


@pytest.mark.parametrize("debug", [True, False])
def test_browsers_may_keep_a_hashed_name_for_ever_and_no_other(project: Path, debug: bool) -> None:
    run(project)
    hashed = Manifest.read(project / "static").files["css/base.css"]
    client = Client(site(project, DEBUG=debug))
    kept = client.get(f"/static/{hashed}")
    assert (kept.text, "immutable" in kept.headers["cache-control"]) == ("p { color: red }\n", True)
    assert "immutable" not in client.get("/static/css/base.css").headers["cache-control"]


def test_the_manifest_is_not_served(project: Path) -> None:
    run(project)
    assert Client(site(project)).get(f"/static/{MANIFEST}").status_code == 404
    assert json.loads((project / "static" / MANIFEST).read_text())["files"]


def test_code_finds_the_source_of_a_static_file(project: Path) -> None:
    config = Config({"BASE_DIR": project, "STATIC_DIRS": ["static"]})
    assert find_static_file(config, "css/base.css") == project / "static" / "css" / "base.css"
    assert find_static_file(config, "../app/static/admin/admin.css") is None
    assert static(config, "css/a b.css") == "/static/css/a%20b.css"
