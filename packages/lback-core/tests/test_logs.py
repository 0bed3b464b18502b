"""Logging: the request that a record belongs to, lines that can't be forged, and what is never in them."""

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.logs import JSONFormatter, RequestFilter, TextFormatter, configure_logging
from lback.core.request import Request
from lback.core.response import FileResponse, Response, StreamingResponse
from lback.core.signals import SignalDispatcher
from lback.core.testing import Client, make_app
from lback.security.printable import masked_query, printable
from lback.utils.urls import path

LOGGING = ["lback.middlewares.logging.LoggingMiddleware"]


class Log:
    """What a handler on the root logger wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.addFilter(RequestFilter())
        self.handler.setFormatter(TextFormatter())

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    root = logging.getLogger()
    level = root.level
    root.addHandler(log.handler)
    root.setLevel(logging.INFO)
    yield log
    root.removeHandler(log.handler)
    root.setLevel(level)


def says(request: Request) -> str:
    logging.getLogger("shop").info("in the view")
    return "x"


def fails(request: Request) -> str:
    raise RuntimeError("on purpose\n2026-01-01T00:00:00.000Z INFO shop [-] forged")


def site(**settings: Any) -> Client:
    routes = [
        path("/", says, ["GET", "POST"]),
        path("/fails/", fails),
        path("/reset/{token}/", lambda request, token: "x"),
        path("/stream/", lambda request: StreamingResponse(["a", "b"])),
        path("/item/{name}/", lambda request, name: Response("", 404)),
    ]
    return Client(make_app(routes, **{"MIDDLEWARES": LOGGING, **settings}))


def error_record(error: Exception) -> logging.LogRecord:
    return logging.LogRecord("shop", logging.ERROR, "", 0, "failed", (), (type(error), error, None))


# -- the id of a request ----------------------------------------------------------------------------------------------


def test_every_record_of_a_request_has_its_id_and_the_response_too(log: Log) -> None:
    response = site().get("/")
    given = response.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", given)
    assert len(log.lines) == 2
    assert all(f"[{given}]" in line for line in log.lines)


def test_every_request_has_another_id() -> None:
    client = site()
    assert len({client.get("/").headers["x-request-id"] for _ in range(20)}) == 20


def test_outside_of_a_request_there_is_none(log: Log) -> None:
    logging.getLogger("shop").info("by itself")
    assert " INFO shop [-] by itself" in log.text


def test_the_id_that_a_trusted_proxy_gave_is_kept() -> None:
    response = site(TRUSTED_PROXIES=1).get("/", headers={"X-Request-ID": "edge:1-a.B_2"})
    assert response.headers["x-request-id"] == "edge:1-a.B_2"


def test_the_id_that_a_client_chose_is_not_taken() -> None:
    assert site().get("/", headers={"X-Request-ID": "chosen"}).headers["x-request-id"] != "chosen"


@pytest.mark.parametrize("sent", ["", "a b", "a\tb", "x" * 129, "\xe4", "a,b", "<b>", "a\x1b[2J", '"'])
def test_an_id_that_is_none_is_not_taken_even_from_a_proxy(sent: str) -> None:
    response = site(TRUSTED_PROXIES=1).get("/", environ={"HTTP_X_REQUEST_ID": sent})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


# -- one line a request -----------------------------------------------------------------------------------------------


def test_a_request_is_one_line(log: Log) -> None:
    site().get("/item/tea/?page=2", environ={"REMOTE_ADDR": "203.0.113.7"})
    (line,) = log.lines
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO lback\.access \[[0-9a-f]{32}\] "
        r"GET /item/tea/\?page=2 404 \d+\.\dms 0B ip=203\.0\.113\.7 user=-",
        line,
    )


def test_the_size_of_a_body_is_told_where_it_is_known(log: Log) -> None:
    client = site()
    client.get("/")
    client.request("HEAD", "/")
    client.get("/stream/")
    assert re.findall(r" (\S+) ip", log.text) == ["1B", "0B", "-"]


def test_the_user_is_told_and_not_looked_up_for_it(log: Log) -> None:
    class User:
        id = 7

    looked_up: list[int] = []

    def load(request: Request) -> User:
        looked_up.append(1)
        return User()

    app = make_app([path("/", lambda request: str(request.user.id)), path("/x/", says)], MIDDLEWARES=LOGGING)
    app.container.add_request(User, load, name="user")
    client = Client(app)
    client.get("/x/")
    assert looked_up == []
    client.get("/")
    assert re.findall(r"user=(\S+)", log.text) == ["-", "7"]


def test_a_request_that_was_refused_before_it_came_to_a_middleware_has_its_line_too(log: Log) -> None:
    site().get("/", environ={"HTTP_HOST": "evil.example"})
    assert re.search(r"GET / 400 - \d+B ip=127\.0\.0\.1 user=-$", log.lines[-1])


def test_an_error_is_logged_with_its_traceback_and_the_line_of_its_request(log: Log) -> None:
    site().get("/fails/")
    assert "RuntimeError: on purpose" in log.text
    assert re.search(r"GET /fails/ 500 ", log.lines[-1])


def test_the_line_is_not_made_where_nobody_would_read_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("lback.access"), "level", logging.WARNING)
    logging.getLogger("lback.access").manager._clear_cache()  # type: ignore[attr-defined]
    try:
        assert site().get("/").headers["x-request-id"]
        assert "lback.access" not in log.text
    finally:
        monkeypatch.undo()
        logging.getLogger("lback.access").manager._clear_cache()  # type: ignore[attr-defined]


class Full(logging.Handler):
    """A handler whose disk is full."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("No space left on device")


def test_a_handler_that_fails_takes_no_page_away(log: Log) -> None:
    full = Full()
    logging.getLogger("lback.access").addHandler(full)
    try:
        assert site().get("/").status_code == 200
    finally:
        logging.getLogger("lback.access").removeHandler(full)


@pytest.fixture
def full(log: Log) -> Iterator[None]:
    """A root logger with a handler that fails."""
    handler = Full()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


def test_a_handler_that_fails_turns_no_refusal_into_an_error(full: None) -> None:
    visitor = Client(make_app([path("/", says, ["POST"])], MIDDLEWARES=["lback.middlewares.csrf.CSRFMiddleware"]))
    assert visitor.post("/").status_code == 403
    assert visitor.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_a_handler_that_fails_keeps_nothing_from_being_given_back(full: None) -> None:
    given_back = []

    def view(request: Request) -> str:
        request.on_close(lambda: given_back.append("first"))
        request.on_close(lambda: 1 / 0)
        return ""

    assert Client(make_app([path("/", view)], MIDDLEWARES=[])).get("/").status_code == 200
    assert given_back == ["first"]


def test_a_handler_that_fails_keeps_no_receiver_waiting(full: None) -> None:
    signals = SignalDispatcher()
    signals.connect("shop", lambda sender: 1 / 0)
    signals.connect("shop", lambda sender: "heard")
    assert [result for _, result in signals.send("shop")][1] == "heard"


def test_the_bytes_of_a_file_are_counted(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x" * 1000)
    visitor = Client(make_app([path("/", lambda request: FileResponse(file))], MIDDLEWARES=LOGGING))
    etag = visitor.get("/").headers["etag"]
    visitor.get("/", headers={"Range": "bytes=0-9"})
    visitor.get("/", headers={"If-None-Match": etag})
    visitor.head("/")
    assert [re.search(r"[0-9]+B", line)[0] for line in log.lines] == ["1000B", "10B", "0B", "0B"]  # type: ignore[index]


# -- forged lines and secrets -----------------------------------------------------------------------------------------

ATTACKS = [
    "a\r\nINFO forged",
    "a\nforged",
    "a\x0bforged",
    "a\x85forged",
    "a\u2028forged",
    "a\x1b[2J\x1b[31m",
    "a\u202etxt.exe",
    "a\u2066b\u200b",
    "a\0b",
    "a\x7fb",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_client_sends_forges_no_line(log: Log, attack: str) -> None:
    raw = attack.encode().decode("latin-1")
    environ = {"PATH_INFO": f"/item/{raw}/", "QUERY_STRING": f"q={raw}", "HTTP_USER_AGENT": raw, "HTTP_ORIGIN": raw}
    site().get("/", environ=environ)
    access = [line for line in log.text.split("\n") if "lback.access" in line]
    assert len(access) == 1
    assert log.text.replace("\n", "").isprintable()
    assert len(log.lines) == log.text.count("\n")


def test_the_line_of_a_request_forges_nothing_in_a_log_that_escapes_nothing(log: Log) -> None:
    """An application that is embedded in something else is logged as that does it."""
    log.handler.setFormatter(logging.Formatter("%(message)s"))
    site().get("/", environ={"PATH_INFO": "/item/a\nforged\x1b[2J/", "REQUEST_METHOD": "GET"})
    (line,) = log.lines
    assert line.isprintable()


@given(st.text())
def test_whatever_it_was_printable_text_is_one_line_without_effects(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize("formatter", [TextFormatter(), JSONFormatter()])
@given(st.text())
@example("\x7f\x85\u2028\n")
def test_a_message_is_one_line_whatever_it_holds(formatter: logging.Formatter, text: str) -> None:
    record = logging.LogRecord("shop", logging.INFO, "", 0, "%s", (text,), None)
    line = formatter.format(record)
    assert "\n" not in line
    assert line.isprintable()


def test_a_traceback_begins_no_line_of_its_own(log: Log) -> None:
    site(MIDDLEWARES=[]).get("/fails/")
    assert "forged" in log.text
    assert [line for line in log.lines if not line.startswith("    ")] == [log.lines[0]]


def test_a_traceback_that_another_handler_wrote_first_is_indented_too(log: Log) -> None:
    record = error_record(RuntimeError("on purpose\nforged"))
    before = logging.Formatter().format(record)
    assert "\n    forged" in TextFormatter().format(record)
    assert logging.Formatter().format(record) == before


def test_values_of_secret_names_are_not_in_the_address(log: Log) -> None:
    secrets_sent = "token=s3cr3t1&page=2&Password=s3cr3t2&api%5Fkey=s3cr3t3&code=s3cr3t4&b="
    site().get(f"/?{secrets_sent}")
    site().get("/reset/s3cr3t5/")
    assert "s3cr3t" not in log.text
    assert "GET /?token=********&page=2&Password=********&api%5Fkey=********&code=********&b= 200" in log.text
    assert "GET /reset/********/ 200" in log.text


def test_neither_cookies_nor_credentials_nor_bodies_are_logged(log: Log) -> None:
    headers = {"Cookie": "session_id=s3cr3t", "Authorization": "Bearer s3cr3t", "X-CSRF-Token": "s3cr3t"}
    site().post("/", {"password": "s3cr3t"}, headers=headers)
    site(MIDDLEWARES=[*LOGGING, "lback.middlewares.csrf.CSRFMiddleware"]).post("/", {"a": "s3cr3t"}, headers=headers)
    assert "s3cr3t" not in log.text


def test_a_long_address_makes_no_long_line(log: Log) -> None:
    site().get("/item/" + "x" * 5000 + "/?" + "y" * 50_000)
    assert len(log.text) < 2300


@given(st.text())
def test_masking_a_query_changes_nothing_else(query: str) -> None:
    masked = masked_query(query)
    assert masked.count("&") == query.count("&")
    assert masked_query(masked) == masked


# -- refusals ---------------------------------------------------------------------------------------------------------


def refused(log: Log) -> str:
    (line,) = [line for line in log.lines if " lback.security " in line]
    return line


def test_a_request_without_a_token_is_one_record(log: Log) -> None:
    client = site(MIDDLEWARES=[*LOGGING, "lback.middlewares.csrf.CSRFMiddleware"])
    response = client.post("/", {"a": "1"}, environ={"REMOTE_ADDR": "203.0.113.7"})
    assert response.status_code == 403
    line = refused(log)
    assert " WARNING lback.security [" + response.headers["x-request-id"] + "] " in line
    assert "Refused 'POST' '/' from 203.0.113.7: The form is out of date" in line


def test_a_host_that_is_not_ours_is_one_record(log: Log) -> None:
    environ = {"HTTP_HOST": "evil.example\x1b[2J" + "x" * 5000, "REMOTE_ADDR": "203.0.113.7"}
    assert site().get("/", environ=environ).status_code == 400
    line = refused(log)
    assert r"Refused the host 'evil.example\x1b[2Jxxx" in line
    assert "asked for by 203.0.113.7." in line
    assert len(line) < 400


# -- settings ---------------------------------------------------------------------------------------------------------

PROJECT = """
import logging
import sys
from pathlib import Path
from lback.core.app import Application
from lback.core.testing import Client

Path("urls_of_it.py").write_text('''
import logging
from lback.utils.urls import path

def view(request):
    logging.getLogger("shop").info("in the view")
    logging.getLogger("shop").debug("in detail")
    return "x"

urlpatterns = [path("/", view)]
''')
Path("settings.py").write_text(sys.argv[1])
Client(Application.from_project("."), host="localhost").get("/")
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], str]:
    """Run a project with the given settings in a process of its own, and return what it wrote to its error output."""

    def run(settings: str) -> str:
        text = f"DEBUG = True\nROOT_URLCONF = 'urls_of_it'\nMIDDLEWARES = {LOGGING!r}\n{settings}"
        command = [sys.executable, "-c", PROJECT, text]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stderr

    return run


def test_a_project_logs_to_its_error_output(project: Callable[[str], str]) -> None:
    first, second = project("").splitlines()
    assert re.search(r" INFO shop \[([0-9a-f]{32})\] in the view$", first)
    assert " INFO lback.access [" in second


def test_the_level_of_a_project_can_be_set(project: Callable[[str], str]) -> None:
    assert project("LOGGING_LEVEL = 'warning'") == ""
    assert "in detail" in project("LOGGING_LEVEL = 'DEBUG'")


def test_a_project_can_log_json(project: Callable[[str], str]) -> None:
    view, access = map(json.loads, project("LOGGING_FORMAT = 'json'").splitlines())
    assert view["message"] == "in the view"
    assert (access["level"], access["logger"]) == ("INFO", "lback.access")
    assert access["request_id"] == view["request_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", access["time"])
    assert (access["method"], access["path"], access["status"], access["bytes"]) == ("GET", "/", 200, 1)
    assert access["duration_ms"] >= 0
    assert (access["ip"], access["user_id"]) == ("127.0.0.1", None)


def test_logging_can_be_configured_as_a_dictionary(project: Callable[[str], str]) -> None:
    settings = """LOGGING = {
        "formatters": {"short": {"format": "%(request_id)s|%(name)s|%(message)s"}},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "short"}},
        "loggers": {"shop": {"level": "INFO", "handlers": ["err"]}},
    }"""
    assert re.fullmatch(r"[0-9a-f]{32}\|shop\|in the view\n", project(settings))


def test_what_somebody_set_up_before_is_kept(log: Log) -> None:
    before = list(logging.getLogger().handlers)
    configure_logging(Config({"LOGGING_LEVEL": "ERROR"}))
    assert logging.getLogger().handlers == before
    assert logging.getLogger().level == logging.ERROR


def test_an_application_that_is_embedded_leaves_logging_alone() -> None:
    code = (
        "import logging; from lback.core.testing import make_app; make_app([])\n"
        "root = logging.getLogger(); print(root.level, root.handlers, logging.getLogger('lback').handlers)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{logging.WARNING} [] []\n"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"LOGGING_LEVEL": "LOUD"}, "LOGGING_LEVEL is a level such as 'INFO'"),
        ({"LOGGING_FORMAT": "xml"}, "LOGGING_FORMAT is 'text' or 'json'"),
        ({"LOGGING": {"handlers": {"a": {"class": "no.such.Handler"}}}}, "LOGGING can't be applied"),
        ({"LOGGING": {"version": 7}}, "LOGGING can't be applied"),
        ({"LOGGING": {"handlers": {"a": "file"}}}, "LOGGING can't be applied"),
        ({"LOGGING": {"handlers": []}}, "LOGGING can't be applied"),
    ],
)
def test_a_wrong_setting_stops_the_start(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        configure_logging(Config(settings))


def test_a_json_record_has_the_traceback_and_keeps_its_own_names() -> None:
    record = error_record(RuntimeError("on purpose"))
    record.fields = {"level": "forged", "order": 7}
    entry = json.loads(JSONFormatter().format(record))
    assert (entry["level"], entry["order"]) == ("ERROR", 7)
    assert entry["exception"].endswith("RuntimeError: on purpose")


@pytest.mark.parametrize("formatter", [TextFormatter, JSONFormatter])
def test_a_secret_of_the_settings_is_masked_wherever_a_record_has_it(formatter: Any) -> None:
    config = Config({"DB_PASSWORD": "correct-horse-battery", "SECRET_KEY_FALLBACKS": ["an-earlier-key-of-ours"]})
    error = RuntimeError(f"no access with {config.DB_PASSWORD}")
    text = formatter(config.secrets).format(error_record(error))
    text += formatter(config.secrets).format(
        logging.LogRecord(
            "shop", logging.INFO, "", 0, "%s and %s", (config.DB_PASSWORD, "an-earlier-key-of-ours"), None
        )
    )
    assert ("correct-horse" in text, "an-earlier-key" in text, text.count("********")) == (False, False, 3)


@pytest.mark.parametrize("formatter", [TextFormatter, JSONFormatter])
@pytest.mark.parametrize("template", ["%s", "%r"])
def test_a_secret_with_characters_that_are_escaped_is_masked(formatter: Any, template: str) -> None:
    config = Config({"DB_PASSWORD": "correct-h\u00f6rse\n-battery"})
    record = logging.LogRecord("shop", logging.INFO, "", 0, f"pass {template}", (str(config.DB_PASSWORD),), None)
    text = formatter(config.secrets).format(record)
    assert ("battery" in text, text.count("********")) == (False, 1)
