"""The examples of the package's README, run as printed."""

import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from lback.core.mail import EmailSender
from lback.core.signals import SIGNALS
from lback.core.testing import Client, make_app
from lback.utils.shortcuts import render
from lback.utils.urls import path

README = Path(__file__).resolve().parent.parent / "README.md"


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    """What the blocks of Python define, run one after the other."""
    namespace: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SECRET_KEY", "a-key-for-tests-alone-0123456789-abcdefghij")
        for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
            exec(block, namespace)
    # Connected by the example; other tests shall not be heard.
    namespace["dispatcher"].disconnect("error_response_generated", namespace["on_error"])
    return namespace


def test_the_application_and_its_test_run_as_printed(examples: dict[str, Any]) -> None:
    examples["test_greeting"]()


def test_the_routes_run_as_printed(examples: dict[str, Any]) -> None:
    client = Client(make_app(examples["ROUTES"], MIDDLEWARES=[]))
    assert client.get("/courses/tea/2/").json() == {"here": "/courses/tea/", "slug": "tea"}


def test_the_responses_run_as_printed(examples: dict[str, Any]) -> None:
    client = Client(make_app([path("/", examples["answers"]), path("/lines/", examples["lines"])], MIDDLEWARES=[]))
    assert (client.get("/").status_code, client.cookies["theme"]) == (201, "dark")
    assert client.get("/lines/").text == "0\n1\n2\n"


@pytest.mark.parametrize(("down", "status"), [(True, 503), (False, 200)])
def test_the_middleware_runs_as_printed(
    examples: dict[str, Any], down: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("shop.middlewares")
    module.Maintenance = examples["Maintenance"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shop", types.ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.middlewares", module)
    app = make_app([path("/", lambda request: "x")], MIDDLEWARES=examples["MIDDLEWARES"], DOWN=down)
    answer = Client(app).get("/")
    assert (answer.status_code, answer.headers["x-served-by"]) == (status, "Lback")


def test_the_upload_runs_as_printed(examples: dict[str, Any], tmp_path: Path) -> None:
    app = make_app(
        [path("/", examples["upload"], ["POST"])],
        BASE_DIR=tmp_path,
        MIDDLEWARES=["lback.middlewares.media_files.MediaFilesMiddleware"],
    )
    client = Client(app)
    picture = b"\x89PNG\r\n\x1a\n..."
    address = client.post("/", files={"photo": ("me.png", picture)}).json()["address"]
    assert client.get(address).body == picture


def test_the_receiver_of_a_signal_runs_as_printed(examples: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    listening = ("error_response_generated", examples["on_error"])
    examples["dispatcher"].connect(*listening)
    try:
        Client(make_app([], MIDDLEWARES=[])).get("/nowhere/")
    finally:
        examples["dispatcher"].disconnect(*listening)
    assert capsys.readouterr().out == "404 /nowhere/\n"


def test_the_table_of_signals_is_the_declared_list() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", README.read_text(), re.MULTILINE)
    listed = {name: (set(re.findall(r"`(\w+)`", arguments)), doc) for name, arguments, doc in rows}
    declared = {signal.name: (set(signal.kwargs), signal.doc) for signal in SIGNALS}
    assert {name: listed.get(name) for name in declared} == declared


def test_the_view_with_a_cache_runs_as_printed(examples: dict[str, Any]) -> None:
    client = Client(make_app([path("/", examples["bestsellers"])]))
    answers = [client.get("/").json() for _ in range(2)]
    assert answers == [{"titles": ["Tea", "Coffee"], "visits": 1}, {"titles": ["Tea", "Coffee"], "visits": 2}]


def test_the_guards_run_with_the_settings_as_printed(examples: dict[str, Any]) -> None:
    app = make_app(
        [path("/export/", examples["export"]), path("/sign-in/", examples["sign_in"], ["POST"])],
        MIDDLEWARES=[
            examples["CORS"],
            "lback.middlewares.firewall.FirewallMiddleware",
            "lback.middlewares.rate_limiting.RateLimitingMiddleware",
            "lback.middlewares.sql_injection_detection.SQLInjectionDetectionMiddleware",
        ],
        FIREWALL_SETTINGS=examples["FIREWALL_SETTINGS"],
        RATE_LIMITING_SETTINGS=examples["RATE_LIMITING_SETTINGS"],
    )
    client = Client(app)
    answer = client.get("/export/", headers={"Origin": "https://app.example.org"})
    assert (answer.text, answer.headers["ratelimit-remaining"]) == ("a, b, c", "99")
    assert client.get("/export/?q=1%20OR%201=1").status_code == 400
    assert client.get("/wp-admin/").status_code == 403
    assert client.post("/sign-in/", {"name": "Ada"}).text == "Welcome"


def test_messages_are_shown_as_printed(examples: dict[str, Any], tmp_path: Path) -> None:
    (loop,) = re.findall(r"`({% for message in messages %}.*?{% endfor %})`", README.read_text())
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(loop)
    routes = [path("/", lambda request: render(request, "page.html")), path("/save/", examples["save"])]
    assert Client(make_app(routes, BASE_DIR=tmp_path)).get("/save/", follow=True).text == "success: Saved."


def test_the_view_that_sends_mail_runs_as_printed(examples: dict[str, Any]) -> None:
    app = make_app([path("/", examples["register"], ["POST"])])
    assert Client(app).csrf_post("/", {"email": "ada@example.org"}).text == "Look into your mailbox."
    (message,) = app.container.get(EmailSender).outbox
    assert (message["To"], message["Subject"]) == ("ada@example.org", "Welcome")


def test_the_commands_for_translations_run_as_printed(tmp_path: Path) -> None:
    (block,) = re.findall(r"```bash\n(echo .*?)```", README.read_text(), re.DOTALL)
    programs = Path(sys.executable).parent
    if shutil.which("pybabel", path=str(programs)) is None:
        pytest.skip("pybabel is not beside the interpreter")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("{{ _('Hello %(name)s', name='Ada') }}")
    *before, compiling = block.strip().splitlines()
    environ = {"PATH": f"{programs}:/usr/bin:/bin"}
    for command in before:
        subprocess.run(command, shell=True, cwd=tmp_path, env=environ, check=True, capture_output=True)
    texts = tmp_path / "locale/de/LC_MESSAGES/messages.po"
    texts.write_text(re.sub(r'(msgid "Hello %\(name\)s"\nmsgstr )""', r'\1"Hallo %(name)s"', texts.read_text()))
    subprocess.run(compiling, shell=True, cwd=tmp_path, env=environ, check=True, capture_output=True)
    assert make_app([], BASE_DIR=tmp_path, LOCALE="de").templates.render("page.html") == "Hallo Ada"
