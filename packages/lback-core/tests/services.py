"""What a test does without a program or server that it needs."""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test; fail it where ``LBACK_TEST_SERVICES=required`` says that everything is there."""
    if os.environ.get("LBACK_TEST_SERVICES") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
