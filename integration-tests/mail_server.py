"""A mail server that wants TLS and a password, and keeps what it is sent for a test to read."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

USERNAME, PASSWORD = "shop@example.org", "app-password"


class Inbox:
    """The mail that has arrived.

    Args:
        port: Where the server listens, under the name ``localhost``.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._mails: list[tuple[str, str, str]] = []
        self._arrived = threading.Condition()

    def authenticate(self, *arguments: Any) -> AuthResult:
        """Let in one sender alone."""
        given = arguments[-1]
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (
            USERNAME.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=right, handled=right)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        message = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
        with self._arrived:
            self._mails.append((envelope.rcpt_tos[0], message["Subject"], message.get_content()))
            self._arrived.notify_all()
        return "250 OK"

    def link(self, address: str, subject: str) -> str:
        """Wait for a mail to an address, and return the link in the last such one."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self._texts(address, subject), timeout=20), self._mails
            found = re.search(r"^http://\S+", self._texts(address, subject)[-1], re.MULTILINE)
        assert found
        return found[0]

    def _texts(self, address: str, subject: str) -> list[str]:
        return [text for to, about, text in self._mails if (to, about) == (address, subject)]


@contextmanager
def mail_server(authority_file: Path) -> Iterator[Inbox]:
    """Run the server until the end of the block.

    Args:
        authority_file: Is written: the certificate of the authority that the server is known by.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(authority_file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as free:
        inbox = Inbox(free.getsockname()[1])
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=inbox.port,
        server_hostname="localhost",
        tls_context=context,
        require_starttls=True,
        authenticator=inbox.authenticate,
        auth_required=True,
    )
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()
