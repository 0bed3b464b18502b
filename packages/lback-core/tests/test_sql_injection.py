"""SQL injection: attacks are told from text, in the query, the form and JSON, in linear time."""

import logging
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.security.sql_injection import MAX_TEXT, MAX_TOTAL, looks_like_sql_injection, texts_in
from lback.utils.urls import path

from . import sql_corpus
from .redis_server import absent

MIDDLEWARE = "lback.middlewares.sql_injection_detection.SQLInjectionDetectionMiddleware"
ATTACK = "1' OR '1'='1"


def echo(request: Request) -> dict[str, Any]:
    return {"form": dict(request.form) if "form" in request.content_type else None, "size": len(request.GET)}


def signed(request: Request) -> dict[str, Any]:
    return {"body": request.body.decode(), "form": dict(request.form)}


def client(**params: Any) -> Client:
    entry = {"class": MIDDLEWARE, "params": params}
    routes = [path("/", echo, ["GET", "POST"]), path("/signed/", signed, ["POST"])]
    return Client(make_app(routes, MIDDLEWARES=[entry]))


# -- what is recognised -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1 OR 1=1",
        "1'/**/oR/**/1=1--",
        "x' || 1=1 #",
        "x' && 1=1 #",
        "x' or true--",
        "1'--one\n OR#two\n1=1",
        "x' AND 5 NOT BETWEEN 0 AND 4 #",
        "x') AND binary 1=binary 2 --",
        "1e0UNION SELECT null",
        "%u0027 OR 1=1 --",
        "x' OR 'a'='a",
        'x" or "a"="a',
        "admin'--",
        "admin' #",
        "x'/*",
        "1 UNION SELECT name, password FROM users",
        "1/**/union/**/all/**/select/**/null",
        "1 /*!50000UNION*/ SELECT 2",
        "1; DROP TABLE users",
        "1'; UPDATE users SET admin = 1 --",
        "1;WAITFOR DELAY '0:0:5'--",
        "'; EXEC master..xp_cmdshell 'dir'--",
        "1 AND SLEEP(5)",
        "1 and (select 1 from pg_sleep(5))",
        "x'||(SELECT version())||'",
        "1 ORDER BY 7--",
        "don''t' OR 1=1 --",
        "x') AND (1=2 --",
        "(SELECT CASE WHEN (1=1) THEN 1 ELSE 0 END)",
        "1 AND @@version > 5",
        "%27 OR 1=1 --",
        "\\x27 OR 1=1 --",
        "&apos; OR 1=1 --",
    ],
)
def test_an_attack_is_recognised(text: str) -> None:
    assert looks_like_sql_injection(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Miles O'Brien",
        "It's Ada's or Bob's, and I don't care",
        "select one",
        "Select a table from the list, or order by phone.",
        "the student union selects its chair; drop by",
        "Rock 'n' Roll",
        "a = b or c = d",
        "1 + 1 = 2 and 2 + 2 = 4",
        "C# -- the language",
        "--verbose",
        "#3 & #4 (or #5)",
        '"Two things are infinite." -- Albert Einstein',
        "ada@example.org",
        "https://example.org/?a=1&b=2#top",
        "SELECT name FROM users",
        "if (a == 1 && b == 2) { sleep(); }",
        "f('x') and g('y')",
        "5' 11\" and growing",
        "x'",
        "'",
    ],
)
def test_text_is_no_attack(text: str) -> None:
    assert not looks_like_sql_injection(text)


def test_measured_on_sqlmap_wfuzz_fortunes_and_docstrings(capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (sql_corpus.SQLMAP, sql_corpus.WFUZZ, sql_corpus.FORTUNES):
        if not folder.is_dir():
            absent(f"{folder} is absent; install Debian's packages sqlmap, wfuzz and fortunes")
    wfuzz = sql_corpus.wfuzz_lines()
    attacks = {
        "sqlmap's payloads": sql_corpus.sqlmap_payloads(),
        "wfuzz's lines with SQL": [line for line in wfuzz if sql_corpus.is_sql(line)],
    }
    texts = {"lines of fortunes": sql_corpus.fortune_lines(), "lines of docstrings": sql_corpus.docstring_lines()}
    counts = {
        name: (sum(map(looks_like_sql_injection, lines)), len(lines)) for name, lines in {**attacks, **texts}.items()
    }
    with capsys.disabled():
        print()
        for name, (flagged, total) in counts.items():
            print(f"  {name}: {flagged} of {total} recognised ({flagged / total:.3%})")
        print(f"  all lines of wfuzz's lists: {sum(map(looks_like_sql_injection, wfuzz))} of {len(wfuzz)}")
    for name in attacks:
        assert counts[name][0] >= 0.95 * counts[name][1] > 0, name
    for name in texts:
        assert counts[name][0] <= 0.001 * counts[name][1] > 0, name


@given(st.text(alphabet="'\"`()=;-#/*| ,.@%&\\x27aor1", max_size=300))
def test_any_text_gets_an_answer(text: str) -> None:
    assert looks_like_sql_injection(text) in (True, False)


@pytest.mark.parametrize(
    "unit", ["(", "'", "/*", "and (not ", "f(", "')", "1e+", "a.", "''", "'\"`%27", "-", "case when (", "1", " ", "&("]
)
def test_the_time_grows_with_the_length_alone(unit: str) -> None:
    def least(size: int) -> float:
        text = (unit * size)[:size] + "'"
        times = []
        for _ in range(5):
            began = time.perf_counter()
            looks_like_sql_injection(text)
            times.append(time.perf_counter() - began)
        return min(times)

    # Eight times the length; in quadratic time that would be 64 times as long.
    assert least(MAX_TEXT - 1) < 30 * max(least(MAX_TEXT // 8), 1e-5)


def test_of_a_long_text_both_ends_are_looked_at() -> None:
    padding = "x " * MAX_TEXT
    assert looks_like_sql_injection(ATTACK + " -- " + padding)
    assert looks_like_sql_injection(padding + ATTACK)


def test_the_texts_of_a_document_are_its_keys_and_values_at_any_depth() -> None:
    assert sorted(texts_in({"a": ["b", 1, None, {"c": "d"}]})) == ["a", "b", "c", "d"]
    deep: Any = "e"
    for _ in range(100_000):
        deep = [deep]
    assert list(texts_in(deep)) == ["e"]


# -- the middleware ---------------------------------------------------------------------------------------------------


def test_a_request_without_an_attack_goes_through() -> None:
    visitor = client()
    assert visitor.get("/?q=O'Brien&sort=name").status_code == 200
    assert visitor.get("/").status_code == 200
    assert visitor.post("/", {"name": "O'Brien"}).json() == {"form": {"name": "O'Brien"}, "size": 0}
    assert visitor.request("POST", "/", json={"name": ["O'Brien"]}).status_code == 200


def test_an_attack_in_the_query_is_refused() -> None:
    assert client().get("/?id=1%27%20OR%20%271%27=%271").status_code == 400
    assert client().get("/?1%27%20OR%20%271%27%3D%271=x").status_code == 400


def test_every_value_of_a_name_is_looked_at() -> None:
    assert client().get("/?id=1%20OR%201=1&id=2").status_code == 400


def test_an_attack_in_a_form_is_refused() -> None:
    assert client().post("/", {"name": ATTACK}).status_code == 400
    assert client().post("/", {ATTACK: "x"}).status_code == 400
    assert client().request("POST", "/", data={"name": ATTACK}, files={"f": ("a.txt", b"x")}).status_code == 400


def test_an_attack_in_nested_json_is_refused() -> None:
    assert client().request("POST", "/", json={"a": [{"b": ATTACK}]}).status_code == 400
    assert client().request("POST", "/", json={"a": [{ATTACK: 1}]}).status_code == 400


def test_the_content_of_a_file_is_not_looked_at() -> None:
    assert client().request("POST", "/", data={}, files={"f": ("a.sql", ATTACK.encode())}).status_code == 200


def test_json_without_a_body_is_left_alone() -> None:
    assert client().get("/", headers={"Content-Type": "application/json"}).status_code == 200


def test_garbled_json_is_a_400() -> None:
    headers = {"Content-Type": "application/json"}
    assert client().request("POST", "/", data=b"{", headers=headers).status_code == 400


def test_a_view_can_still_read_the_body_of_a_form() -> None:
    assert client().post("/signed/", {"a": "b c"}).json() == {"body": "a=b+c", "form": {"a": "b c"}}


def test_what_is_over_the_limit_is_not_looked_at() -> None:
    values = ["x" * MAX_TEXT] * (MAX_TOTAL // MAX_TEXT + 1)
    assert client().request("POST", "/", json=[ATTACK, *values]).status_code == 200
    assert client().request("POST", "/", json=[*values, ATTACK]).status_code == 400


def test_a_refusal_is_one_line_of_the_log_without_the_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "lback.security")
    client().get("/a%0d%0aFORGED?id=1%27%20OR%20%271%27=%271")
    assert [record.getMessage() for record in caplog.records if record.name == "lback.security"] == [
        "Refused 'GET' '/a\\r\\nFORGED' from 127.0.0.1: A value looks like SQL injection."
    ]


def test_in_log_mode_the_request_goes_through(caplog: pytest.LogCaptureFixture) -> None:
    assert client(mode="log").get("/?id=1%20OR%201=1").status_code == 200
    assert [record.getMessage() for record in caplog.records if record.name == "lback.security"] == [
        "Let in 'GET' '/' from 127.0.0.1: A value looks like SQL injection."
    ]


def test_another_mode_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="mode must be 'block' or 'log', not 'blok'"):
        client(mode="blok")
