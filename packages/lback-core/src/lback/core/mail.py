"""Mail: `EmailSender` writes a message and hands it to the backend that ``EMAIL_BACKEND`` names."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lback.core.config import Config
from lback.core.exceptions import ConfigurationError, LbackError

if TYPE_CHECKING:
    from email.message import EmailMessage

# RFC 5321, 4.5.3.1.3: a path has at most 256 octets, its angle brackets included.
MAX_ADDRESS = 254
BACKENDS = ("smtp", "console", "file", "memory")
MAX_SUBJECT = 900
# Each gives another domain by the rules of 2003, which Python has, than by those of 2008, which registries have.
_READ_IN_TWO_WAYS = "\u00df\u03c2\u200c\u200d"


class MailError(LbackError):
    """A message was not sent. The text says why, and never holds the password."""


class EmailSender:
    """Sends mail.

    Args:
        smtp_server: The host name of the mail server.
        smtp_port: 587 for STARTTLS, 465 for TLS from the first byte.
        smtp_username: Whom to log in as; empty sends without a login.
        smtp_password: The password for that.
        sender_email: The address in ``From``.
        use_tls: Whether the connection must be encrypted, and the certificate be valid for the server's name.
        sender_name: The name in ``From``.
        backend: ``smtp``; ``console`` prints messages, ``file`` writes them into `folder`, ``memory`` appends them to
            `outbox`, for tests.
        timeout: Seconds that the server may take for an answer.
        folder: Where the backend ``file`` writes.

    Raises:
        ConfigurationError: There is no such backend.

    Example:
        ``request.after_response(lambda: mail.send_email("ada@example.org", "Welcome", "Hello Ada"))``
    """

    def __init__(
        self,
        smtp_server: str,
        smtp_port: int = 587,
        smtp_username: str = "",
        smtp_password: str = "",
        sender_email: str = "",
        use_tls: bool = True,
        sender_name: str = "",
        *,
        backend: str = "smtp",
        timeout: float = 10,
        folder: Path | str = "mail",
    ) -> None:
        if backend not in BACKENDS:
            raise ConfigurationError(f"EMAIL_BACKEND must be one of {', '.join(BACKENDS)}, not {backend!r}.")
        self.sender_email = sender_email
        self.sender_name = sender_name
        #: The messages sent through the backend ``memory``.
        self.outbox: list[EmailMessage] = []
        self._backend = backend
        self._folder = Path(folder)
        self._server = (smtp_server, smtp_port, smtp_username, smtp_password, use_tls, timeout)

    @classmethod
    def from_config(cls, config: Config) -> "EmailSender":
        """Return the sender that the settings describe; without ``EMAIL_BACKEND`` it prints while ``DEBUG`` is on."""
        return cls(
            config.SMTP_SERVER,
            config.SMTP_PORT,
            config.EMAIL_USERNAME,
            config.EMAIL_PASSWORD,
            config.SENDER_EMAIL,
            config.USE_TLS,
            config.SENDER_NAME,
            backend=config.EMAIL_BACKEND or ("console" if config.DEBUG else "smtp"),
            timeout=config.EMAIL_TIMEOUT,
            folder=Path(config.BASE_DIR) / config.EMAIL_FOLDER,
        )

    def send_email(
        self,
        to_email: str | Iterable[str],
        subject: str,
        body: str,
        is_html: bool = False,
        *,
        html: str = "",
        reply_to: str = "",
    ) -> None:
        """Send a message.

        Args:
            to_email: The address, or several.
            subject: One line.
            body: The text; an HTML document if `is_html`.
            is_html: Whether `body` is HTML.
            html: The same as `body` in HTML, for readers that show it.
            reply_to: The address that answers go to.

        Raises:
            ValueError: An address or the subject can't stand in a header, such as one with a line break.
            MailError: The message could not be delivered, or not to everybody.
        """
        recipients = [to_email] if isinstance(to_email, str) else list(to_email)
        self._deliver()(self._message(recipients, subject, body, is_html, html, reply_to))

    def _deliver(self) -> "Callable[[EmailMessage], None]":
        if self._backend == "memory":
            return self.outbox.append
        # The libraries for mail cost more to import than a small application; a site that sends none is spared them.
        from lback.core.mail_backends import FileBackend, SMTPBackend, print_message

        if self._backend == "smtp":
            return SMTPBackend(*self._server)
        return print_message if self._backend == "console" else FileBackend(self._folder)

    def _message(
        self, recipients: list[str], subject: str, body: str, is_html: bool, html: str, reply_to: str
    ) -> "EmailMessage":
        from email import policy
        from email.headerregistry import Address
        from email.message import EmailMessage
        from email.utils import format_datetime, localtime, make_msgid

        if not recipients:
            raise ValueError("A message needs a recipient.")
        sender = checked_address(self.sender_email or "noreply@localhost")
        message = EmailMessage(policy=policy.SMTP)
        message["Subject"] = checked_line("subject", subject, MAX_SUBJECT)
        message["From"] = Address(checked_line("sender name", self.sender_name, MAX_SUBJECT), addr_spec=sender)
        message["To"] = [Address(addr_spec=checked_address(recipient)) for recipient in recipients]
        if reply_to:
            message["Reply-To"] = Address(addr_spec=checked_address(reply_to))
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
        # RFC 3834: holiday notices are not sent in answer to this.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body, subtype="html" if is_html else "plain")
        if html:
            message.add_alternative(html, subtype="html")
        return message


def checked_line(what: str, text: str, limit: int) -> str:
    """Return a text that fits into a header.

    Raises:
        ValueError: It is too long, or holds a line break or another control character.
    """
    if len(text) > limit:
        raise ValueError(f"The {what} of a message must have at most {limit} characters; this one has {len(text)}.")
    if any(ord(character) < 32 or 127 <= ord(character) < 160 or character in "\u2028\u2029" for character in text):
        raise ValueError(f"The {what} of a message must be one line without control characters, not {text!r}.")
    return text


def checked_address(address: str) -> str:
    """Return an address that mail can be sent to, its domain as the name system has it.

    Raises:
        ValueError: It is none.
    """
    from email.errors import MessageError
    from email.headerregistry import Address

    address = _with_ascii_domain(checked_line("address", address, MAX_ADDRESS))
    try:
        parsed = Address(addr_spec=address)
    except (MessageError, ValueError, IndexError) as error:
        raise ValueError(f"This is no mail address: {address!r}.") from error
    if not parsed.username or not parsed.domain or any(character in address for character in " ,;<>"):
        raise ValueError(f"This is no mail address: {address!r}.")
    return address


def _with_ascii_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    if any(character in domain for character in _READ_IN_TWO_WAYS):
        raise ValueError(f"The domain of this mail address must be given in its form with xn--: {address!r}.")
    try:
        return local + at + domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"This is no mail address: {address!r}.") from error
