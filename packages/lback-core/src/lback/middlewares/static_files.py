"""`StaticFilesMiddleware`: serves style sheets, scripts and images."""

import os
from collections.abc import Sequence
from pathlib import Path

from whitenoise import WhiteNoise

from lback.core.app import Application
from lback.core.apps import App
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, MethodNotAllowed, NotFound
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import FileResponse, Response
from lback.core.static import hashed_names, source_folders
from lback.security.paths import is_file, safe_join


class StaticFilesMiddleware(BaseMiddleware):
    """Serves the files below ``STATIC_URL``: WhiteNoise finds them, their compressed variants and their headers.

    Looked for in ``STATIC_ROOT``, then ``STATIC_DIRS``, then the ``static`` folder of each app. With ``DEBUG`` off
    the folders are read once, at the start; a file that was not there then is a 404. The hashed names that
    ``collectstatic`` gives may be kept by browsers for ever.

    Args:
        application: The application that is being built; its apps bring static files.
        config: ``STATIC_URL``, ``STATIC_ROOT``, ``STATIC_DIRS`` and ``DEBUG`` are read.
    """

    def __init__(self, application: Application, config: Config) -> None:
        self._prefix: str = config.STATIC_URL
        if not (self._prefix.startswith("/") and self._prefix.endswith("/")) or self._prefix == "/":
            raise ConfigurationError(f"STATIC_URL must be a path such as '/static/', not {self._prefix!r}.")
        self._debug: bool = config.DEBUG
        self._folders = static_folders(config, application.apps)
        hashed = {self._prefix + name for name in hashed_names(config).values()}
        self._files = WhiteNoise(
            _no_application,
            autorefresh=config.DEBUG,
            max_age=0 if config.DEBUG else 60,
            allow_all_origins=False,
            immutable_file_test=lambda path, url: url in hashed,
        )
        # The last folder that is added wins.
        for folder in reversed(self._folders):
            if config.DEBUG:
                self._files.add_files(str(folder), prefix=self._prefix)
            else:
                self._collect(folder)

    def process_request(self, request: Request) -> Response | None:
        """Answer a request below ``STATIC_URL``.

        Raises:
            NotFound: There is no such file, or the path leads outside the folders; nothing tells the two apart.
            MethodNotAllowed: Neither GET nor HEAD.
        """
        if not request.path.startswith(self._prefix):
            return None
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(("GET", "HEAD"))
        path = request.path
        if self._debug:
            found = self._files.find_file(path) if self._servable(path) else None
        else:
            found = self._files.files.get(path)
        if found is None:
            raise NotFound
        file, headers = found.get_path_and_headers(request.environ)
        values = dict(headers)
        # WhiteNoise has one tag for a file and its compressed variants, which are not the same bytes.
        values.pop("ETag", None)
        try:
            return FileResponse(file, values["Content-Type"], headers=values)
        except FileNotFoundError:
            raise NotFound from None

    def _collect(self, folder: Path) -> None:
        """Note the files of a folder. Broken links and those that lead out of it are left out, and so are circles."""
        for place, folders, files in os.walk(folder, followlinks=True):
            here = Path(place).resolve()
            below = Path(place).relative_to(folder)
            targets = {name: safe_join(folder, *below.parts, name) for name in folders}
            folders[:] = [name for name, target in targets.items() if target not in (None, here, *here.parents)]
            for name in files:
                target = safe_join(folder, *below.parts, name)
                if target is not None and target.is_file():
                    address = self._prefix + (below / name).as_posix()
                    self._files.add_file_to_dictionary(address, str(Path(place) / name))

    def _servable(self, path: str) -> bool:
        """Tell whether the folder that has the file really holds it, and not a link to somewhere else."""
        relative = path[len(self._prefix) :]
        for folder in self._folders:
            if is_file(folder / relative):
                return safe_join(folder, relative) is not None
        return False


def static_folders(config: Config, apps: Sequence[App]) -> list[Path]:
    """Return the folders that hold static files, the first one with a file wins."""
    folders = [Path(config.BASE_DIR) / config.STATIC_ROOT] if config.STATIC_ROOT else []
    return list(dict.fromkeys([*(folder for folder in folders if folder.is_dir()), *source_folders(config, apps)]))


def _no_application(environ: object, start_response: object) -> list[bytes]:
    raise RuntimeError("Only the file table of WhiteNoise is used.")
