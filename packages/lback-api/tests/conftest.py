"""What every test of the package has around it."""

import pytest


@pytest.fixture(autouse=True)
def no_open_databases(closed_databases: None) -> None:
    """Close what a test opened."""
