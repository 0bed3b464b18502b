"""Time-based one-time passwords, as authenticator apps show them (RFC 6238 over RFC 4226): SHA-1, 30 seconds, 6 digits.

Other choices exist in the standard, and apps that don't know them show wrong codes.
"""

import hmac
from base64 import b32encode
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
# The clocks of phones are off, and people type slowly: the codes before and after count, too.
TOLERANCE = 1


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step.

    Args:
        secret: Twenty bytes.
        step: How many times 30 seconds have passed since 1970.
    """
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    # RFC 4226, 5.3: the last four bits say which four bytes count, and the sign bit doesn't.
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: bytes, code: str, now: float) -> int | None:
    """Return the time step that a code belongs to, or None if it is wrong, or of another time.

    Args:
        secret: Twenty bytes.
        code: What was entered.
        now: The time in seconds since 1970.
    """
    current = int(now // STEP_SECONDS)
    found = None
    for step in range(current - TOLERANCE, current + TOLERANCE + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "surrogatepass")):
            found = step
    return found


def base32(secret: bytes) -> str:
    """Return the secret as people type it into an app."""
    return b32encode(secret).decode().rstrip("=")


def address(secret: bytes, account: str, site: str) -> str:
    """Return the ``otpauth:`` address that an app reads from a QR code."""
    label, issuer = quote(f"{site}:{account}", safe=""), quote(site, safe="")
    return f"otpauth://totp/{label}?secret={base32(secret)}&issuer={issuer}"
