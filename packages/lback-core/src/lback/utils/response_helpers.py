"""`json_response`, under the name that the documentation uses."""

from collections.abc import Mapping
from typing import Any

from lback.core.response import JSONResponse


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return `data` as a JSON response, just as it is."""
    return JSONResponse(data, status, headers)
