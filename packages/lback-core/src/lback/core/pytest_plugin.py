"""Fixtures for tests of Lback applications; pytest finds them once lback-core is installed."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lback.core.app import Application
    from lback.core.testing import Client


@pytest.fixture
def app(pytestconfig: pytest.Config) -> "Application":
    """Return the application of the project in pytest's root folder; override it for another one."""
    from lback.core.project import Project

    return Project(pytestconfig.rootpath).application


@pytest.fixture
def client(app: "Application") -> "Client":
    """Return a client of the fixture `app`, asking for a host that it allows."""
    from lback.core.testing import Client

    hosts = [host for host in app.config.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    return Client(app, host=hosts[0] if hosts else "localhost")
