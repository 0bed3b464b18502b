"""Logging: records that name the request they belong to, on lines that nobody else can forge.

A project's application sets logging up at its start, by ``LOGGING_LEVEL``, ``LOGGING_FORMAT`` and ``LOGGING``. Code
that embeds an `lback.core.app.Application` keeps its own logging, and may use the filter and the formatters.
"""

import json
import logging
import logging.config
import time
from collections.abc import Sequence
from typing import Any

from lback.core.config import Config
from lback.core.context import current_request
from lback.core.exceptions import ConfigurationError
from lback.security.printable import printable
from lback.security.redaction import without

FORMATS = ("text", "json")
_FILTER = "lback_request"


class RequestFilter(logging.Filter):
    """Gives every record a ``request_id``: that of the request being answered, ``-`` outside of one.

    It belongs on handlers, so that it sees the records of every logger.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id; every record passes."""
        request = current_request()
        record.request_id = request.id if request is not None else "-"
        return True


class TextFormatter(logging.Formatter):
    """One line for a record: time in UTC, level, logger, request id, message.

    What came from outside begins no line of its own: control characters are escaped, tracebacks are indented.

    Args:
        secrets: Texts that are masked wherever they stand.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = secrets
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s", defaults={"request_id": "-"}
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the record, with its traceback if it has one."""
        # Another handler may have left its own form of the traceback in the record, and would be given ours.
        kept = record.exc_text
        record.exc_text = None if record.exc_info or not kept else _indented(kept)
        try:
            return without(super().format(record), self._secrets)
        finally:
            record.exc_text = kept

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of the standard library
        """Return the line of a record."""
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the same
        """Return a traceback, every line indented."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the same
        """Return a stack, every line indented."""
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    # Only "\n" separates what the traceback module writes; other line breaks came from outside.
    return "\n".join(f"    {printable(line)}" for line in text.split("\n"))


class JSONFormatter(logging.Formatter):
    """One JSON object on a line for a record: ``time``, ``level``, ``logger``, ``request_id``, ``message``, then the
    ``fields`` of the record, and ``exception``.

    Args:
        secrets: Texts that are masked wherever they stand.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = secrets
        super().__init__()

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, of nothing but printable ASCII."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        entry |= {name: value for name, value in getattr(record, "fields", {}).items() if name not in entry}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = record.stack_info
        # The one control character that JSON leaves as it is.
        line = json.dumps(entry, separators=(",", ":"), default=str).replace("\x7f", "\\u007f")
        return without(line, self._secrets)


def configure_logging(config: Config) -> None:
    """Set logging up for a project: what ``LOGGING`` says, in the form of `logging.config.dictConfig`, if anything.

    Without it records of ``LOGGING_LEVEL`` and above go to the standard error output, unless somebody has set up
    the root logger before (gunicorn does not, pytest does).

    Raises:
        ConfigurationError: One of the settings is wrong.
    """
    if config.LOGGING:
        _apply(config.LOGGING)
        return
    level = logging.getLevelNamesMapping().get(config.LOGGING_LEVEL.upper())
    if level is None:
        raise ConfigurationError(f"LOGGING_LEVEL is a level such as 'INFO' or 'WARNING', not {config.LOGGING_LEVEL!r}.")
    if config.LOGGING_FORMAT not in FORMATS:
        raise ConfigurationError(f"LOGGING_FORMAT is 'text' or 'json', not {config.LOGGING_FORMAT!r}.")
    root = logging.getLogger()
    root.setLevel(level)
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.addFilter(RequestFilter())
        handler.setFormatter((JSONFormatter if config.LOGGING_FORMAT == "json" else TextFormatter)(config.secrets))
        root.addHandler(handler)


def _apply(settings: dict[str, Any]) -> None:
    """Apply a `logging.config.dictConfig` in which every handler has the request id."""
    try:
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                **settings,
                "filters": {_FILTER: {"()": RequestFilter}, **settings.get("filters", {})},
                "handlers": {
                    name: {**handler, "filters": [_FILTER, *handler.get("filters", [])]}
                    for name, handler in settings.get("handlers", {}).items()
                },
            }
        )
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        reason = f"{error}: {error.__cause__}" if error.__cause__ is not None else str(error)
        raise ConfigurationError(f"LOGGING can't be applied: {reason}") from error
