"""The application of a project as a production server imports it, by way of the project's ``wsgi.py``."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lback.core.exceptions import ConfigurationError, LbackError
from lback.core.project import Project

if TYPE_CHECKING:
    from lback.core.app import Application
    from lback.core.config import Config

# What gunicorn takes for "this worker can't start"; after any other status it starts the next one, for ever.
GUNICORN_BOOT_ERROR = 3


def load_application(base_dir: Path | str) -> "Application":
    """Return the application of the project in `base_dir`.

    Under gunicorn a mistake in the project is one line on standard error and the end of the server, where gunicorn by
    itself prints a traceback.

    Raises:
        ConfigurationError: The project can't start.
    """
    project = Project(base_dir)
    if not _gunicorn():
        return project.application
    try:
        return project.application
    except LbackError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(GUNICORN_BOOT_ERROR)


def refuse_public_debug(config: "Config") -> None:
    """Refuse to show everybody what is for developers.

    Raises:
        ConfigurationError: ``DEBUG`` is on under gunicorn without ``ALLOW_DEBUG``.
    """
    server = _gunicorn()
    if server and config.DEBUG and not config.ALLOW_DEBUG:
        raise ConfigurationError(
            f"DEBUG is on, and {server} serves everybody: the reports of errors would show them the code and the "
            "variables. Set DEBUG to false, or ALLOW_DEBUG to true where nobody else can reach the server."
        )


def _gunicorn() -> str:
    """Return the name and version of the gunicorn that runs this process, or nothing."""
    server = os.environ.get("SERVER_SOFTWARE", "")
    return server if server.startswith("gunicorn/") else ""
