"""Rules that the whole source keeps, read from its syntax."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import CODE_PACKAGES, Package

SOURCES = [source for package in CODE_PACKAGES for source in sorted(package.source.rglob("*.py"))]
SECRET = re.compile(r"token|secret|digest|signature|csrf|password|nonce", re.IGNORECASE)
# Deserialisers that run what they read.
RUNS_ITS_INPUT = {"pickle", "marshal", "shelve", "dill", "yaml"}
RUNS_TEXT = {"eval", "exec"}


def nodes(source: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(source.read_text()))


def names_of(node: ast.expr) -> str:
    """Return what a name, an attribute or a call of one is called."""
    if isinstance(node, ast.Call):
        return names_of(node.func)
    return getattr(node, "id", "") or getattr(node, "attr", "")


@pytest.mark.parametrize("package", CODE_PACKAGES, ids=repr)
def test_nothing_is_read_by_what_would_run_it(package: Package) -> None:
    found = []
    for source in package.source.rglob("*.py"):
        for node in nodes(source):
            if isinstance(node, ast.Import):
                imported = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported = {(node.module or "").partition(".")[0]}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                imported = {node.func.id} & RUNS_TEXT
            else:
                continue
            if imported & (RUNS_ITS_INPUT | RUNS_TEXT):
                found.append(f"{source.name}, line {node.lineno}")
    assert not found


@pytest.mark.parametrize("package", CODE_PACKAGES, ids=repr)
def test_no_secret_is_compared_in_a_time_that_tells_of_it(package: Package) -> None:
    """Two values of which one is a secret are held against each other by `hmac.compare_digest`, not by ``==``."""
    found = []
    for source in package.source.rglob("*.py"):
        for node in nodes(source):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
                continue
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) or names_of(side) == "len" for side in sides):
                continue
            if any(SECRET.search(names_of(side)) for side in sides):
                found.append(f"{source.name}, line {node.lineno}: {ast.unparse(node)}")
    assert not found


def test_every_signal_that_is_sent_is_declared_and_every_declared_one_is_named_where_it_is_sent() -> None:
    sent, named = set(), set()
    for source in SOURCES:
        for node in nodes(source):
            if isinstance(node, ast.Call) and node.args and names_of(node).endswith("send"):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    sent.add(first.value)
            elif source.name != "signals.py" and isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.add(node.value)
    declared = [signal.name for module in signal_modules() for signal in importlib.import_module(module).SIGNALS]
    assert len(declared) == len(set(declared))
    assert sent <= set(declared) <= named | sent


def signal_modules() -> list[str]:
    found = [source for source in SOURCES if source.name == "signals.py"]
    return [".".join(source.with_suffix("").parts[source.parts.index("src") + 1 :]) for source in found]
