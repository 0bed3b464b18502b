"""What the SQL injection detection is measured on: the payloads of sqlmap and wfuzz, and text that is no attack.

Everything is read where Debian's packages ``sqlmap``, ``wfuzz`` and ``fortunes`` install it.
"""

import ast
import html
import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

SQLMAP = Path("/usr/share/sqlmap/data/xml")
WFUZZ = Path("/usr/share/wfuzz/wordlist")
FORTUNES = Path("/usr/share/games/fortunes")

ORIGINALS = ("1", "Ada")
UNION_COLUMNS = (1, 3, 10)
# Lines of wfuzz's lists that hold no SQL, but LDAP filters, shell commands, nothing but signs, or one word or more with
# a sign at the most on either side, as in "'test": they are sent to see whether an error comes back, and people write
# such things every day.
_NOT_SQL = re.compile(r"\*\(\|\(.*|.*sleep 50.*|\W*|\W?[\w ]*\W?|,@variable")


def sqlmap_payloads() -> list[str]:
    """Return every test of sqlmap in every boundary it is sent in, put together as sqlmap does, without repetitions."""
    boundaries = list(ElementTree.parse(SQLMAP / "boundaries.xml").getroot().iter("boundary"))
    filler = random.Random(1)
    found: dict[str, None] = {}
    for file in sorted((SQLMAP / "payloads").glob("*.xml")):
        for test in ElementTree.parse(file).getroot().iter("test"):
            for value in _values(test, boundaries):
                for original in ORIGINALS:
                    found[_filled(value, original, filler)] = None
    return list(found)


def _values(test: ElementTree.Element, boundaries: list[ElementTree.Element]) -> Iterator[str]:
    clauses, places = _numbers(test, "clause"), _numbers(test, "where")
    comment = test.findtext("request/comment") or ""
    for payload in _requests(test):
        for boundary in boundaries:
            limits = _numbers(boundary, "clause")
            if clauses != {0} and limits != {0} and not clauses & limits:
                continue
            for place in places & _numbers(boundary, "where"):
                if place == 3:
                    yield payload + comment
                    continue
                prefix, suffix = boundary.findtext("prefix") or "", boundary.findtext("suffix") or ""
                glue = "" if payload.startswith(";") or prefix.endswith("(") or clauses <= {2, 3} else " "
                ending = comment or (" " if payload[-1:].isalnum() and suffix[:1].isalnum() else "") + suffix
                yield ("[ORIGINAL]" if place == 1 else "-[RANDNUM]") + prefix + glue + payload + ending


def _requests(test: ElementTree.Element) -> list[str]:
    request = test.find("request")
    assert request is not None
    if test.findtext("stype") == "6":
        value = request.findtext("char") or "NULL"
        return [f"UNION ALL SELECT {','.join([value] * columns)}" for columns in UNION_COLUMNS]
    texts = [request.findtext("payload"), test.findtext("response/comparison")]
    return [text for text in texts if text]


def _numbers(element: ElementTree.Element, name: str) -> set[int]:
    numbers: set[int] = set()
    for part in (element.findtext(name) or "0").split(","):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def _filled(text: str, original: str, filler: random.Random) -> str:
    text = text.replace("[GENERIC_SQL_COMMENT]", "-- [RANDSTR]")
    quoted = original if original.isdigit() else f"'{original}'"
    fixed = {"ORIGVALUE": quoted, "ORIGINAL": original, "SLEEPTIME": "5", "SINGLE_QUOTE": "'", "CHAR": "NULL"}
    numbers: dict[str, str] = {}

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name in fixed:
            return fixed[name]
        if name not in numbers:
            digits = "".join(filler.choices("123456789", k=4))
            numbers[name] = digits if "NUM" in name else "".join(filler.choices("abcdefghijkABCDEFGHIJK", k=4))
        return numbers[name]

    return re.sub(r"\[([A-Z_]+[0-9]?)\]", fill, text)


def wfuzz_lines() -> list[str]:
    """Return the lines of wfuzz's lists for SQL, decoded once as a server does with what it is sent."""
    files = (WFUZZ / "Injections" / "SQL.txt", WFUZZ / "vulns" / "sql_inj.txt")
    lines = (line.strip("\r\n") for file in files for line in file.read_text().split("\n"))
    return list(dict.fromkeys(unquote(line) for line in lines if line.strip()))


def is_sql(line: str) -> bool:
    """Tell whether a line of wfuzz's lists holds SQL, and not a single sign or word or something else's syntax."""
    escaped = re.compile(r"\\x([0-9A-F]{2})")
    return not _NOT_SQL.fullmatch(escaped.sub(lambda match: chr(int(match[1], 16)), html.unescape(line)))


def fortune_lines() -> list[str]:
    """Return the lines of Debian's fortunes."""
    files = [file for file in sorted(FORTUNES.iterdir()) if file.suffix == "" and file.is_file()]
    lines = (line.strip() for file in files for line in file.read_text("utf-8", "replace").split("\n"))
    return [line for line in lines if line and line != "%"]


def docstring_lines() -> list[str]:
    """Return the lines of the docstrings of Python's standard library, its own tests apart."""
    folder = Path(sysconfig.get_path("stdlib"))
    skipped = {"test", "tests", "idle_test", "site-packages", "lib2to3", "__pycache__"}
    lines: list[str] = []
    for file in sorted(folder.rglob("*.py")):
        if skipped.isdisjoint(file.relative_to(folder).parts):
            lines += _docstrings(file)
    return lines


def _docstrings(file: Path) -> Iterator[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield from (line.strip() for line in text.split("\n") if line.strip())
