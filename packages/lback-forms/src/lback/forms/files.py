"""The fields for uploaded files."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, ClassVar

from lback.forms.field import Field
from lback.forms.inputs import CLEAR, CONTRADICTION, FileInput, MultipleFileInput
from lback.forms.messages import N_
from lback.forms.widget import Widget


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
        "required": N_("Choose a file."),
        "invalid": N_('This is not an uploaded file. The form needs enctype="multipart/form-data".'),
        "contradiction": N_("Choose a new file or tick the box to remove the old one, not both."),
        "empty": N_("The file is empty."),
        "max_size": N_("The file may have at most %(limit)s bytes; this one has %(size)s."),
        "extension": N_("Choose a file of one of these types: %(allowed)s."),
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

    def clean(self, value: Any) -> Any:
        """Return the file, checked; None for none, and `lback.forms.inputs.CLEAR` where the old one is to go."""
        if value is CONTRADICTION:
            raise self.error("contradiction")
        if value is CLEAR:
            if self.required:
                raise self.error("required")
            return CLEAR
        return super().clean(value)

    def has_changed(self, initial: Any, sent: Any) -> bool:
        """Tell whether a file was sent, or the old one is to go."""
        return sent is CLEAR or not self.is_empty(sent)

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

    def prepare(self, value: Any) -> Any:
        """Return what names the file that is there already, if the widget shows that: a page can't choose a file."""
        if value and self.widget.shows_current:
            return file_name(value) or str(value)
        return None

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Return ``accept`` as well, so that the browser offers the right files."""
        attrs = super().widget_attrs(widget)
        if self.allowed_extensions:
            attrs["accept"] = ",".join(f".{extension}" for extension in self.allowed_extensions)
        return attrs


class MultipleFileField(FileField):
    """Several uploaded files, as a list; each is checked.

    Args:
        max_files: The most files.
        options: Those of `FileField`.
    """

    default_widget = MultipleFileInput
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "max_files": N_("Choose at most %(limit)s files; these are %(count)s."),
    }

    def __init__(self, *, max_files: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.max_files = max_files

    def is_empty(self, value: Any) -> bool:
        """Tell whether no file was chosen."""
        if isinstance(value, list | tuple):
            return all(super(MultipleFileField, self).is_empty(file) for file in value)
        return super().is_empty(value)

    def clean(self, value: Any) -> Any:
        """Return the list of the files, each checked."""
        return list(super().clean(value) or ())

    def validate(self, value: Any) -> None:
        """Check how many files there are, and each of them."""
        if not isinstance(value, list | tuple):
            raise self.error("invalid")
        files = [file for file in value if not super(MultipleFileField, self).is_empty(file)]
        if self.max_files is not None and len(files) > self.max_files:
            raise self.error("max_files", limit=self.max_files, count=len(files))
        for file in files:
            super().validate(file)


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
