"""Cookies: reading the request's header, and writing one for a response."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime

# RFC 6265, 4.1.1: what a name and a value may consist of.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_ATTRIBUTE = re.compile(r"[\x20-\x3a\x3c-\x7e]+")
_SAMESITE = ("Lax", "Strict", "None")


def parse_cookies(header: str) -> dict[str, str]:
    """Return the cookies of a ``Cookie`` header by name; of several with one name the first counts.

    A cookie without a name is ignored: browsers send ``=__Host-x=v`` for one, and reading the rest as a cookie of
    its own would let a sibling domain forge it.
    """
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, separator, value = part.partition("=")
        # RFC 6265, 5.4: only spaces and tabs are around a name. Other white space is a part of it, and taking it away
        # would let "\u00a0__Host-x" be read as a cookie that browsers keep for this host alone.
        name = name.strip(" \t")
        if separator and name and name not in cookies:
            cookies[name] = value.strip(" \t").strip('"')
    return cookies


def format_cookie(
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    path: str = "/",
    domain: str | None = None,
    secure: bool = False,
    httponly: bool = True,
    samesite: str | None = "Lax",
) -> str:
    """Return the value of a ``Set-Cookie`` header.

    Args:
        name: A token of RFC 6265.
        value: ASCII without spaces, quotes, commas, semicolons and backslashes; encode anything else first.
        max_age: Seconds to live; None lets it end with the browser's session, 0 deletes it.
        path: Where it is sent back to.
        domain: The domain it is sent to with its subdomains; None is this host alone.
        secure: Send it over https alone.
        httponly: Hide it from scripts.
        samesite: ``Lax``, ``Strict``, ``None``, or no such attribute.

    Raises:
        ValueError: Something would begin a header or an attribute of its own, or a prefix or ``SameSite=None`` asks
            for what the other arguments do not give.
    """
    _check(name, value, path, domain, secure, samesite)
    parts = [f"{name}={value}"]
    for attribute, text in (("Domain", domain), ("Path", path)):
        if text is not None:
            parts.append(f"{attribute}={text}")
    if max_age is not None:
        parts.append(f"Max-Age={int(max_age)}")
        if max_age <= 0:
            parts.append(f"Expires={format_datetime(datetime.fromtimestamp(0, UTC), usegmt=True)}")
    if secure:
        parts.append("Secure")
    if httponly:
        parts.append("HttpOnly")
    if samesite is not None:
        parts.append(f"SameSite={samesite}")
    return "; ".join(parts)


def _check(name: str, value: str, path: str, domain: str | None, secure: bool, samesite: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"A cookie's name consists of letters, digits and hyphens; this one does not: {name!r}.")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"The cookie {name} has a value with characters that cookies can't hold; encode it first.")
    if samesite is not None and samesite not in _SAMESITE:
        raise ValueError(f"SameSite is Lax, Strict or None, not {samesite!r}.")
    if samesite == "None" and not secure:
        raise ValueError("Browsers refuse a cookie with SameSite=None that is not Secure.")
    if name.startswith(("__Host-", "__Secure-")) and not secure:
        raise ValueError(f"Browsers refuse the cookie {name} unless it is Secure.")
    if name.startswith("__Host-") and (domain is not None or path != "/"):
        raise ValueError(f"Browsers refuse the cookie {name} with a Domain, or with a Path other than /.")
    for attribute, text in (("Domain", domain), ("Path", path)):
        if text is not None and not _ATTRIBUTE.fullmatch(text):
            raise ValueError(f"The {attribute} of a cookie can't hold semicolons or control characters: {text!r}.")
