"""A project as commands see it: its folder, and what is made from it when it is first asked for."""

import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lback.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from lback.core.app import Application
    from lback.core.apps import App
    from lback.core.config import Config


class Project:
    """A project folder.

    Args:
        base_dir: The folder that holds ``settings.py``.
        debug: The value of ``DEBUG`` where no settings source has one.
    """

    def __init__(self, base_dir: Path | str, debug: bool = False) -> None:
        self.base_dir = Path(base_dir).resolve()
        self.debug = debug

    @cached_property
    def config(self) -> "Config":
        """The settings."""
        from lback.core.config import Config

        if not self.base_dir.is_dir():
            raise ConfigurationError(f"There is no folder {self.base_dir}, so there is no project in it.")
        # The project's apps are imported by their names, wherever the command was started.
        if str(self.base_dir) not in sys.path:
            sys.path.insert(0, str(self.base_dir))
        return Config.load(self.base_dir, debug=self.debug)

    @cached_property
    def apps(self) -> "tuple[App, ...]":
        """The installed apps, each after those it requires."""
        from lback.core.apps import resolve_apps

        return resolve_apps(self.config.INSTALLED_APPS)

    def load_models(self) -> None:
        """Import the models of every installed app."""
        self.config  # noqa: B018 - puts the project on the import path
        for app in self.apps:
            app.import_models()

    @cached_property
    def application(self) -> "Application":
        """The WSGI application, built, with the project's logging set up."""
        from lback.core.app import Application
        from lback.core.logs import configure_logging

        configure_logging(self.config)
        return Application(self.config)
