"""The security headers of a response, and the nonce that lets a page's own inline script run."""

from collections.abc import Mapping

from lback.core.exceptions import ConfigurationError

NONCE = "'nonce-{nonce}'"

DEFAULT_HEADERS: dict[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


def security_headers(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the headers to send: the defaults, with those of the setting ``SECURITY_HEADERS`` in their place.

    Args:
        changes: Values by header name, also spelled ``CONTENT_SECURITY_POLICY``; None leaves a header out.

    Raises:
        ConfigurationError: A value is neither text nor None.
    """
    headers = dict(DEFAULT_HEADERS)
    for key, value in changes.items():
        name = "-".join(part.capitalize() for part in key.replace("_", "-").split("-"))
        name = next((known for known in (*headers, HSTS[0]) if known.lower() == name.lower()), name)
        if value is None:
            headers.pop(name, None)
        elif isinstance(value, str):
            headers[name] = value
        else:
            raise ConfigurationError(f"SECURITY_HEADERS[{key!r}] must be text, or None to leave it out; not {value!r}.")
    return headers


def with_nonce(policy: str, nonce: str) -> str:
    """Return a Content-Security-Policy that also allows inline scripts and styles that carry `nonce`."""
    source = NONCE.format(nonce=nonce)
    directives = {part.split()[0].lower(): part.strip() for part in policy.split(";") if part.strip()}
    for name in ("script-src", "style-src"):
        # What a policy doesn't name follows its default-src. A nonce would switch 'unsafe-inline' off.
        allowed = directives.get(name) or directives.get("default-src", "").replace("default-src", name, 1)
        if allowed and "'unsafe-inline'" not in allowed:
            directives[name] = f"{allowed} {source}".replace(" 'none'", "")
    return "; ".join(directives.values())
