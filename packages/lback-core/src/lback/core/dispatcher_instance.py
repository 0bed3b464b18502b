"""The signal dispatcher under the name that the documentation uses."""

from lback.core.signals import dispatcher

__all__ = ["dispatcher"]
