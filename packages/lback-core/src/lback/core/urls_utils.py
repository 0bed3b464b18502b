"""`include`, under the name that the documentation uses."""

from lback.core.routing import include

__all__ = ["include"]
