"""Which names hold secrets, and how a value is shown where a secret must not be."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "********"

# Names of settings, variables, headers and form fields whose values are nobody's business.
_SECRET_NAME = re.compile(
    r"SECRET|PASS(WORD|WD|PHRASE)|(^|_)PASS($|_)|TOKEN|API_?KEY|(^|_)KEY($|_)|PRIVATE|SIGNATURE|CREDENTIAL|AUTHORIZATION"
    r"|COOKIE(?!_NAME)|SESSION_?ID|(^|_)DSN($|_)|(DATABASE|REDIS|BROKER|CACHE)_URL"
)


def is_secret_name(name: str) -> bool:
    """Tell whether a value under this name is treated as a secret, judged by the name alone."""
    return _SECRET_NAME.search(name.upper().replace("-", "_")) is not None


def redacted(name: str, value: Any) -> Any:
    """Return `value` for display: masked when `name` or a key inside says that it is a secret."""
    if is_secret_name(name):
        return MASK
    if isinstance(value, Mapping):
        return {key: redacted(str(key), item) for key, item in value.items()}
    return value
