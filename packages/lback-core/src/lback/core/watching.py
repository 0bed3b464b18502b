"""The middleware chain with signals around its hooks; used while anybody listens to any signal."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from lback.core.middleware import MiddlewareChain, RequestHook, ResponseHook
from lback.core.request import Request
from lback.core.response import Response
from lback.core.signals import SignalDispatcher

Send = Callable[..., Any]


def watched_chain(chain: MiddlewareChain, dispatcher: SignalDispatcher) -> MiddlewareChain:
    """Return `chain` with a signal before and after each of its hooks, and before and after each direction."""
    send = dispatcher.send

    def starts(request: Request) -> None:
        send("middleware_request_processing_started", chain, request=request)

    def finishes(request: Request) -> None:
        send("middleware_request_processing_finished", chain, request=request)

    def turns(request: Request, response: Response) -> Response:
        send("middleware_response_processing_started", chain, request=request, response=response)
        return response

    def ends(request: Request, response: Response) -> Response:
        send("middleware_response_processing_finished", chain, request=request, response=response)
        return response

    return replace(
        chain,
        on_request=(starts, *(_watched_request(hook, chain, send) for hook in chain.on_request), finishes),
        on_response=(turns, *(_watched_response(hook, chain, send) for hook in chain.on_response), ends),
    )


def _watched_request(hook: RequestHook, chain: MiddlewareChain, send: Send) -> RequestHook:
    middleware = _owner(hook)

    @wraps(hook)
    def watched(request: Request) -> Response | None:
        send("middleware_process_request_started", chain, **middleware, request=request)
        try:
            response = hook(request)
        except Exception as error:
            send("middleware_process_request_failed", chain, **middleware, request=request, exception=error)
            raise
        send("middleware_process_request_succeeded", chain, **middleware, request=request)
        if response is not None:
            send("middleware_request_short_circuited", chain, **middleware, request=request, response=response)
        return response

    return watched


def _watched_response(hook: ResponseHook, chain: MiddlewareChain, send: Send) -> ResponseHook:
    middleware = _owner(hook)

    @wraps(hook)
    def watched(request: Request, response: Response) -> Response:
        send("middleware_process_response_started", chain, **middleware, request=request, response=response)
        try:
            response = hook(request, response)
        except Exception as error:
            send("middleware_process_response_failed", chain, **middleware, request=request, exception=error)
            raise
        send("middleware_process_response_succeeded", chain, **middleware, request=request, response=response)
        return response

    return watched


def _owner(hook: Callable[..., Any]) -> dict[str, Any]:
    middleware = getattr(hook, "__self__", hook)
    return {"middleware_instance": middleware, "middleware_name": type(middleware).__name__}
