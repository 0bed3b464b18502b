"""The report of an unexpected exception, for developers: shown with ``DEBUG`` on, and only then.

It runs nothing: there is no console on it, and everything is escaped. Secrets are masked by their names.
"""

import linecache
import reprlib
import secrets
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from lback.core.request import Request
from lback.core.response import HTMLResponse, Response
from lback.security.redaction import MASK, is_secret_name, redacted, scrubbed, without

if TYPE_CHECKING:
    from lback.core.templating import TemplateRenderer

CONTEXT_LINES = 5
# The first steps show where it began, the last ones where it happened; between them lies what repeats itself.
FIRST_FRAMES, LAST_FRAMES = 10, 40
MAX_LINKS = 10
MAX_VALUE = 500
MAX_MESSAGE = 5000
MAX_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of the way to the exception."""

    path: str
    line: int
    function: str
    source: list[tuple[int, str]]
    variables: list[tuple[str, str]]
    own: bool


@dataclass(frozen=True, slots=True)
class Link:
    """One exception of the chain, with how it relates to the one before."""

    kind: str
    message: str
    relation: str
    frames: list[Frame]


def message_of(error: BaseException) -> str:
    """Return the text of an exception, without passwords; some fail when they are asked for it."""
    try:
        return scrubbed(str(error)[:MAX_MESSAGE])
    except Exception as failure:  # noqa: BLE001 - whatever its __str__ raises
        return f"(its text can't be shown, as that raised {type(failure).__name__})"


def text_report(error: BaseException, known: Iterable[str] = ()) -> str:
    """Return the traceback as text, without any values of variables and without the `known` secrets."""
    parts = traceback.format_exception(error)
    # The lines of the source stay as they are.
    text = "".join(part if part.lstrip(" |").startswith('File "') else scrubbed(part) for part in parts)
    return without(text, known)


def html_report(templates: "TemplateRenderer", request: Request, error: BaseException) -> Response:
    """Return the report as a page with a policy of its own: nothing loads, nothing runs."""
    nonce = secrets.token_urlsafe(16)
    base = str(request.config.BASE_DIR)
    page = templates.render(
        "debug.html",
        {
            "nonce": nonce,
            "links": [
                Link(_kind(link), message_of(link), relation, _frames(link.__traceback__, base))
                for link, relation in _chain(error)
            ],
            "request": request,
            "groups": [
                ("Query", _shown(_query(request))),
                ("Form", _shown(_form(request))),
                ("Headers", _shown(request.headers)),
                ("Cookies", [(name, MASK) for name in request.cookies]),
                ("Settings", _shown(request.config)),
            ],
        },
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    # Names mask most; a secret under a harmless name, or in the source beside the error, is known by its text.
    known = request.config.secrets
    page = without(page, [*known, *map(str, map(escape, known))])
    return HTMLResponse(page, 500, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def _query(request: Request) -> Mapping[str, str]:
    try:
        return request.GET
    except Exception:  # noqa: BLE001 - the report must appear, whatever the request holds
        return {}


def _form(request: Request) -> Mapping[str, str]:
    # Only what was read before: a body that broke the view would break the report too.
    return request.form if "_form" in vars(request) else {}


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _chain(error: BaseException) -> list[tuple[BaseException, str]]:
    """Return the exception and what it came from, the last one raised first, each group before its members."""
    links: list[tuple[BaseException, str]] = []
    waiting: list[tuple[BaseException | None, str]] = [(error, "")]
    seen: set[int] = set()
    while waiting and len(links) < MAX_LINKS:
        current, relation = waiting.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        links.append((current, relation))
        if isinstance(current, BaseExceptionGroup):
            waiting += [(member, "One of them is") for member in current.exceptions]
        if current.__cause__ is not None:
            waiting.append((current.__cause__, "Caused by"))
        elif not current.__suppress_context__:
            waiting.append((current.__context__, "While handling"))
    return links


def _frames(trace: TracebackType | None, base: str) -> list[Frame]:
    frames = []
    steps = list(traceback.walk_tb(trace))
    for frame, line in steps[:FIRST_FRAMES] + steps[FIRST_FRAMES:][-LAST_FRAMES:]:
        code = frame.f_code
        path = code.co_filename
        frames.append(
            Frame(
                path=path.removeprefix(f"{base}/").rpartition("/site-packages/")[2],
                line=line,
                function=code.co_qualname,
                source=_source(path, line, frame.f_globals),
                variables=_shown(frame.f_locals),
                own=path.startswith(f"{base}/") and "site-packages" not in Path(path).parts,
            )
        )
    return frames


def _source(path: str, line: int, module_globals: dict[str, Any]) -> list[tuple[int, str]]:
    lines = linecache.getlines(path, module_globals)
    first = max(line - CONTEXT_LINES, 1)
    return [(number, lines[number - 1].rstrip()) for number in range(first, min(line + CONTEXT_LINES, len(lines)) + 1)]


def _shown(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (str(name), _value(str(name), value)) for name, value in sorted(values.items(), key=lambda item: str(item[0]))
    ]


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = MAX_VALUE
_repr.maxdict = _repr.maxlist = _repr.maxtuple = _repr.maxset = 20


def _value(name: str, value: Any) -> str:
    if is_secret_name(name):
        return str(redacted(name, value))
    try:
        small = isinstance(value, dict | list | tuple) and len(value) <= MAX_ITEMS
        return scrubbed(_repr.repr(redacted(name, value) if small else value)[:MAX_VALUE])
    except Exception as error:  # noqa: BLE001 - the repr of whatever the frame held
        return f"<{type(value).__name__}: its repr raised {type(error).__name__}>"
