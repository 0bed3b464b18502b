"""`EmailSender`, under the name that the documentation uses."""

from lback.core.mail import EmailSender, MailError

__all__ = ["EmailSender", "MailError"]
