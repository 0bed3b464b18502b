"""What `lback.core.mail.EmailSender` hands its messages to."""

import secrets
import smtplib
import ssl
import sys
import time
from email.message import EmailMessage
from pathlib import Path

from lback.core.mail import MailError
from lback.security.printable import printable, writable
from lback.security.redaction import MASK

IMPLICIT_TLS_PORT = 465
_LOCAL = ("localhost", "127.0.0.1", "::1")


class SMTPBackend:
    """Delivers to a mail server, over one connection for each message.

    The arguments are those of `lback.core.mail.EmailSender`.
    """

    def __init__(self, server: str, port: int, username: str, password: str, use_tls: bool, timeout: float) -> None:
        self._server = server
        self._port = port
        self._username = username
        self._password = password
        self._use_tls = use_tls
        self._timeout = timeout

    def __call__(self, message: EmailMessage) -> None:
        """Deliver a message.

        Raises:
            MailError: The server can't be reached, its certificate is not valid, it refuses the login, or a recipient.
        """
        if not self._server:
            raise MailError("No mail server is configured: set SMTP_SERVER, or EMAIL_BACKEND to another one than smtp.")
        if self._username and not self._encrypted and self._server not in _LOCAL:
            raise MailError("The password for the mail server is not sent without encryption: set USE_TLS.")
        failure = ""
        try:
            with self._connection() as smtp:
                if self._username:
                    smtp.login(self._username, self._password)
                refused = smtp.send_message(message)
            if refused:
                failure = f"The mail server refused {', '.join(sorted(refused))}; others got the message."
        except (OSError, smtplib.SMTPException, ValueError) as error:
            failure = self._told(error)
        # Raised out here, without the original: what that holds, and the variables on its way, include the password.
        if failure:
            raise MailError(failure)

    @property
    def _encrypted(self) -> bool:
        return self._use_tls or self._port == IMPLICIT_TLS_PORT

    def _connection(self) -> smtplib.SMTP:
        if self._port == IMPLICIT_TLS_PORT:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._server, self._port, timeout=self._timeout, context=context)
        smtp = smtplib.SMTP(self._server, self._port, timeout=self._timeout)
        if self._use_tls:
            try:
                smtp.starttls(context=ssl.create_default_context())
            except BaseException:
                smtp.close()
                raise
        return smtp

    def _told(self, error: Exception) -> str:
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            reason = f"it refused every recipient: {_answer(next(iter(error.recipients.values())))}"
        elif isinstance(error, smtplib.SMTPResponseException):
            reason = _answer((error.smtp_code, error.smtp_error))
        elif isinstance(error, UnicodeError):
            reason = "the login name and the password must be ASCII, and so must addresses, for this server"
        else:
            reason = f"{type(error).__name__}: {error}"
        told = f"The message was not delivered to {self._server}, port {self._port}: {reason}"
        return told.replace(self._password, MASK) if self._password else told


def _answer(answer: tuple[int, bytes | str]) -> str:
    code, text = answer
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def print_message(message: EmailMessage) -> None:
    """Print a message as a person reads it, on the standard output."""
    lines = [f"{name}: {message[name]}" for name in ("From", "To", "Subject")]
    for part in message.walk():
        if not part.is_multipart():
            lines += ["", f"[{part.get_content_type()}]", *part.get_content().splitlines()]
    text = "\n".join(["-" * 79, *map(printable, lines), "-" * 79, ""])
    sys.stdout.write(writable(text, sys.stdout))
    sys.stdout.flush()


class FileBackend:
    """Writes each message into a file of its own, which mail programs open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, message: EmailMessage) -> None:
        """Write a message, readable for nobody else.

        Raises:
            MailError: The folder can't be made or written to.
        """
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}.eml"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / name
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(message.as_bytes())
        except OSError as error:
            raise MailError(f"The message can't be written to {self._folder}: {error}") from error
