"""`MediaFilesMiddleware`: serves what visitors have uploaded."""

from pathlib import Path

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, MethodNotAllowed, NotFound
from lback.core.file_headers import type_of_file
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import FileResponse, Response
from lback.security.paths import is_file, safe_join

# What browsers show without running anything in it. All else is saved: an HTML page or an SVG picture would run its
# scripts as this site.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain; charset=utf-8"})
SHOWN_KINDS = ("audio/", "video/")


class MediaFilesMiddleware(BaseMiddleware):
    """Serves the files of ``UPLOAD_FOLDER`` below ``UPLOAD_URL``, to everybody who knows their address.

    Pictures, sound, films and plain text are shown; everything else is offered for saving, and nothing can run
    scripts. Hidden files, folders and what lies outside are not there.

    Args:
        config: ``BASE_DIR``, ``UPLOAD_FOLDER`` and ``UPLOAD_URL`` are read.

    Raises:
        ConfigurationError: The address is no path, or the folder holds the project itself.
    """

    def __init__(self, config: Config) -> None:
        self._prefix: str = config.UPLOAD_URL
        if not (self._prefix.startswith("/") and self._prefix.endswith("/")) or self._prefix == "/":
            raise ConfigurationError(f"UPLOAD_URL must be a path such as '/media/uploads/', not {self._prefix!r}.")
        base = Path(config.BASE_DIR).resolve()
        self._root = (base / config.UPLOAD_FOLDER).resolve()
        if base.is_relative_to(self._root):
            raise ConfigurationError(
                f"UPLOAD_FOLDER must be a folder for uploads alone; {self._root} holds the project and its settings."
            )

    def process_request(self, request: Request) -> Response | None:
        """Answer a request below ``UPLOAD_URL``.

        Raises:
            NotFound: There is no such file, or the path leads outside; nothing tells the two apart.
            MethodNotAllowed: Neither GET nor HEAD.
        """
        if not request.path.startswith(self._prefix):
            return None
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(("GET", "HEAD"))
        path = safe_join(self._root, request.path[len(self._prefix) :])
        if path is None or not is_file(path):
            raise NotFound
        kind = type_of_file(path.name)
        shown = kind in SHOWN or kind.startswith(SHOWN_KINDS)
        try:
            response = FileResponse(path, kind, as_attachment=not shown)
        except FileNotFoundError:
            raise NotFound from None
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
