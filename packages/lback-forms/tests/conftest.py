from collections.abc import Callable, Iterator

import pytest

from lback.core.uploads import UploadedFile

MakeUpload = Callable[..., UploadedFile]


@pytest.fixture
def upload() -> Iterator[MakeUpload]:
    """Return a function that makes uploaded files, which are closed after the test as after a request."""
    made: list[UploadedFile] = []

    def make(name: str = "a.txt", content: bytes = b"text") -> UploadedFile:
        file = UploadedFile(name, "text/plain", "file")
        file.write(content)
        made.append(file)
        return file

    yield make
    for file in made:
        file.close()
