"""Fields for addresses: e-mail, web, network. All judge by the form alone; nothing is looked up."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import urlsplit

from lback.forms.inputs import TextInput, URLInput
from lback.forms.messages import N_
from lback.forms.text import CharField
from lback.forms.widget import Widget

#: The longest e-mail address: 64 characters, the @ and 255 more.
EMAIL_LENGTH = 320
#: The longest web address that all browsers handle.
URL_LENGTH = 2048

# Ordinary addresses, which `email_validator` takes as well, without the cost of asking it.
_ORDINARY = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?P<domain>(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+(?P<top>[A-Za-z]{2,}))"
)
# RFC 6761 and its like keep these for other uses.
_RESERVED = frozenset({"arpa", "example", "invalid", "local", "localhost", "onion", "test"})
_SHORT = 63
_LONGEST_HOST = 253
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f-\xa0\\\"<>^`{|}\ud800-\udfff\u2028\u2029]")
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?![0-9]{1,5}(?:[/?#]|$))")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


class EmailField(CharField):
    """An e-mail address. Options as for `CharField`."""

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": N_("Enter an e-mail address, such as name@example.com."),
    }

    def __init__(self, *, max_length: int | None = EMAIL_LENGTH, **options: Any) -> None:
        super().__init__(max_length=EMAIL_LENGTH if max_length is None else max_length, **options)

    def to_python(self, value: Any) -> Any:
        """Return the address with its domain in lower case."""
        address = super().to_python(value)
        # The length comes first: the parser would read all of a megabyte.
        self.validate(address)
        match = _ORDINARY.fullmatch(address)
        if match is not None and match["top"].lower() not in _RESERVED:
            at = match.start("domain")
            if at <= _SHORT and len(address) - at <= _SHORT:
                return address[:at] + address[at:].lower()
        return self._parsed(address)

    def _parsed(self, address: str) -> str:
        from email_validator import EmailNotValidError, validate_email

        try:
            return validate_email(address, check_deliverability=False).normalized
        except EmailNotValidError as error:
            raise self.error("invalid") from error

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Return ``inputmode`` as well, for the keyboard of a phone."""
        attrs = super().widget_attrs(widget)
        if isinstance(widget, TextInput):
            attrs["inputmode"] = "email"
        return attrs


class URLField(CharField):
    """The address of a page.

    Args:
        schemes: What it may begin with. What runs in a page, such as ``javascript``, belongs to none of these.
        assume_scheme: What is put in front of an address that has none, such as ``example.com``.
        options: Those of `CharField`.
    """

    default_widget = URLInput
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": N_("Enter a web address, such as https://example.com/page."),
    }

    def __init__(
        self,
        *,
        schemes: tuple[str, ...] = ("http", "https"),
        assume_scheme: str = "https",
        max_length: int | None = URL_LENGTH,
        **options: Any,
    ) -> None:
        super().__init__(max_length=URL_LENGTH if max_length is None else max_length, **options)
        self.schemes = tuple(scheme.lower() for scheme in schemes)
        self.assume_scheme = assume_scheme

    def to_python(self, value: Any) -> Any:
        """Return the address, with a scheme in front, and with scheme and host in lower case."""
        address = super().to_python(value)
        self.validate(address)
        # Looked for first, as `urlsplit` drops some of them and so would judge another address.
        if _NOT_IN_URLS.search(address) is not None:
            raise self.error("invalid")
        if "://" not in address:
            if _OTHER_SCHEME.match(address) is not None:
                raise self.error("invalid")
            address = f"{self.assume_scheme}://{address.removeprefix('//')}"
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise self.error("invalid") from error
        # A name and a password in an address are there to deceive (WHATWG URL calls them an error).
        if parts.scheme not in self.schemes or "@" in parts.netloc or port == 0 or not _is_host(host):
            raise self.error("invalid")
        return parts._replace(netloc=parts.netloc.lower()).geturl()


def _is_host(host: str) -> bool:
    """Tell whether a text can be a host: an IP address, or names of at most 63 characters joined by points."""
    if len(host) > _LONGEST_HOST:
        return False
    if ":" in host:
        try:
            return ip_address(host).version == 6
        except ValueError:
            return False
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return False
    labels = ascii_host.removesuffix(".").split(".")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        return _is_ip4(ascii_host)
    return len(ascii_host) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) is not None for label in labels)


def _is_ip4(host: str) -> bool:
    # Browsers read 0x7f.1 and 2130706433 as addresses too; those forms are taken for none here.
    try:
        return ip_address(host).version == 4
    except ValueError:
        return False


class IPAddressField(CharField):
    """The address of a machine in the Internet, of version 4 or 6, as text. Options as for `CharField`."""

    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": N_("Enter an IP address, such as 192.0.2.1 or 2001:db8::1."),
    }

    def __init__(self, *, max_length: int | None = 45, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def to_python(self, value: Any) -> Any:
        """Return the address in its short form."""
        text = super().to_python(value)
        self.validate(text)
        try:
            return str(ip_address(text))
        except ValueError as error:
            raise self.error("invalid") from error
