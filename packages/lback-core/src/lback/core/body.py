"""Reading the body of a request under limits: urlencoded and multipart forms, JSON.

Whatever a client sends, only a 4xx comes out of here, after reading no more than the limit allows.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, NoReturn
from urllib.parse import unquote_plus

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from lback.core.config import Config
from lback.core.datastructures import MultiDict
from lback.core.exceptions import BadRequest, PayloadTooLarge, UnsupportedMediaType
from lback.core.uploads import CHUNK_SIZE, UploadedFile

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a body is read; sizes in bytes."""

    body: int
    fields: int
    files: int
    field_size: int
    memory: int

    @classmethod
    def from_config(cls, config: Config) -> "Limits":
        """Take the limits from the settings."""
        return cls(
            body=config.MAX_REQUEST_BODY_SIZE,
            fields=config.MAX_FORM_FIELDS,
            files=config.MAX_FORM_FILES,
            field_size=config.MAX_FORM_FIELD_SIZE,
            memory=config.UPLOAD_MEMORY_LIMIT,
        )


def content_length(environ: dict[str, Any]) -> int | None:
    """Return the declared length of the body in bytes, or None where its end is marked another way.

    Raises:
        BadRequest: The length is not a plain decimal number.
    """
    text = environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None if environ.get("wsgi.input_terminated") else 0
    # int() would take "+5", "1_0" and digits of other scripts, on which servers and proxies disagree.
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadRequest("The Content-Length header must be a decimal number.")
    return int(text)


def read_chunks(environ: dict[str, Any], limit: int) -> Iterator[bytes]:
    """Iterate over the body, never reading past its declared length or `limit` bytes.

    Raises:
        PayloadTooLarge: The body is longer than `limit`.
        BadRequest: The body ended before its declared length, or its chunks are garbled.
    """
    declared = content_length(environ)
    if declared is not None and declared > limit:
        raise PayloadTooLarge(f"The request body has {declared} bytes; at most {limit} are accepted.")
    stream: IO[bytes] = environ["wsgi.input"]
    received = 0
    while declared is None or received < declared:
        try:
            chunk = stream.read(CHUNK_SIZE if declared is None else min(CHUNK_SIZE, declared - received))
        except Exception as error:
            # Each server has errors of its own for what it can't read.
            raise BadRequest("The request body can't be read: its chunks are garbled, or it was cut off.") from error
        if not chunk:
            if declared is not None:
                raise BadRequest("The request body ended before its Content-Length.")
            return
        received += len(chunk)
        if received > limit:
            raise PayloadTooLarge(f"The request body is over the {limit} bytes that are accepted.")
        yield chunk


def parse_query(text: str, limit: int) -> MultiDict[str]:
    """Read ``a=1&b=2``; only ``&`` separates, bytes that are not UTF-8 become the replacement character.

    Raises:
        BadRequest: More than `limit` pairs, or a NUL, which no text column of a database takes.
    """
    if not text:
        return MultiDict()
    if not text.isascii():
        # PEP 3333: the server decoded the bytes as Latin-1.
        text = text.encode("latin-1", "replace").decode("utf-8", "replace")
    _refuse_nul(text, "query string")
    parts = text.split("&", limit)
    if len(parts) > limit:
        raise BadRequest(f"The query string has more than the {limit} parameters that are accepted.")
    return MultiDict(_pair(part) for part in parts if part)


def _refuse_nul(text: str, where: str) -> None:
    if "%00" in text or "\0" in text:
        raise BadRequest(f"The {where} holds a NUL character.")


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return unquote_plus(name, errors="replace"), unquote_plus(value, errors="replace")


def parse_json(body: bytes) -> Any:
    """Read a JSON document: UTF-8, finite numbers; of a key given twice in an object the last counts.

    Raises:
        BadRequest: It is not one, or nested too deep.
    """
    try:
        text = body.decode("utf-8")
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if _SURROGATE.search(text):
            # Half of a pair has no UTF-8 form, and would fail in whatever the text is written to.
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise BadRequest("The JSON body must be UTF-8.") from None
    except UnicodeEncodeError:
        raise BadRequest("The JSON body has an escape that is half of a surrogate pair.") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error.msg}, line {error.lineno}.") from None
    except RecursionError:
        raise BadRequest("The JSON body is nested too deep.") from None
    except ValueError:
        raise BadRequest("The JSON body holds a number that can't be read.") from None
    return document


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise BadRequest(f"{name} is not valid JSON.")


Form = tuple[MultiDict[str], MultiDict[UploadedFile]]


def parse_form(environ: dict[str, Any], limits: Limits) -> Form:
    """Read a form from the body.

    Returns:
        Its fields, and its files; close them at the end of the request.

    Raises:
        HTTPException: 400 for a garbled form, 413 over a limit, 415 for another content type.
    """
    content_type = environ.get("CONTENT_TYPE") or ""
    if len(content_type) > 1024:
        raise BadRequest("The Content-Type header is too long.")
    kind, options = parse_options_header(content_type)
    if kind == MULTIPART:
        return _parse_multipart(environ, options.get("boundary", ""), limits)
    if kind == URLENCODED:
        return _parse_urlencoded(environ, limits), MultiDict()
    if content_length(environ) == 0:
        return MultiDict(), MultiDict()
    raise UnsupportedMediaType(f"Expected a form ({URLENCODED} or {MULTIPART}).")


def _parse_urlencoded(environ: dict[str, Any], limits: Limits) -> MultiDict[str]:
    body = b"".join(read_chunks(environ, limits.body))
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise BadRequest("An urlencoded form must be ASCII with percent escapes.") from None
    _refuse_nul(text, "form")
    parts = text.split("&", limits.fields)
    if len(parts) > limits.fields:
        raise PayloadTooLarge(f"The form has more than the {limits.fields} fields that are accepted.")
    if any(len(part) > limits.field_size for part in parts):
        raise PayloadTooLarge(f"A form field is over the {limits.field_size} bytes that are accepted.")
    return MultiDict(_pair(part) for part in parts if part)


def _parse_multipart(environ: dict[str, Any], boundary: str, limits: Limits) -> Form:
    collector = _Collector(limits)
    try:
        parser = PushMultipartParser(
            boundary, strict=True, max_segment_count=limits.fields + limits.files, max_header_count=8
        )
        for chunk in read_chunks(environ, limits.body):
            for event in parser.parse(chunk):
                collector.take(event)
        parser.close()
    except ParserLimitReached as error:
        collector.close()
        raise PayloadTooLarge("The form has too many parts, or a part has too many or too long headers.") from error
    except (MultipartError, UnicodeDecodeError, LookupError) as error:
        collector.close()
        raise BadRequest("The multipart form is garbled.") from error
    except BaseException:
        collector.close()
        raise
    return MultiDict(collector.fields), MultiDict(collector.files)


class _Collector:
    """Turns the events of the multipart parser into fields and files, counting against the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.fields: list[tuple[str, str]] = []
        self.files: list[tuple[str, UploadedFile]] = []
        self.segment: MultipartSegment | None = None
        self.upload: UploadedFile | None = None
        self.field = bytearray()

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self.upload is not None:
            self.upload.write(bytes(event))
        else:
            self.field += event
            if len(self.field) > self.limits.field_size:
                raise PayloadTooLarge(f"A form field is over the {self.limits.field_size} bytes that are accepted.")

    def _begin(self, segment: MultipartSegment) -> None:
        self.segment = segment
        if segment.filename is None:
            if len(self.fields) >= self.limits.fields:
                raise PayloadTooLarge(f"The form has more than the {self.limits.fields} fields that are accepted.")
            return
        if len(self.files) >= self.limits.files:
            raise PayloadTooLarge(f"The form has more than the {self.limits.files} files that are accepted.")
        content_type = segment.content_type or "application/octet-stream"
        self.upload = UploadedFile(base_name(segment.filename), content_type, segment.name, self.limits.memory)
        self.files.append((segment.name, self.upload))

    def _end(self) -> None:
        if self.upload is not None:
            self.upload.seek(0)
            # A file input left empty is sent as a part without name or content: no file.
            if not self.upload.filename and not self.upload.size:
                self.files.pop()
                self.upload.close()
            self.upload = None
        elif self.segment is not None:
            text = self.field.decode("utf-8")
            if "\0" in text or "\0" in self.segment.name:
                raise BadRequest("The form holds a NUL character.")
            self.fields.append((self.segment.name, text))
        self.field = bytearray()
        self.segment = None

    def close(self) -> None:
        for _, upload in self.files:
            upload.close()


def base_name(filename: str) -> str:
    """Return the last part of a client's file name, whichever separator it uses, without control characters."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in name if character.isprintable()).strip()[:255]
