"""An uploaded file: in memory while it is small, in a temporary file from there on."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

CHUNK_SIZE = 64 * 1024
# Read by the group, so that a web server of its own user may serve them; never run.
FILE_MODE = 0o640


class UploadedFile:
    """A file that came with a form.

    Args:
        filename: The name that the client gave, without folders. Show it, but never store under it.
        content_type: The type that the client claims.
        field_name: The form field it came in.
        memory_limit: Bytes to keep in memory before the file goes to disk.
    """

    def __init__(self, filename: str, content_type: str, field_name: str, memory_limit: int = 256 * 1024) -> None:
        self.filename = filename
        self.content_type = content_type
        self.field_name = field_name
        self.size = 0
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=memory_limit)  # noqa: SIM115 - closed by `close`

    @property
    def name(self) -> str:
        """The same as `filename`."""
        return self.filename

    def write(self, chunk: bytes) -> None:
        """Append to the file; for the parser, and for tests that make one."""
        self.file.write(chunk)
        self.size += len(chunk)

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes from where the last read ended, all that is left when negative."""
        return self.file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position, as for any file."""
        return self.file.seek(offset, whence)

    def chunks(self, size: int = CHUNK_SIZE) -> Iterator[bytes]:
        """Iterate over the whole content in pieces of `size` bytes."""
        self.seek(0)
        while chunk := self.read(size):
            yield chunk

    def save(self, path: Path | str) -> int:
        """Write the content to a new file at `path`, whole or not at all, and return its size in bytes.

        Raises:
            FileExistsError: There is a file at `path`; an upload never replaces one.
        """
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as target:
                for chunk in self.chunks():
                    target.write(chunk)
        except BaseException:
            # A full disk must not leave half a file that looks like a whole one.
            Path(path).unlink(missing_ok=True)
            raise
        return self.size

    def close(self) -> None:
        """Give up the memory or the temporary file. Done at the end of the request."""
        self.file.close()

    def __repr__(self) -> str:
        return f"UploadedFile({self.filename!r}, {self.content_type!r}, {self.size} bytes)"
