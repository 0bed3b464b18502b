"""`path`, under the name that the documentation uses."""

from lback.core.routing import path

__all__ = ["path"]
