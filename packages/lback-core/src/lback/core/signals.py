"""Signals: code in one place hears of what happens in another, without either importing the other.

The framework has one dispatcher, `dispatcher`. Sending costs a dictionary lookup when nobody listens, and code on
the way of a request asks `SignalDispatcher.has_receivers` before it gathers what it would send.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger("lback.signals")

Receiver = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Signal:
    """The declaration of a signal that a package sends.

    Args:
        name: What `SignalDispatcher.connect` takes.
        sender: What arrives as ``sender``, in words.
        kwargs: The names of the further arguments.
        doc: When it is sent, in one sentence.
    """

    name: str
    sender: str
    kwargs: tuple[str, ...]
    doc: str


class SignalDispatcher:
    """Keeps the receivers of each signal and calls them.

    Receivers are held by strong reference until they are disconnected. An error in one is logged and handed back;
    it stops neither the sender nor the other receivers.
    """

    def __init__(self) -> None:
        self._receivers: dict[str, tuple[Receiver, ...]] = {}
        #: Whether anybody listens to anything.
        self.has_any = False

    def connect(self, signal_name: str, receiver: Receiver) -> None:
        """Call `receiver(sender=..., **kwargs)` whenever `signal_name` is sent. A second time changes nothing.

        Raises:
            TypeError: `receiver` can't be called.
        """
        if not callable(receiver):
            raise TypeError(f"A receiver of {signal_name!r} must be callable, not {receiver!r}.")
        receivers = self._receivers.get(signal_name, ())
        if receiver not in receivers:
            self._receivers[signal_name] = (*receivers, receiver)
            self.has_any = True

    def disconnect(self, signal_name: str, receiver: Receiver) -> bool:
        """Stop calling `receiver`; return whether it was connected."""
        receivers = self._receivers.get(signal_name, ())
        if receiver not in receivers:
            return False
        remaining = tuple(known for known in receivers if known != receiver)
        if remaining:
            self._receivers[signal_name] = remaining
        else:
            del self._receivers[signal_name]
            self.has_any = bool(self._receivers)
        return True

    def has_receivers(self, signal_name: str) -> bool:
        """Tell whether anybody listens, to spare the work of gathering the arguments."""
        return signal_name in self._receivers

    def send(self, signal_name: str, sender: Any = None, **kwargs: Any) -> list[tuple[Receiver, Any]]:
        """Call the receivers of `signal_name` in the order they were connected.

        Returns:
            A pair for each receiver: the receiver, and what it returned or the exception it raised.
        """
        results: list[tuple[Receiver, Any]] = []
        for receiver in self._receivers.get(signal_name, ()):
            try:
                results.append((receiver, receiver(sender=sender, **kwargs)))
            except Exception as error:
                with suppress(Exception):  # a handler that fails keeps no other receiver waiting
                    logger.exception("A receiver of the signal %s failed.", signal_name)
                results.append((receiver, error))
        return results


dispatcher = SignalDispatcher()

SIGNALS: tuple[Signal, ...] = (
    Signal("server_starting", "Application", (), "Before an application is built."),
    Signal("server_started", "Application", (), "When an application is ready to answer."),
    Signal("middleware_manager_initialized", "MiddlewareChain", (), "When the middlewares of an application are made."),
    Signal("router_initialized", "Router", (), "When the routes of an application are in place."),
    Signal("template_renderer_initialized", "TemplateRenderer", (), "When templates can be rendered."),
    Signal("error_handler_initialized", "ErrorHandler", (), "When errors can be answered."),
    Signal("server_shutting_down", "Application", (), "When the process that holds an application ends."),
    Signal("server_request_received", "Application", ("request",), "Before anything else is done with a request."),
    Signal(
        "server_request_finished",
        "Application",
        ("request", "response", "status_code", "duration"),
        "When the response is made; `duration` is in seconds.",
    ),
    Signal("middleware_request_processing_started", "MiddlewareChain", ("request",), "Before the first middleware."),
    Signal(
        "middleware_process_request_started",
        "MiddlewareChain",
        ("middleware_instance", "middleware_name", "request"),
        "Before a middleware looks at a request.",
    ),
    Signal(
        "middleware_process_request_succeeded",
        "MiddlewareChain",
        ("middleware_instance", "middleware_name", "request"),
        "After a middleware has looked at a request.",
    ),
    Signal(
        "middleware_process_request_failed",
        "MiddlewareChain",
        ("middleware_instance", "middleware_name", "request", "exception"),
        "When a middleware refused a request, or failed.",
    ),
    Signal(
        "middleware_request_short_circuited",
        "MiddlewareChain",
        ("middleware_instance", "middleware_name", "request", "response"),
        "When a middleware answered a request in place of the view.",
    ),
    Signal(
        "middleware_request_processing_finished",
        "MiddlewareChain",
        ("request",),
        "When every middleware has let a request pass, before the view.",
    ),
    Signal(
        "middleware_response_processing_started",
        "MiddlewareChain",
        ("request", "response"),
        "Before a response goes back through the middlewares.",
    ),
    Signal(
        "middleware_process_response_started",
        "MiddlewareChain",
        ("middleware_instance", "middleware_name", "request", "response"),
        "Before a middleware gets a response.",
    ),
    Signal(
        "middleware_process_response_succeeded",
        "MiddlewareChain",
        ("middleware_instance", "middleware_name", "request", "response"),
        "After a middleware has handed a response on.",
    ),
    Signal(
        "middleware_process_response_failed",
        "MiddlewareChain",
        ("middleware_instance", "middleware_name", "request", "exception"),
        "When a middleware failed on a response.",
    ),
    Signal(
        "middleware_response_processing_finished",
        "MiddlewareChain",
        ("request", "response"),
        "When a response has gone through every middleware.",
    ),
    Signal("server_response_sent", "Application", ("request", "response"), "When the body has been handed over."),
    Signal(
        "error_response_generated",
        "ErrorHandler",
        ("request", "response", "status_code", "error_message", "exception"),
        "When an error became a response.",
    ),
    Signal(
        "unhandled_exception_response_generated",
        "ErrorHandler",
        ("request", "response", "status_code", "exception"),
        "When an exception that nobody expected became a 500.",
    ),
    Signal("cache_hit", "Cache", ("key",), "When a cached value was found."),
    Signal("cache_miss", "Cache", ("key",), "When no value was found."),
    Signal(
        "cache_item_set",
        "Cache",
        ("key", "ttl", "expires_at"),
        "When a value was kept; `ttl` is in seconds and `expires_at` a Unix time, both None for good.",
    ),
    Signal("cache_item_deleted", "Cache", ("key",), "When a value was forgotten on demand."),
)
