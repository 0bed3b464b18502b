"""`RateLimitingMiddleware`: a client may send only so many requests in a while."""

from typing import Any

from lback.core.config import Config, typed_keys
from lback.core.container import Container
from lback.core.exceptions import ConfigurationError
from lback.core.limiting import LimitStore, RateLimiter, Verdict, checked_parts, request_key
from lback.core.middleware import BaseMiddleware
from lback.core.request import Request
from lback.core.response import Response

DEFAULTS: dict[str, Any] = {"MAX_REQUESTS": 100, "WINDOW_SECONDS": 60, "PER": ["ip"], "FAIL_CLOSED": False}


class RateLimitingMiddleware(BaseMiddleware):
    """Refuses requests over the limit with a 429, and tells clients how much of it is left.

    The setting ``RATE_LIMITING_SETTINGS`` has ``MAX_REQUESTS`` (100) in ``WINDOW_SECONDS`` (60), ``PER``, a list of
    ``"ip"`` (the default), ``"user"`` and ``"route"`` (see `lback.core.limiting.request_key`), and ``FAIL_CLOSED``
    (False): whether everything is refused with a 503 while Redis is away, instead of nothing. Where the counters are,
    ``CACHE_URL`` says. Windows are fixed; see `lback.core.limiting`. Requests of all methods count, and what a
    middleware in front of this one answers does not: put it behind the static files. With ``"user"`` in ``PER`` it
    belongs behind the middleware that provides the user. A single view gets a limit of its own by
    `lback.core.limiting.rate_limit`.
    """

    def __init__(self, container: Container, config: Config, store: LimitStore) -> None:
        settings = typed_keys("RATE_LIMITING_SETTINGS", config.RATE_LIMITING_SETTINGS, DEFAULTS)
        for name in ("MAX_REQUESTS", "WINDOW_SECONDS"):
            if settings[name] < 1:
                raise ConfigurationError(f"RATE_LIMITING_SETTINGS[{name!r}] must be 1 or more, not {settings[name]}.")
        self._per = checked_parts(settings["PER"])
        limit = f"{settings['MAX_REQUESTS']} per {settings['WINDOW_SECONDS']} seconds"
        self._limiter = RateLimiter(store, limit, "requests", settings["FAIL_CLOSED"])
        container.add_request(Verdict, self._count, name="rate_limit")

    def _count(self, request: Request) -> Verdict:
        return self._limiter.check(request, request_key(request, self._per))

    def process_request(self, request: Request) -> Response | None:
        """Count a request.

        Raises:
            TooManyRequests: It is over the limit.
            ServiceUnavailable: Redis is away, and ``FAIL_CLOSED`` is set.
        """
        _ = request.rate_limit
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        """Tell the client what is left; the answer to a refusal, by this limit or the view's own, says it already."""
        verdict: Verdict | None = request.made("rate_limit")
        if verdict is not None and response.status_code != 429:
            response.headers.update(verdict.headers())
        return response
