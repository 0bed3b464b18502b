"""The request that is being answered in this thread or task, for code that is not handed it.

Only `lback.core.app.Application` sets it, around one request; code that has the request at hand uses that.
"""

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lback.core.request import Request

request_context: ContextVar["Request | None"] = ContextVar("lback_request", default=None)


def current_request() -> "Request | None":
    """Return the request being answered, or None outside of one."""
    return request_context.get()
