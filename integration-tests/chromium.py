"""Chromium for tests, without a window, and axe-core in it, which finds what assistive software can't work with.

Needs Chromium (``LBACK_TEST_CHROMIUM``, or ``chromium`` on the path) and ``pip install axe-playwright-python``.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("LBACK_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
# The types of playwright are not there where it is not installed.
Chromium = Any
Page = Any


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Give a browser that runs until the end of the block; without one the test is skipped, or fails where it must run.

    While it runs, this thread counts as one with an event loop.
    """
    if CHROMIUM is None:
        if os.environ.get("LBACK_TEST_SERVICES") == "required":
            pytest.fail("Chromium is not installed.")
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe-core finds wrong with a page, by all of its rules or by some."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.Axe().axe_script)
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [f"{each['id']}: {node['html']} {node['failureSummary']}" for each in found for node in each["nodes"]]
