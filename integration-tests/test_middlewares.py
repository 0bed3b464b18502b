"""Every middleware that the README names, together in one application, in its order and in the reverse."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lback.core.app import Application
from lback.core.request import Request
from lback.core.response import Response
from lback.core.static import collect
from lback.core.testing import Client, make_app
from lback.models.base import Base
from lback.models.database import DatabaseManager
from lback.utils.file_handlers import save_uploaded_file
from lback.utils.shortcuts import render
from lback.utils.urls import path

from .conftest import ROOT

README = (ROOT / "README.md").read_text()
NAMES = re.findall(r"^\| \**`((?:models|middlewares|auth)\.[\w.]+)`\** \|", README, re.MULTILINE)
PAGE = """\
<link rel="stylesheet" href="{{ static('style.css') }}">
<form method="post" enctype="multipart/form-data">{{ csrf_input() }}<input name="name"><input name="photo"></form>
{% for message in messages %}{{ message.message }}{% endfor %}
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


def show(request: Request) -> Response:
    return render(request, "page.html")


def keep(request: Request) -> dict[str, object]:
    request.session["name"] = request.form["name"]
    request.session.set_flash(f"Hello {request.form['name']}")
    kept = save_uploaded_file(request.files["photo"], request.config, "photo")
    return {
        "address": request.config.UPLOAD_URL + kept,
        "user": bool(request.user),
        "parsed": request.parsed_body["name"],
    }


@pytest.fixture(params=["as listed", "the other way round"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(PAGE)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "style.css").write_text("p { color: red }")
    collect(tmp_path / "static", [tmp_path / "static"], "/static/")
    middlewares = [f"lback.{name}" for name in NAMES]
    if request.param == "the other way round":
        # The database and the session are what others need, wherever they stand.
        needed = ("SQLAlchemySession", "SessionMiddleware")
        middlewares.sort(key=lambda name: (not any(word in name for word in needed), -NAMES.index(name[6:])))
        middlewares[:2] = [name for name in middlewares[:2] if "SQL" in name] + [
            name for name in middlewares[:2] if "SQL" not in name
        ]
    app = make_app(
        [path("/", show, name="home"), path("/keep/", keep, ["POST"])],
        BASE_DIR=tmp_path,
        INSTALLED_APPS=["sessions", "auth_app"],
        MIDDLEWARES=middlewares,
        STATIC_ROOT="static",
        STATIC_DIRS=["static"],
    )
    database = app.container.get(DatabaseManager)
    Base.metadata.create_all(database.engine)
    yield app
    database.dispose()


def test_the_readme_names_all_fifteen() -> None:
    seed_order = [name.rpartition(".")[2] for name in NAMES]
    assert len(seed_order) == len(set(seed_order)) == 15


def test_a_page_a_form_a_file_and_a_style_sheet_come_through_all_of_them(app: Application) -> None:
    client = Client(app)
    page = client.get("/")
    assert page.status_code == 200
    address = re.findall(r'href="([^"]+)"', page.text)[0]
    style = client.get(address)
    assert (style.text, "immutable" in style.headers["cache-control"]) == ("p { color: red }", True)
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]
    data = {"csrfmiddlewaretoken": token, "name": "Ada"}
    kept = client.post("/keep/", data, files={"photo": ("me.png", PNG)})
    assert (kept.status_code, kept.json()["user"], kept.json()["parsed"]) == (200, False, "Ada")
    assert client.get(kept.json()["address"]).body == PNG
    assert "Hello Ada" in client.get("/").text


@pytest.mark.parametrize(
    ("method", "address", "data", "status"),
    [
        ("GET", "/nowhere/", None, 404),
        ("POST", "/keep/", {"name": "x"}, 403),
        ("GET", "/?q=1%27%20OR%201=1%20--", None, 400),
        ("DELETE", "/", None, 405),
        ("GET", "/static/../settings.py", None, 404),
    ],
)
def test_a_refusal_carries_what_every_response_does(
    app: Application, method: str, address: str, data: dict[str, str] | None, status: int
) -> None:
    response = Client(app).request(method, address, data=data)
    assert response.status_code == status
    for header in ("content-security-policy", "x-request-id", "x-content-type-options"):
        assert header in response.headers
