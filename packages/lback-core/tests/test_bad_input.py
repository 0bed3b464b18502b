"""Whatever is sent, the answer is one of the statuses for bad requests, and the next request is answered as ever."""

import gc
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lback.core.app import Application
from lback.core.exceptions import NotFound
from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.utils.urls import path

from .bad_requests import CORPUS, FORM, MULTIPART, Bad, answer, application

HEALTH = Bad("health", 200, {"PATH_INFO": "/health/"})


@pytest.fixture(scope="module")
def app() -> Application:
    return application()


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad.name)
def test_a_bad_request_gets_its_status_and_harms_nobody(app: Application, bad: Bad) -> None:
    status, headers = answer(app, bad)
    assert status == bad.status
    assert headers["x-content-type-options"] == "nosniff"
    assert answer(app, HEALTH)[0] == 200


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad.name)
def test_behind_proxies_it_gets_no_other(bad: Bad) -> None:
    assert answer(application(TRUSTED_PROXIES=1), bad)[0] == bad.status


latin = st.text(st.characters(max_codepoint=255), max_size=60)


@settings(max_examples=300)
@given(
    environ=st.fixed_dictionaries(
        {},
        optional={
            "REQUEST_METHOD": st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]) | latin.filter(bool),
            "PATH_INFO": latin.map(lambda text: f"/{text}"),
            "SCRIPT_NAME": latin,
            "QUERY_STRING": latin,
            "CONTENT_TYPE": st.sampled_from([FORM, MULTIPART, "application/json"]) | latin,
            "CONTENT_LENGTH": st.integers(-5, 200).map(str) | latin,
            "HTTP_HOST": latin,
            "HTTP_COOKIE": latin.map(lambda text: f"session_id={text}; csrf_token={text}"),
            "HTTP_ACCEPT": latin,
            "HTTP_ORIGIN": latin,
            "HTTP_REFERER": latin,
            "HTTP_AUTHORIZATION": latin,
            "HTTP_X_FORWARDED_FOR": latin,
            "HTTP_X_FORWARDED_PROTO": latin,
            "HTTP_X_FORWARDED_HOST": latin,
            "REMOTE_ADDR": latin,
        },
    ),
    body=st.binary(max_size=200),
    proxies=st.sampled_from([0, 1, 2]),
)
def test_no_request_is_answered_with_a_5xx(environ: dict[str, Any], body: bytes, proxies: int) -> None:
    status, headers = answer(APPS[proxies], Bad("any", 0, environ, body))
    assert status < 500
    assert headers["x-content-type-options"] == "nosniff"


APPS = [application(TRUSTED_PROXIES=number) for number in (0, 1, 2)]


def test_python_without_assertions_gives_the_same_answers() -> None:
    script = Path(__file__).with_name("bad_requests.py")
    plain, optimised = (
        json.loads(subprocess.run([sys.executable, *flags, script], capture_output=True, check=True).stdout)
        for flags in ([], ["-O"])
    )
    assert {name: status for name, (status, _) in plain.items()} == {bad.name: bad.status for bad in CORPUS}
    assert optimised == plain


def test_memory_stays_flat_over_100_000_requests(caplog: pytest.LogCaptureFixture) -> None:
    """Blocks of memory are counted, not bytes: one kept for each hundredth request would show."""
    caplog.set_level(logging.CRITICAL)

    def fails(request: Request) -> str:
        raise NotFound

    app = make_app(
        [
            path("/", lambda request: "x"),
            path("/{number:int}/", lambda request, number: request.GET["a"]),
            path("/fails/", fails),
        ],
        MIDDLEWARES=[],
    )
    environs = [Client(app)._environ("GET", address, b"", "", {}) for address in ("/", "/7/?a=1", "/fails/", "/9/")]

    def blocks_after(requests: int) -> int:
        for number in range(requests):
            # Most are plain; the others fail at their different places.
            app(dict(environs[0 if number % 50 else number // 50 % 4]), lambda *arguments: lambda data: None)
        gc.collect()
        return sys.getallocatedblocks()

    before = blocks_after(5_000)
    assert blocks_after(100_000) - before < 1_000
