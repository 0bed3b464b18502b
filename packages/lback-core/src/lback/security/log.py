"""The log of what was refused: the logger ``lback.security``, one record a refusal."""

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lback.core.request import Request

logger = logging.getLogger("lback.security")


def log_refusal(request: "Request", reason: str, outcome: str = "Refused") -> None:
    """Write down that a request was refused, with its method, its path, the address of the client and the reason.

    What the client chose is quoted and cut, so that a line break in it begins no line of the log. Values, which may be
    passwords, are left out.

    Args:
        request: What was refused.
        reason: A sentence of ours.
        outcome: What was done with it, where that is something else.
    """
    # A handler that fails changes no answer.
    with suppress(Exception):
        logger.warning(
            "%s %.20r %.200r from %.50s: %s", outcome, request.method, request.path, request.remote_addr, reason
        )
