"""The list of signals and what is really sent are the same."""

import re
from pathlib import Path

import lback.auth
import lback.auth_app
from lback.auth.signals import SIGNALS


def test_every_declared_signal_is_sent_somewhere_and_none_beside():
    folders = [Path(package.__path__[0]) for package in (lback.auth, lback.auth_app)]
    source = "".join(file.read_text() for folder in folders for file in folder.rglob("*.py"))
    sent = set(re.findall(r'dispatcher\.send\(\s*"(\w+)"', source))
    assert sent == {signal.name for signal in SIGNALS}
