"""`StaticFilesMiddleware`: serves style sheets, scripts and images."""

from pathlib import Path

from whitenoise import WhiteNoise

from lback.core.app import Application
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, MethodNotAllowed, NotFound
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response, StreamingResponse
from lback.security.paths import safe_join


class StaticFilesMiddleware(BaseMiddleware):
    """Serves the files below ``STATIC_URL``, with compression, ranges and conditional requests by WhiteNoise.

    Looked for in ``STATIC_ROOT``, then ``STATIC_DIRS``, then the ``static`` folder of each app. With ``DEBUG`` off
    the folders are read once, at the start; a file that was not there then is a 404.

    Args:
        application: The application that is being built; its apps bring static files.
        config: ``STATIC_URL``, ``STATIC_ROOT``, ``STATIC_DIRS`` and ``DEBUG`` are read.
    """

    def __init__(self, application: Application, config: Config) -> None:
        self._prefix: str = config.STATIC_URL
        if not (self._prefix.startswith("/") and self._prefix.endswith("/")) or self._prefix == "/":
            raise ConfigurationError(f"STATIC_URL must be a path such as '/static/', not {self._prefix!r}.")
        self._debug: bool = config.DEBUG
        self._folders = static_folders(application, config)
        self._files = WhiteNoise(_no_application, autorefresh=config.DEBUG, allow_all_origins=False)
        # WhiteNoise lets the last folder that was added win.
        for folder in reversed(self._folders):
            self._files.add_files(str(folder), prefix=self._prefix)

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
        relative = request.path[len(self._prefix) :]
        if not any(safe_join(folder, relative) for folder in self._folders):
            raise NotFound
        found = self._files.find_file(request.path) if self._debug else self._files.files.get(request.path)
        if found is None:
            raise NotFound
        answer = found.get_response(request.method, request.environ)
        return StreamingResponse(_blocks(answer.file), answer.status.value, dict(answer.headers))


def static_folders(application: Application, config: Config) -> list[Path]:
    """Return the folders that hold static files, the first one with a file wins."""
    base = Path(config.BASE_DIR)
    configured = [config.STATIC_ROOT, *config.STATIC_DIRS]
    folders = [base / folder for folder in configured if folder]
    folders += [app.path / "static" for app in application.apps]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


class _blocks:  # noqa: N801 - an iterator, closed with the response
    """The content of an open file in blocks."""

    def __init__(self, file: object) -> None:
        self._file = file

    def __iter__(self) -> "_blocks":
        return self

    def __next__(self) -> bytes:
        block: bytes = self._file.read(65536) if self._file is not None else b""  # type: ignore[attr-defined]
        if not block:
            raise StopIteration
        return block

    def close(self) -> None:
        if self._file is not None:
            self._file.close()  # type: ignore[attr-defined]


def _no_application(environ: object, start_response: object) -> list[bytes]:
    raise RuntimeError("Only the file table of WhiteNoise is used.")
