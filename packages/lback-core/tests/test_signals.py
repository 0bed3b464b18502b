"""Signals: who hears what, and that a failing receiver harms nobody."""

import gc
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from lback.core.cache import Cache
from lback.core.dispatcher_instance import dispatcher
from lback.core.exceptions import Forbidden
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response
from lback.core.signals import SIGNALS, SignalDispatcher
from lback.core.signals import dispatcher as same_dispatcher
from lback.core.testing import Client, make_app
from lback.utils.urls import path


@pytest.fixture
def signals() -> SignalDispatcher:
    return SignalDispatcher()


@pytest.fixture
def heard() -> Iterator[list[tuple[str, Any, dict[str, Any]]]]:
    """Everything that is sent, as (signal, sender, arguments)."""
    seen: list[tuple[str, Any, dict[str, Any]]] = []
    receivers = {
        signal.name: lambda sender, name=signal.name, **kwargs: seen.append((name, sender, kwargs))
        for signal in SIGNALS
    }
    for name, receiver in receivers.items():
        dispatcher.connect(name, receiver)
    yield seen
    for name, receiver in receivers.items():
        dispatcher.disconnect(name, receiver)


def test_there_is_one_dispatcher_wherever_it_is_imported_from() -> None:
    assert dispatcher is same_dispatcher


def test_receivers_are_called_in_their_order_with_the_sender_and_the_arguments(signals: SignalDispatcher) -> None:
    log: list[Any] = []
    signals.connect("made", lambda sender, **kwargs: log.append((1, sender, kwargs)))
    signals.connect("made", lambda sender, **kwargs: log.append((2, sender, kwargs)))
    signals.send("made", "me", what="x")
    assert log == [(1, "me", {"what": "x"}), (2, "me", {"what": "x"})]


def test_a_receiver_is_connected_once_and_until_it_is_disconnected(signals: SignalDispatcher) -> None:
    log: list[Any] = []

    def receiver(sender: Any, **kwargs: Any) -> None:
        log.append(sender)

    signals.connect("made", receiver)
    signals.connect("made", receiver)
    signals.send("made", 1)
    assert signals.disconnect("made", receiver) is True
    assert signals.disconnect("made", receiver) is False
    signals.send("made", 2)
    assert log == [1]
    assert not signals.has_any


def test_receivers_are_kept_alive(signals: SignalDispatcher) -> None:
    log: list[Any] = []
    signals.connect("made", lambda sender, **kwargs: log.append(sender))
    gc.collect()
    signals.send("made", 1)
    assert log == [1]


def test_a_failing_receiver_is_logged_and_stops_neither_sender_nor_others(
    signals: SignalDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(sender: Any, **kwargs: Any) -> None:
        raise RuntimeError("on purpose")

    def works(sender: Any, **kwargs: Any) -> str:
        return "fine"

    signals.connect("made", fails)
    signals.connect("made", works)
    (_, error), (_, result) = signals.send("made")
    assert (str(error), result) == ("on purpose", "fine")
    assert "A receiver of the signal made failed" in caplog.text


def test_only_what_can_be_called_is_connected(signals: SignalDispatcher) -> None:
    with pytest.raises(TypeError, match="must be callable"):
        signals.connect("made", "handler")  # type: ignore[arg-type]


def fails(request: Request) -> Response:
    raise RuntimeError("on purpose")


class Passing(BaseMiddleware):
    def process_request(self, request: Request) -> Response | None:
        return Response("early") if request.path == "/early/" else None

    def process_response(self, request: Request, response: Response) -> Response:
        return response


class Failing(BaseMiddleware):
    def process_request(self, request: Request) -> Response | None:
        if request.path == "/refused/":
            raise Forbidden
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        if request.path == "/broken/":
            raise RuntimeError("on purpose")
        return response


MIDDLEWARES = [f"{__name__}.Passing", f"{__name__}.Failing"]


def test_what_is_declared_is_what_is_sent(heard: list[tuple[str, Any, dict[str, Any]]]) -> None:
    app = make_app([path("/", lambda request: "x"), path("/fails/", fails)], MIDDLEWARES=MIDDLEWARES)
    client = Client(app)
    for address in ("/", "/fails/", "/nowhere/", "/early/", "/refused/", "/broken/"):
        client.get(address)
    cache = app.container.get(Cache)
    cache.get("key")
    cache.set("key", 1)
    cache.get("key")
    cache.delete("key")
    app._shutting_down()
    declared = {(signal.name, signal.sender, frozenset(signal.kwargs)) for signal in SIGNALS}
    sent = {(name, type(sender).__name__, frozenset(kwargs)) for name, sender, kwargs in heard}
    assert sent == declared


def test_the_signals_of_a_request_come_in_their_order(heard: list[tuple[str, Any, dict[str, Any]]]) -> None:
    client = Client(make_app([path("/", lambda request: "x")], MIDDLEWARES=MIDDLEWARES[:1]))
    heard.clear()
    client.get("/")
    assert [name for name, _, _ in heard] == [
        "server_request_received",
        "middleware_request_processing_started",
        "middleware_process_request_started",
        "middleware_process_request_succeeded",
        "middleware_request_processing_finished",
        "middleware_response_processing_started",
        "middleware_process_response_started",
        "middleware_process_response_succeeded",
        "middleware_response_processing_finished",
        "server_request_finished",
        "server_response_sent",
    ]
    assert heard[2][2]["middleware_name"] == "Passing"
    assert heard[-2][2]["status_code"] == 200
    assert heard[-2][2]["duration"] > 0


def test_an_application_says_when_its_parts_are_there(heard: list[tuple[str, Any, dict[str, Any]]]) -> None:
    make_app([], MIDDLEWARES=[])
    assert [name for name, _, _ in heard] == [
        "server_starting",
        "middleware_manager_initialized",
        "router_initialized",
        "template_renderer_initialized",
        "error_handler_initialized",
        "server_started",
    ]


def test_a_request_that_nobody_listens_to_sends_nothing() -> None:
    app = make_app([path("/", lambda request: "x"), path("/fails/", fails)])
    client = Client(app)
    assert not dispatcher.has_any
    sent = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal sent
        sent += event == "call" and frame.f_code is SignalDispatcher.send.__code__

    sys.setprofile(count)
    try:
        for address in ("/", "/fails/", "/nowhere/"):
            client.get(address)
    finally:
        sys.setprofile(None)
    assert sent == 0


def test_a_receiver_may_disconnect_itself_while_it_is_called(signals: SignalDispatcher) -> None:
    log: list[int] = []

    def once(sender: Any, **kwargs: Any) -> None:
        signals.disconnect("made", once)
        log.append(1)

    signals.connect("made", once)
    signals.connect("made", lambda sender, **kwargs: log.append(2))
    signals.send("made")
    signals.send("made")
    assert log == [1, 2, 2]


def test_the_methods_of_an_object_are_receivers_too(signals: SignalDispatcher) -> None:
    log: list[Any] = []

    class Listener:
        def hear(self, sender: Any, **kwargs: Any) -> None:
            log.append(sender)

    listener = Listener()
    signals.connect("made", listener.hear)
    signals.connect("made", listener.hear)
    signals.send("made", 1)
    assert signals.disconnect("made", listener.hear) is True
    assert log == [1]


def test_every_signal_is_declared_once_and_with_a_sentence() -> None:
    names = [signal.name for signal in SIGNALS]
    assert len(names) == len(set(names))
    assert all(signal.doc.endswith(".") for signal in SIGNALS)


def test_the_example_of_the_readme_runs_as_printed(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {}
    exec(
        """
# Example: Connecting a function to a signal
from lback.core.cache import Cache
from lback.core.dispatcher_instance import dispatcher # Access the dispatcher

def my_custom_error_handler(sender, **kwargs):
    status = kwargs.get('status_code', 'N/A')
    path = getattr(kwargs.get('request'), 'path', 'N/A')
    print(f"Signal received from: {type(sender).__name__}, Status: {status}, Path: {path}")
dispatcher.connect("error_response_generated", my_custom_error_handler)
""",
        namespace,
    )
    try:
        Client(make_app([], MIDDLEWARES=[])).get("/nowhere/")
    finally:
        dispatcher.disconnect("error_response_generated", namespace["my_custom_error_handler"])
    assert capsys.readouterr().out == "Signal received from: ErrorHandler, Status: 404, Path: /nowhere/\n"
