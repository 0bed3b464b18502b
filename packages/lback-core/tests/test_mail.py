"""Mail: what a message looks like, what can't be smuggled into one, and a real mail server that takes or refuses it."""

import socket
import ssl
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from hypothesis import given
from hypothesis import strategies as st

from lback.core import mail_backends
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.mail import EmailSender, MailError
from lback.core.testing import Client, make_app
from lback.utils import email_sender
from lback.utils.urls import path

PASSWORD = "s3cr3t-pass"
WRONG = "wr0ng-pass"
NOT_ASCII = "wr\u00f6ng-pass"


@pytest.fixture
def outbox() -> EmailSender:
    """A sender whose messages stay in memory."""
    return EmailSender("", sender_email="shop@example.org", sender_name="Zoë's Shop", backend="memory")


def only(sender: EmailSender) -> EmailMessage:
    (message,) = sender.outbox
    return message


# -- messages ---------------------------------------------------------------------------------------------------------


def test_a_message_says_who_sends_it_to_whom(outbox: EmailSender) -> None:
    outbox.send_email("ada@example.org", "Grüße", "Hello Ada")
    message = only(outbox)
    assert message["From"] == "Zoë's Shop <shop@example.org>"
    assert (message["To"], message["Subject"]) == ("ada@example.org", "Grüße")
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Date"]
    assert (message.get_content_type(), message.get_content()) == ("text/plain", "Hello Ada\n")


def test_a_message_goes_to_several_people(outbox: EmailSender) -> None:
    outbox.send_email(["ada@example.org", "bob@example.org"], "Hello", "Both", reply_to="help@example.org")
    assert only(outbox)["To"] == "ada@example.org, bob@example.org"
    assert only(outbox)["Reply-To"] == "help@example.org"


def test_a_body_may_be_html(outbox: EmailSender) -> None:
    outbox.send_email("ada@example.org", "Hello", "<p>Hello</p>", is_html=True)
    assert only(outbox).get_content_type() == "text/html"


def test_text_and_html_stand_beside_each_other(outbox: EmailSender) -> None:
    outbox.send_email("ada@example.org", "Hello", "Hello", html="<p>Hello</p>")
    message = only(outbox)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


BREAKS = ["\n", "\r", "\r\n", "\0", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x1b"]


@pytest.mark.parametrize("line_break", BREAKS)
def test_no_header_can_be_smuggled_in(outbox: EmailSender, line_break: str) -> None:
    smuggled = f"{line_break}Bcc: everybody@example.com"
    with pytest.raises(ValueError, match="one line"):
        outbox.send_email("ada@example.org", "Hello" + smuggled, "x")
    with pytest.raises(ValueError, match="one line"):
        outbox.send_email("ada@example.org" + smuggled, "Hello", "x")
    with pytest.raises(ValueError, match="one line"):
        outbox.send_email("ada@example.org", "Hello", "x", reply_to="a@example.org" + smuggled)
    outbox.sender_name = "Shop" + smuggled
    with pytest.raises(ValueError, match="one line"):
        outbox.send_email("ada@example.org", "Hello", "x")
    assert outbox.outbox == []


NO_ADDRESSES = [
    "",
    "ada",
    "@example.org",
    "ada@",
    "a@b@c",
    "ada@example.org, eve@example.com",
    "Ada <ada@example.org>",
    "ada@example.org;eve@example.com",
    "ada example@example.org",
    "x" * 250 + "@example.org",
]


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_is_refused(outbox: EmailSender, address: str) -> None:
    with pytest.raises(ValueError, match=r"mail address|at most"):
        outbox.send_email(address, "Hello", "x")


def test_a_domain_in_any_script_is_written_as_the_name_system_has_it(outbox: EmailSender) -> None:
    outbox.sender_email = "shop@b\u00fccher.example"
    outbox.send_email("ada@\u4f8b\u3048.example", "Hello", "x", reply_to="help@b\u00fccher.example")
    message = only(outbox)
    assert message["From"].endswith("<shop@xn--bcher-kva.example>")
    assert (message["To"], message["Reply-To"]) == (
        "ada@xn--r8jz45g.example",
        "help@xn--bcher-kva.example",
    )
    assert message["Message-ID"].endswith("@xn--bcher-kva.example>")


@pytest.mark.parametrize("domain", ["stra\u00dfe.example", "b.example\uff20evil.example", "\u00fc..example"])
def test_a_domain_that_could_be_another_is_refused(outbox: EmailSender, domain: str) -> None:
    with pytest.raises(ValueError, match="mail address"):
        outbox.send_email(f"ada@{domain}", "Hello", "x")


def test_a_message_needs_a_recipient(outbox: EmailSender) -> None:
    with pytest.raises(ValueError, match="needs a recipient"):
        outbox.send_email([], "Hello", "x")


@given(st.text(max_size=400), st.text(max_size=100))
def test_whatever_is_given_becomes_one_message_to_one_person_or_is_refused(subject: str, address: str) -> None:
    sender = EmailSender("", sender_email="shop@example.org", backend="memory")
    try:
        sender.send_email(f"a{address}@example.org", subject, "x")
    except ValueError:
        return
    raw = only(sender).as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    assert names.count(b"To") == names.count(b"Subject") == 1
    assert b"Bcc" not in names


# -- backends ---------------------------------------------------------------------------------------------------------


def test_in_development_messages_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    sender = EmailSender.from_config(Config({"DEBUG": True}))
    sender.send_email("ada@example.org", "Grüße", "Follow https://example.org/?a=1\x1b[2J", html="<p>x</p>")
    printed = capsys.readouterr().out
    assert "Subject: Grüße\n" in printed
    assert "\nFollow https://example.org/?a=1\\x1b[2J\n" in printed
    assert "[text/html]\n<p>x</p>\n" in printed


def test_messages_are_written_into_files_for_nobody_else(tmp_path: Path) -> None:
    sender = EmailSender.from_config(Config({"EMAIL_BACKEND": "file", "BASE_DIR": tmp_path, "EMAIL_FOLDER": "out"}))
    for _ in range(2):
        sender.send_email("ada@example.org", "Hello", "x")
    files = list((tmp_path / "out").glob("*.eml"))
    assert len(files) == 2
    assert b"\r\nTo: ada@example.org\r\n" in files[0].read_bytes()
    assert files[0].stat().st_mode & 0o077 == 0


def test_a_folder_that_can_not_be_written_to_is_a_mail_error(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    sender = EmailSender("", backend="file", folder=tmp_path / "mail")
    with pytest.raises(MailError, match="can't be written"):
        sender.send_email("ada@example.org", "Hello", "x")


def test_a_backend_that_is_none_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="EMAIL_BACKEND must be one of smtp, console, file, memory"):
        make_app([], EMAIL_BACKEND="pigeon")


def test_without_a_server_sending_says_what_to_set() -> None:
    with pytest.raises(MailError, match="set SMTP_SERVER"):
        EmailSender.from_config(Config()).send_email("ada@example.org", "Hello", "x")


def test_views_and_middlewares_get_the_sender() -> None:
    def view(request: Any, mail: EmailSender) -> str:
        mail.send_email("ada@example.org", "Hello", "x")
        return "sent"

    class Wants:
        def __init__(self, email_sender: Any) -> None:
            self.sender = email_sender

    app = make_app([path("/", view)], MIDDLEWARES=[])
    Client(app).get("/")
    assert len(app.container.build(Wants).sender.outbox) == 1
    assert email_sender.EmailSender is EmailSender


def test_a_site_that_sends_no_mail_imports_nothing_for_it() -> None:
    code = "import sys; from lback.core.testing import make_app; make_app([]); print('smtplib' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


# -- a mail server ----------------------------------------------------------------------------------------------------


class Inbox:
    """Keeps what a server took, and refuses recipients at ``refused.example``."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.logins: list[tuple[str, str]] = []

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address.endswith("@refused.example"):
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(envelope)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"

    def authenticate(self, server: SMTP, session: Any, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        if data.password.decode() == PASSWORD:
            return AuthResult(success=True)
        # A server that repeats what it was given, as some do.
        assert server.transport is not None
        server.transport.write(b"535 Not you: " + data.password + b"\r\n")
        return AuthResult(success=False, handled=True)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


Serve = Callable[..., int]


@pytest.fixture
def serve(inbox: Inbox, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a mail server that is called by a name, and return its port; our side trusts its authority."""
    controllers: list[Controller] = []
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    def start(name: str = "localhost", *, tls: str = "starttls", login: bool = False) -> int:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(context)
        options: dict[str, Any] = {}
        if tls == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        elif tls == "implicit":
            options |= {"ssl_context": context}
        if login:
            options |= {
                "authenticator": inbox.authenticate,
                "auth_required": True,
                "auth_require_tls": tls != "implicit",
            }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        controller = Controller(inbox, hostname="127.0.0.1", port=port, server_hostname=name, **options)
        controller.start()
        controllers.append(controller)
        return port

    yield start
    for controller in controllers:
        controller.stop()


def sender(port: int, **options: Any) -> EmailSender:
    values = {"smtp_username": "", "smtp_password": "", "sender_email": "shop@example.org", **options}
    return EmailSender("localhost", port, **values)


def test_a_message_arrives_over_starttls(serve: Serve, inbox: Inbox) -> None:
    sender(serve()).send_email("ada@example.org", "Grüße", ".\r\nHello Ada\n.")
    (envelope,) = inbox.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == ("shop@example.org", ["ada@example.org"])
    assert b"Hello Ada\r\n" in bytes(envelope.content or b"")
    assert inbox.encrypted == [True]


def test_a_message_arrives_over_tls_from_the_first_byte_on(
    serve: Serve, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = serve(tls="implicit")
    # Port 465 says it; only root could listen there.
    monkeypatch.setattr(mail_backends, "IMPLICIT_TLS_PORT", port)
    sender(port).send_email("ada@example.org", "Hello", "x")
    assert inbox.encrypted == [True]


def test_a_server_without_tls_is_served_when_that_is_said(serve: Serve, inbox: Inbox) -> None:
    sender(serve(tls="none"), use_tls=False).send_email("ada@example.org", "Hello", "x")
    assert inbox.encrypted == [False]


def test_a_server_that_offers_no_tls_gets_no_message_when_tls_is_wanted(serve: Serve, inbox: Inbox) -> None:
    with pytest.raises(MailError, match="STARTTLS"):
        sender(serve(tls="none")).send_email("ada@example.org", "Hello", "x")
    assert inbox.messages == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_for_another_name_is_not_taken(
    serve: Serve, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    port = serve("mail.example.org", tls=tls)
    if tls == "implicit":
        monkeypatch.setattr(mail_backends, "IMPLICIT_TLS_PORT", port)
    with pytest.raises(MailError, match="CERTIFICATE_VERIFY_FAILED"):
        sender(port).send_email("ada@example.org", "Hello", "x")
    assert inbox.messages == []


def test_a_certificate_of_an_unknown_authority_is_not_taken(
    serve: Serve, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = serve()
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(MailError, match="CERTIFICATE_VERIFY_FAILED"):
        sender(port).send_email("ada@example.org", "Hello", "x")
    assert inbox.messages == []


def test_the_sender_logs_in(serve: Serve, inbox: Inbox) -> None:
    config = Config(
        {
            "SMTP_SERVER": "localhost",
            "SMTP_PORT": serve(login=True),
            "EMAIL_USERNAME": "shop",
            "EMAIL_PASSWORD": PASSWORD,
            "SENDER_EMAIL": "shop@example.org",
        }
    )
    EmailSender.from_config(config).send_email("ada@example.org", "Hello", "x")
    assert inbox.logins == [("shop", PASSWORD)]
    assert len(inbox.messages) == 1


def told(error: BaseException) -> str:
    """What a log of the error shows; what it came from is not kept, as a report could look into that."""
    assert error.__context__ is None
    return "".join(traceback.format_exception(error))


def test_a_refused_login_is_told_without_the_password(serve: Serve, inbox: Inbox) -> None:
    """Even where the server repeats it."""
    with pytest.raises(MailError, match=r"535 Not you: \*+$") as raised:
        sender(serve(login=True), smtp_username="shop", smtp_password=WRONG).send_email("a@b.org", "x", "x")
    assert WRONG not in told(raised.value)
    assert inbox.messages == []


def test_a_password_that_can_not_be_sent_is_told_without_it(serve: Serve) -> None:
    with pytest.raises(MailError, match="must be ASCII") as raised:
        sender(serve(login=True), smtp_username="shop", smtp_password=NOT_ASCII).send_email("a@b.org", "x", "x")
    assert NOT_ASCII not in told(raised.value)


def test_a_password_does_not_go_out_unencrypted() -> None:
    mail = EmailSender("mail.example.org", 25, "shop", PASSWORD, "shop@example.org", use_tls=False)
    with pytest.raises(MailError, match="not sent without encryption"):
        mail.send_email("ada@example.org", "Hello", "x")


def test_a_message_to_a_domain_in_another_script_arrives(serve: Serve, inbox: Inbox) -> None:
    sender(serve()).send_email("ada@b\u00fccher.example", "Hello", "x")
    assert [envelope.rcpt_tos for envelope in inbox.messages] == [["ada@xn--bcher-kva.example"]]


def test_a_refused_recipient_is_told(serve: Serve, inbox: Inbox) -> None:
    mail = sender(serve())
    with pytest.raises(MailError, match="550 No such mailbox"):
        mail.send_email("ada@refused.example", "Hello", "x")
    with pytest.raises(MailError, match=r"refused bob@refused\.example; others got the message"):
        mail.send_email(["ada@example.org", "bob@refused.example"], "Hello", "x")
    assert [envelope.rcpt_tos for envelope in inbox.messages] == [["ada@example.org"]]


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(MailError, match=r"not delivered to localhost, port .*refused"):
            sender(taken.getsockname()[1]).send_email("ada@example.org", "Hello", "x")


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(MailError, match="timed out"):
            sender(silent.getsockname()[1], timeout=0.05).send_email("ada@example.org", "Hello", "x")


# -- after the response -----------------------------------------------------------------------------------------------


def test_a_message_sent_after_the_response_does_not_hold_it_up() -> None:
    """On a real server: the client has read the response before the message is on its way."""
    received = threading.Event()
    order: list[str] = []
    done = threading.Event()

    def send() -> None:
        order.append("response read" if received.wait(10) else "nobody read it")
        done.set()

    def view(request: Any) -> str:
        request.after_response(send)
        return "registered"

    app = make_app([path("/", view)], MIDDLEWARES=[], ALLOWED_HOSTS=["127.0.0.1"])
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with socket.create_connection(server.server_address, timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer = b""
            while not answer.endswith(b"registered"):
                answer += connection.recv(1000)
        received.set()
        thread.join(10)
    assert done.is_set()
    assert order == ["response read"]


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Keep the output of the tests clean."""
