"""A project of lback-core alone under gunicorn: how it starts, refuses to start, ends, and answers on the wire."""

import contextlib
import signal
import socket
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import ROOT
from .servers import Server, gunicorn, wait_for

SETTINGS = """\
SECRET_KEY = "a-key-for-tests-alone-0123456789-abcdefghij"
ROOT_URLCONF = "shop_urls"
"""
URLS = """\
import time
from lback.core.response import FileResponse
from lback.security.csrf import csrf_exempt
from lback.utils.urls import path

@csrf_exempt
def body(request):
    return str(len(request.body))

def slow(request):
    time.sleep(1)
    return "slow but whole"

@csrf_exempt
def upload(request):
    return str(request.files["file"].size)

def download(request):
    return FileResponse(request.config.BASE_DIR / "large.bin")

urlpatterns = [
    path("/upload/", upload, ["POST"]),
    path("/download/", download),
    path("/", lambda request: "hello"),
    path("/slow/", slow),
    path("/body/", body, ["POST"]),
    path("/headers/", lambda request: dict(request.headers)),
]
"""
WSGI_NAME = "shop_wsgi:application"
WSGI = """\
from pathlib import Path
from lback.core.app import Application

application = Application.from_project(Path(__file__).parent)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, text in (("settings.py", SETTINGS), ("shop_urls.py", URLS), ("shop_wsgi.py", WSGI)):
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def serve(project: Path) -> Iterator[Callable[..., Server]]:
    """Start servers, each with its options, and end them with the test."""
    with contextlib.ExitStack() as stack:

        def start(*options: str, **variables: str) -> Server:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                port = listener.getsockname()[1]
            process = stack.enter_context(
                gunicorn(project, WSGI_NAME, *options, f"--bind=127.0.0.1:{port}", **variables)
            )
            stack.callback(process.kill)
            server = Server(process, port)
            wait_for(lambda: server.get("/").startswith(b"HTTP/1.1 200"))
            return server

        yield start


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with gunicorn(
        project, "shop_wsgi:application", "--workers=2", "--threads=8", f"--bind=127.0.0.1:{port}"
    ) as process:
        server = Server(process, port)
        try:
            wait_for(lambda: server.get("/").startswith(b"HTTP/1.1 200"))
            yield server
        finally:
            process.terminate()


# -- starting and ending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"LBACK_DEBUG": "true"}, "Error: DEBUG is on, and gunicorn/"),
        ({"LBACK_SECRET_KEY": "short"}, "Error: "),
        ({"LBACK_ROOT_URLCONF": "nowhere.urls"}, "Error: There is no URL module 'nowhere.urls'."),
        ({"LBACK_TRUSTED_PROXIES": "many"}, "Error: The setting TRUSTED_PROXIES must be a whole number"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["workers", "preload"])
def test_a_project_that_can_not_start_says_so_in_one_line_and_ends(
    project: Path, variables: dict[str, str], message: str, options: tuple[str, ...]
) -> None:
    with gunicorn(project, WSGI_NAME, "--bind=127.0.0.1:0", *options, **variables) as process:
        output, _ = process.communicate(timeout=20)
    assert process.returncode != 0
    assert output.count(message) == 1, output
    assert "Traceback" not in output, output


def test_debug_is_refused_however_the_application_is_built(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(
        "from lback.core.app import Application\nfrom lback.core.config import Config\n"
        'application = Application(Config({"DEBUG": True}), urlpatterns=[])\n'
    )
    with gunicorn(tmp_path, "hello:application", "--bind=127.0.0.1:0") as process:
        try:
            output, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode != 0
    assert "ConfigurationError: DEBUG is on, and gunicorn/" in output, output


def test_debug_under_gunicorn_can_be_allowed(serve: Callable[..., Server]) -> None:
    server = serve(LBACK_DEBUG="1", LBACK_ALLOW_DEBUG="1")
    assert server.get("/").endswith(b"hello")


def test_a_server_that_is_told_to_end_answers_what_it_has_begun(serve: Callable[..., Server]) -> None:
    server = serve("--threads=8")
    answers: list[bytes] = []
    clients = [threading.Thread(target=lambda: answers.append(server.get("/slow/"))) for _ in range(8)]
    for client in clients:
        client.start()
    time.sleep(0.4)
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        client.join()
    assert [answer.endswith(b"slow but whole") for answer in answers] == [True] * 8
    assert server.process.wait(timeout=10) == 0


# -- what comes over the wire -----------------------------------------------------------------------------------------


def test_the_packages_ask_for_a_gunicorn_that_frames_strictly() -> None:
    metadata = tomllib.loads((ROOT / "packages" / "lback_framework" / "pyproject.toml").read_text())
    assert "gunicorn>=23" in metadata["project"]["dependencies"]


HEAD = b"POST /body/ HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding\x0b: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: +5\r\n\r\n12345",
        HEAD + b"Content-Length: 1_0\r\n\r\n1234567890",
        HEAD + "Content-Length: \u0665\r\n\r\n12345".encode(),
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"a" * 65_536 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
    ],
    ids=lambda request_: repr(request_[-40:]),
)
def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_ends(server: Server, request_: bytes) -> None:
    answer = server.send(request_ + b"GET /headers/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer[9:10] == b"4" or answer[9:12] == b"501"
    assert answer.count(b"HTTP/1.1 ") == 1
    assert server.get("/").startswith(b"HTTP/1.1 200")


def test_a_host_that_is_not_allowed_is_refused(server: Server) -> None:
    assert server.send(b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")[9:12] == b"400"


@pytest.mark.parametrize("method", [b"TRACE", b"DISPATCH_REQUEST", b"__INIT__"])
def test_no_method_reaches_more_than_the_view_allows(server: Server, method: bytes) -> None:
    answer = server.send(method + b" / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer[9:12] in (b"405", b"400")


def test_header_names_with_underscores_do_not_arrive(server: Server) -> None:
    request = b"GET /headers/ HTTP/1.1\r\nHost: localhost\r\nX_Forwarded_For: 1.2.3.4\r\nConnection: close\r\n\r\n"
    assert b"1.2.3.4" not in server.send(request)


def test_a_body_in_chunks_is_read_to_its_end(server: Server) -> None:
    chunks = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n12345\r\n3\r\n678\r\n0\r\n\r\n"
    assert server.send(HEAD + chunks).endswith(b"8")


@pytest.mark.parametrize(
    "chunks",
    [b"5\r\n12345\r\n", b"zz\r\n12345\r\n0\r\n\r\n", b"5\r\n1234567\r\n0\r\n\r\n", b"-5\r\n12345\r\n0\r\n\r\n"],
)
def test_a_body_in_chunks_that_are_cut_or_garbled_is_a_400(server: Server, chunks: bytes) -> None:
    answer = server.send(HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 400")


def test_a_client_that_goes_away_leaves_the_server_well(server: Server) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nabc")
    assert server.get("/").startswith(b"HTTP/1.1 200")


# -- large files ------------------------------------------------------------------------------------------------------

LARGE = 200 * 1024 * 1024
BLOCK = b"x" * 1024 * 1024
BEGIN = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n'
END = b"\r\n--xyz--\r\n"
ROOM = 32 * 1024 * 1024


def begin_upload(server: Server) -> socket.socket:
    """Send all of a large upload but its end."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    length = len(BEGIN) + LARGE + len(END)
    connection.sendall(
        b"POST /upload/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: multipart/form-data; boundary=xyz\r\nContent-Length: %d\r\n\r\n" % length
    )
    connection.sendall(BEGIN)
    for _ in range(LARGE // len(BLOCK)):
        connection.sendall(BLOCK)
    return connection


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much memory a process has")
def test_a_large_upload_needs_no_memory_for_its_size_and_leaves_no_file(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve("--threads=4", LBACK_MAX_REQUEST_BODY_SIZE=str(2 * LARGE), TMPDIR=str(tmp_path))
    before = server.peak_memory
    with begin_upload(server) as connection:
        assert server.get("/").startswith(b"HTTP/1.1 200")
        connection.sendall(END)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.endswith(str(LARGE).encode())
    assert server.peak_memory - before < ROOM
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what files a process has open")
def test_uploads_that_are_given_up_leave_no_file_open(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve("--threads=4", LBACK_MAX_REQUEST_BODY_SIZE=str(2 * LARGE), TMPDIR=str(tmp_path))

    def open_files() -> int:
        count = 0
        for link in (server.worker / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                count += str(tmp_path) in str(link.readlink())
        return count

    before = open_files()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(
                b"POST /upload/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n"
                b"Content-Type: multipart/form-data; boundary=xyz\r\n\r\n" + BEGIN + BLOCK
            )
    wait_for(lambda: open_files() == before)
    assert list(tmp_path.iterdir()) == []
    assert server.get("/").startswith(b"HTTP/1.1 200")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much memory a process has")
def test_a_large_download_needs_no_memory_for_its_size(serve: Callable[..., Server], project: Path) -> None:
    with (project / "large.bin").open("wb") as file:
        file.truncate(LARGE)
    server = serve("--threads=4")
    before = server.peak_memory
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"GET /download/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = sum(map(len, iter(lambda: connection.recv(1024 * 1024), b"")))
    assert LARGE < received < LARGE + 4096
    assert server.peak_memory - before < ROOM
