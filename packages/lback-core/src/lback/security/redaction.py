"""Which names hold secrets, and how a value is shown where a secret must not be."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "********"

# Names of settings, variables, headers and form fields whose values are nobody's business.
_SECRET_NAME = re.compile(
    r"SECRET|PASS(WORD|WD|PHRASE)|(^|_)PASS($|_)|TOKEN|API_?KEY|(^|_)KEY($|_)|PRIVATE|SIGNATURE|CREDENTIAL|AUTHORIZATION"
    r"|COOKIE(?!_NAME)|SESSION_?ID|(^|_)DSN($|_)|(DATABASE|DB|REDIS|BROKER|CACHE)_UR[LI]"
)
# A name and what joins it to a value: in the repr of a mapping or an object, in a query string, in a header.
_NAME = re.compile(r"(?<![\w-])([\w-]{1,100})['\"]?\s?[:=]\s?")
_VALUE = re.compile(
    r"""((Bearer|Basic|Digest|Token)\s+)?([bru]{0,2}'(\\.|[^'\\])*'?|[bru]{0,2}"(\\.|[^"\\])*"?"""
    r"""|\[[^\]]*\]?|\([^)]*\)?|[^\s,;&()\[\]{}'"<>]+)""",
    re.IGNORECASE | re.DOTALL,
)
_URL_PASSWORD = re.compile(r"(://[^\s/:@'\"]*:)[^\s/@'\"]+@")


def is_secret_name(name: str) -> bool:
    """Tell whether a value under this name is treated as a secret, judged by the name alone."""
    return _SECRET_NAME.search(name.upper().replace("-", "_")) is not None


def redacted(name: str, value: Any) -> Any:
    """Return `value` for display: masked when `name` or a key inside says that it is a secret."""
    if is_secret_name(name):
        return MASK
    if isinstance(value, Mapping):
        return {key: redacted(str(key), item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(redacted(name, item) for item in value)
    return _URL_PASSWORD.sub(rf"\1{MASK}@", value) if type(value) is str else value


def scrubbed(text: str) -> str:
    """Return text for display without the values that stand behind the names of secrets, and passwords in addresses."""
    parts = []
    position = 0
    for found in _NAME.finditer(text):
        # Looked at last: what a value of many brackets or quotes takes is paid once, not again for each name in it.
        if found.start() < position or not is_secret_name(found[1]):
            continue
        value = _VALUE.match(text, found.end())
        if value is not None:
            parts += [text[position : found.end()], MASK]
            position = value.end()
    return _URL_PASSWORD.sub(rf"\1{MASK}@", "".join(parts) + text[position:])


def without(text: str, secrets: Iterable[str]) -> str:
    """Return text for display in which none of `secrets` stands, under whatever name it came in."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text
