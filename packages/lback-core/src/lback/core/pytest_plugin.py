"""Fixtures for tests of Lback applications; pytest finds them once lback-core is installed."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from email.message import EmailMessage

    from lback.core.app import Application
    from lback.core.config import Config
    from lback.core.testing import Client


class Hooks:
    """What other packages' plugins may answer."""

    @pytest.hookspec
    def pytest_lback_settings(self, request: pytest.FixtureRequest) -> "dict[str, object]":
        """Return settings that every test of a project has in the place of the project's, such as another database.

        Args:
            request: That of the fixture `settings`, to get at other fixtures.
        """
        raise NotImplementedError


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make the hooks known."""
    pluginmanager.add_hookspecs(Hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "settings(**values): settings that go over the project's for this test.")


@pytest.fixture
def settings(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> "Config":
    """Return the settings of the project in pytest's root folder, and over them those of the test's marks.

    Mail stays in memory (see `outbox`), unless a mark says otherwise.

    Example:
        ``@pytest.mark.settings(SESSION_TIMEOUT_MINUTES=1)`` above a test, a class or, as ``pytestmark``, in a module.
    """
    from lback.core.project import Project

    values: dict[str, object] = {"EMAIL_BACKEND": "memory"}
    for found in request.config.hook.pytest_lback_settings(request=request):
        values |= found
    for mark in reversed(list(request.node.iter_markers("settings"))):
        values |= mark.kwargs
    return Project(pytestconfig.rootpath).config.replace(**values)


@pytest.fixture
def app(settings: "Config") -> "Application":
    """Return the application of the project, built from the fixture `settings`; override it for another one."""
    from lback.core.app import Application

    return Application(settings)


@pytest.fixture
def outbox(app: "Application") -> "list[EmailMessage]":
    """Return the messages that the application has sent, as a list that grows."""
    from lback.core.mail import EmailSender

    return app.container.get(EmailSender).outbox


@pytest.fixture
def client(app: "Application") -> "Client":
    """Return a client of the fixture `app`, asking for a host that it allows."""
    from lback.core.testing import Client

    hosts = [host for host in app.config.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    return Client(app, host=hosts[0] if hosts else "localhost")
