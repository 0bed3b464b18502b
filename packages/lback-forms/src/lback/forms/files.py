"""The field for an uploaded file."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, ClassVar

from lback.forms.field import Field
from lback.forms.widgets import FileInput, Widget


class FileField(Field):
    """An uploaded file; the value is the `lback.core.uploads.UploadedFile` of the request.

    What the browser says of the type of a file proves nothing. Neither does its name: never store under it.

    Args:
        max_size: The most bytes.
        allowed_extensions: The endings a name may have, such as ``["pdf", "png"]``.
        allow_empty_file: Whether a file without content is taken.
        options: Those of `Field`.
    """

    default_widget = FileInput
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "required": "Choose a file.",
        "invalid": 'This is not an uploaded file. The form needs enctype="multipart/form-data".',
        "empty": "The file is empty.",
        "max_size": "The file may have at most %(limit)s bytes; this one has %(size)s.",
        "extension": "Choose a file of one of these types: %(allowed)s.",
    }

    def __init__(
        self,
        *,
        max_size: int | None = None,
        allowed_extensions: Iterable[str] = (),
        allow_empty_file: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_size = max_size
        self.allowed_extensions = tuple(extension.lower().lstrip(".") for extension in allowed_extensions)
        self.allow_empty_file = allow_empty_file

    def is_empty(self, value: Any) -> bool:
        """Tell whether no file was chosen; the browser then sends a part without a name."""
        return super().is_empty(value) or file_name(value) == ""

    def validate(self, value: Any) -> None:
        """Check the size and the ending of the name."""
        name = file_name(value)
        if name is None or not callable(getattr(value, "read", None)):
            raise self.error("invalid")
        size = _size(value)
        if self.max_size is not None and size > self.max_size:
            raise self.error("max_size", limit=self.max_size, size=size)
        if size == 0 and not self.allow_empty_file:
            raise self.error("empty")
        if self.allowed_extensions and PurePath(name).suffix.lower().lstrip(".") not in self.allowed_extensions:
            raise self.error("extension", allowed=", ".join(self.allowed_extensions))

    def prepare(self, value: Any) -> None:
        """Return None, as a page can't show a chosen file."""

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Return ``accept`` as well, so that the browser offers the right files."""
        accept = ",".join(f".{extension}" for extension in self.allowed_extensions)
        return {**super().widget_attrs(widget), "accept": accept or None}


def file_name(value: Any) -> str | None:
    """Return the name that a file was sent under, or None for something else than a file."""
    name = getattr(value, "filename", None) or getattr(value, "name", None)
    if isinstance(name, str):
        return name
    return "" if hasattr(value, "filename") else None


def _size(file: Any) -> int:
    size: int | None = getattr(file, "size", None)
    if size is None:
        size = file.seek(0, 2)
        file.seek(0)
    return size or 0
