"""Uploaded files: kept under names of our own, and sent so that nothing in them can run."""

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, ValidationError
from lback.core.testing import Client, make_app
from lback.core.uploads import UploadedFile
from lback.utils.file_handlers import delete_saved_file, save_uploaded_file, validate_uploaded_file
from lback.utils.urls import path

MIDDLEWARES = ["lback.middlewares.media_files.MediaFilesMiddleware"]
JSON = {"Accept": "application/json"}
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, content in {
        "media/uploads/photo.png": PNG,
        "media/uploads/page.html": b"<script>alert(1)</script>",
        "media/uploads/drawing.svg": b"<svg onload='alert(1)'/>",
        "media/uploads/notes.txt": b"text",
        "media/uploads/paper.pdf": b"%PDF-",
        "media/uploads/.hidden": b"secret",
        "media/uploads_private/k.txt": b"secret",
        "media/exists.txt": b"secret",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path


@pytest.fixture(params=[True, False], ids=["debug", "production"])
def client(request: pytest.FixtureRequest, site: Path) -> Client:
    return Client(
        make_app([path("/", lambda request: "home")], BASE_DIR=site, MIDDLEWARES=MIDDLEWARES, DEBUG=request.param)
    )


class Upload(UploadedFile):
    """Closed when its test is done with it, as the end of a request closes others."""

    def __del__(self) -> None:
        self.close()


def upload(name: str, content: bytes = b"content", kind: str = "application/octet-stream") -> UploadedFile:
    file = Upload(name, kind, "file")
    file.write(content)
    file.seek(0)
    return file


# -- serving ----------------------------------------------------------------------------------------------------------


def test_a_picture_is_shown(client: Client) -> None:
    response = client.get("/media/uploads/photo.png")
    assert (response.status_code, response.body, response.headers["content-type"]) == (200, PNG, "image/png")
    assert "content-disposition" not in response.headers


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "paper.pdf"])
def test_what_could_run_something_is_offered_for_saving(client: Client, name: str) -> None:
    assert client.get(f"/media/uploads/{name}").headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("name", ["photo.png", "page.html", "drawing.svg", "notes.txt"])
def test_nothing_runs_in_an_uploaded_file(client: Client, name: str) -> None:
    headers = client.get(f"/media/uploads/{name}").headers
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_part_and_head_and_an_unchanged_file_are_answered(client: Client) -> None:
    address = "/media/uploads/photo.png"
    assert client.get(address, headers={"Range": "bytes=1-3"}).body == b"PNG"
    assert client.head(address).headers["content-length"] == str(len(PNG))
    etag = client.get(address).headers["etag"]
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    "address",
    ["/media/uploads/../exists.txt", "/media/uploads/%2e%2e/exists.txt", "/media/uploads/../uploads_private/k.txt",
     "/media/uploads/..%5cexists.txt", "/media/uploads//etc/passwd", "/media/uploads/.hidden", "/media/uploads/",
     "/media/uploads", "/media/uploads/out.txt", "/media/uploads/CON", "/media/uploads/nowhere.txt",
     "/media/uploads/" + "a/" * 3000 + "a", "/media/uploads/" + "\u00e9" * 200],
)  # fmt: skip
def test_everything_else_is_the_same_404(client: Client, site: Path, address: str) -> None:
    link = site / "media" / "uploads" / "out.txt"
    if not link.is_symlink():
        link.symlink_to(site / "media" / "exists.txt")
    response, nowhere = (client.get(to, headers=JSON) for to in (address, "/media/uploads/no-such-file"))
    assert (response.status_code, response.body, response.headers) == (404, nowhere.body, nowhere.headers)


def test_nothing_is_changed_by_way_of_the_address(client: Client) -> None:
    response = client.delete("/media/uploads/photo.png")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_other_addresses_are_the_sites_own(client: Client) -> None:
    assert client.get("/").text == "home"


@pytest.mark.parametrize("folder", [".", "", "..", "/"])
def test_a_folder_that_holds_the_project_stops_the_start(site: Path, folder: str) -> None:
    with pytest.raises(ConfigurationError, match="UPLOAD_FOLDER must be a folder for uploads alone"):
        make_app([], BASE_DIR=site, MIDDLEWARES=MIDDLEWARES, UPLOAD_FOLDER=folder)


@pytest.mark.parametrize("url", ["/", "media/", "/media", "https://example.org/"])
def test_an_address_that_is_no_path_stops_the_start(site: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="UPLOAD_URL must be a path"):
        make_app([], BASE_DIR=site, MIDDLEWARES=MIDDLEWARES, UPLOAD_URL=url)


# -- keeping ----------------------------------------------------------------------------------------------------------


def config_for(folder: Path, **settings: Any) -> Config:
    return Config({"BASE_DIR": folder, **settings})


def test_a_file_is_kept_and_found_and_deleted(client: Client, site: Path) -> None:
    config = config_for(site)
    kept = save_uploaded_file(upload("Photo.PNG", PNG), config, "Profile Picture")
    assert kept.startswith("profile_picture/")
    assert kept.endswith(".png")
    assert client.get(f"/media/uploads/{kept}").body == PNG
    assert delete_saved_file(kept, config)
    assert not delete_saved_file(kept, config)


HOSTILE = [
    *("../../x", "..\\..\\x", "&#x2e;&#x2e;/x", "/abs", "", ".", "..", "a/../../b", "a.b/c", "\uff0e\uff0e/x"),
    *("x" * 300 + ".txt", "a\u202etxt.exe", "CON", "nul.txt", "x.\0png", "x.php ", "a.txt::$DATA"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    kept = save_uploaded_file(upload(name), config_for(tmp_path), "../../model")
    root = (tmp_path / "media" / "uploads").resolve()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [file.resolve().is_relative_to(root) for file in files] == [True]
    assert (root / kept).is_file()


@given(st.text(max_size=60), st.text(max_size=20))
def test_of_any_name_at_most_a_harmless_ending_is_kept(name: str, model: str) -> None:
    import re
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        kept = save_uploaded_file(upload(name), config_for(Path(folder)), model)
    assert re.fullmatch(r"[a-z0-9_-]+/\d{4}/\d\d/\d\d/[0-9a-f]{32}(\.[a-z0-9]{1,10})?", kept)


@pytest.mark.parametrize("path_", ["../exists.txt", "/etc/passwd", "..\\exists.txt", "", ".hidden", "a/" * 3000])
def test_nothing_outside_is_deleted(site: Path, path_: str) -> None:
    assert not delete_saved_file(path_, config_for(site))
    assert (site / "media" / "exists.txt").is_file()
    assert (site / "media" / "uploads" / ".hidden").is_file()


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_folders_and_files_have_their_rights_whatever_the_umask_and_how_many_threads(tmp_path: Path) -> None:
    config = config_for(tmp_path, UPLOAD_FOLDER="data/media")
    before = os.umask(0)
    try:
        threads = [
            threading.Thread(target=lambda: save_uploaded_file(upload("a.txt"), config, "model")) for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        os.umask(before)
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (tmp_path / "data").rglob("*")} | {
        (True, stat.S_IMODE((tmp_path / "data").stat().st_mode))
    }
    assert modes == {(True, 0o750), (False, 0o640)}
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 16


def test_half_a_file_does_not_stay(tmp_path: Path) -> None:
    class Breaks(Upload):
        def read(self, size: int = -1) -> bytes:
            if self.file.tell():
                raise OSError("the disk is full")
            return super().read(4)

    file = Breaks("a.txt", "text/plain", "file")
    file.write(b"12345678")
    with pytest.raises(OSError, match="the disk is full"):
        file.save(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first")
    with pytest.raises(FileExistsError):
        upload("a.txt").save(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "first"


@pytest.mark.parametrize(
    ("name", "allowed", "fine"),
    [
        ("a.png", [".png"], True),
        ("a.PNG", ["png"], True),
        ("a.png", ["image/png"], True),
        ("a.png", ["image/*"], True),
        ("a.svg", ["image/*"], False),
        ("a.ico", ["image/*"], False),
        ("a.bmp", ["image/*"], False),
        ("a.tiff", ["image/*"], False),
        ("a.svg", ["image/*", "image/svg+xml"], True),
        ("a.txt", ["text/*"], True),
        ("a.png", ["image/jpeg", ".pdf"], False),
        ("a.exe", ["image/*"], False),
        ("a.png.exe", [".png"], False),
        ("png", ["png"], False),
        ("a.png", [], False),
    ],
)
def test_the_ending_decides_whether_a_file_is_accepted(name: str, allowed: list[str], fine: bool) -> None:
    problem = validate_uploaded_file(upload(name, PNG, "image/png"), allowed)
    assert (problem is None) == fine


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.pdf"])
def test_a_page_that_is_called_a_picture_is_refused(name: str) -> None:
    problem = validate_uploaded_file(upload(name, b"<script>alert(1)</script>", "image/png"))
    assert problem is not None
    assert "is not what its ending" in problem


def test_the_size_is_limited(tmp_path: Path) -> None:
    config = config_for(tmp_path, UPLOAD_MAX_SIZE_MB=0.125, UPLOAD_ALLOWED_TYPES=[".txt"])
    assert save_uploaded_file(upload("a.txt", b"x" * 128 * 1024), config, "m")
    with pytest.raises(ValidationError, match=r"larger than the 0\.125 MB"):
        save_uploaded_file(upload("a.txt", b"x" * (128 * 1024 + 1)), config, "m")
    with pytest.raises(ValidationError, match=r"\.exe"):
        save_uploaded_file(upload("a.exe"), config, "m")
