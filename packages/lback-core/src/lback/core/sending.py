"""Bodies as a WSGI server takes them: made or read while they are sent, and closed at their end."""

from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from lback.core.context import request_context

if TYPE_CHECKING:
    from lback.core.request import Request


class Pieces:
    """The body of a streaming response: pieces as bytes, and the end of what they come from."""

    def __init__(self, iterable: Iterable[str | bytes], *, send: bool) -> None:
        self._iterable = iterable
        self._pieces = iter(iterable if send else ())

    def __iter__(self) -> "Pieces":
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        return piece.encode() if isinstance(piece, str) else piece

    def close(self) -> None:
        """End what the pieces come from."""
        close = getattr(self._iterable, "close", None)
        if close is not None:
            close()


class ClosingBody:
    """A body that is sent with its request current, and closes the request at its end."""

    def __init__(self, pieces: Iterable[bytes], request: "Request") -> None:
        self._body = pieces
        self._pieces = iter(pieces)
        self._request = request

    def __iter__(self) -> "ClosingBody":
        return self

    def __next__(self) -> bytes:
        token = request_context.set(self._request)
        try:
            return next(self._pieces)
        finally:
            request_context.reset(token)

    def close(self) -> None:
        """End the body; called by the server, also when the client has gone."""
        token = request_context.set(self._request)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._request.close()
            request_context.reset(token)


class FileBlocks:
    """A part of an open file, in blocks.

    Args:
        file: Opened for reading bytes, where the part begins. It is closed with the body.
        length: The bytes of the part.
    """

    SIZE = 64 * 1024

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file = file
        self._left = length

    def __iter__(self) -> "FileBlocks":
        return self

    def __next__(self) -> bytes:
        block = self._file.read(min(self.SIZE, self._left))
        if not block:
            raise StopIteration
        self._left -= len(block)
        return block

    def close(self) -> None:
        """Close the file."""
        self._file.close()
