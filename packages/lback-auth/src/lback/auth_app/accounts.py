"""What the pages and the JSON endpoints have in common: registering, confirming, resetting and changing a password."""

import logging
from datetime import UTC, datetime

from lback.auth.authentication import release
from lback.auth.events import announce, record
from lback.auth.links import HOURS, LinkTokens, Purpose, site_url
from lback.auth.managers import UserManager
from lback.auth.models import User
from lback.auth.names import folded_email, normal_username
from lback.auth.throttling import Throttle
from lback.core.exceptions import LbackError, NotFound, TooManyRequests, ValidationError
from lback.core.mail import EmailSender
from lback.core.request import Request

logger = logging.getLogger("lback.auth")


def register(request: Request, username: str, email: str, password: str) -> None:
    """Make an account, and send a link that confirms the address; one that has an account is told so by mail instead.

    Raises:
        NotFound: ``REGISTRATION_OPEN`` is off.
        TooManyRequests: Too many come from there, or too many mails went to that address.
        ValidationError: A value is not acceptable, or the name is taken.
    """
    if not request.config.REGISTRATION_OPEN:
        raise NotFound
    throttle = request.app.container.get(Throttle)
    throttle.count_client(request, "register_ip")
    throttle.count(request, "mail_account", folded_email(email))
    if not throttle.allows("register_name", normal_username(username).lower()):
        # Whoever had it first may have entered an address with an account; that the name is free would tell.
        raise ValidationError("There is a user named %(name)s already.", "username_taken", {"name": username})
    user = UserManager().register(request.db_session, username, email, password)
    if user is None:
        owner = UserManager().find(request.db_session, email)
        if owner is not None:
            record(request, "registration_repeated", user=owner)
            send_mail(request, owner, "already_registered", request.url_for("web_request_reset_password_page"))
        return
    announce(request, "user_registered", register, user=user)
    send_link(request, user, "verify")


def confirm_email(request: Request, token: str) -> User | None:
    """Note that the address of a link belongs to its user; return None for a link that is worth nothing."""
    user = request.app.container.get(LinkTokens).read("verify", token, request.db_session)
    if user is not None:
        user.email_verified_at = datetime.now(UTC)
        announce(request, "user_email_verified", confirm_email, user=user)
    return user


def send_confirmation(request: Request, user: User) -> None:
    """Send the link once more to somebody who knows the password; not more often than is allowed."""
    address = user.email or ""
    release(request)
    try:
        request.app.container.get(Throttle).count(request, "mail_account", address)
    except TooManyRequests:
        return
    send_link(request, user, "verify")


def request_reset(request: Request, email: str) -> None:
    """Send a link to set another password, if there is such an account; nobody is told whether there is.

    Raises:
        TooManyRequests: Too many were asked for from there, or for that address.
    """
    throttle = request.app.container.get(Throttle)
    throttle.count_client(request, "mail_ip")
    throttle.count(request, "mail_account", folded_email(email))
    user = UserManager().find(request.db_session, email)
    if user is not None and user.is_active and user.email:
        send_link(request, user, "reset")
    announce(request, "password_reset_requested", request_reset, user=user, username=email)


def reset_password(request: Request, token: str, password: str) -> User | None:
    """Set the password that somebody chose after following a link; None for a link that is worth nothing.

    That the mail arrived confirms the address. Every login of the user ends.

    Raises:
        ValidationError: The password is not acceptable.
    """
    user = request.app.container.get(LinkTokens).read("reset", token, request.db_session)
    if user is None:
        return None
    user.email_verified_at = user.email_verified_at or datetime.now(UTC)
    _set_password(request, user, password, "password_reset_successful")
    return user


def change_password(request: Request, user: User, password: str) -> None:
    """Set another password for somebody who is logged in; every login of theirs ends, this one included.

    Raises:
        ValidationError: The password is not acceptable.
    """
    _set_password(request, user, password, "user_password_changed")


def _set_password(request: Request, user: User, password: str, event: str) -> None:
    UserManager().change_password(user, password)
    request.db_session.flush()
    announce(request, event, _set_password, user=user)
    if user.email:
        send_mail(request, user, "password_changed", request.url_for("web_request_reset_password_page"))


def send_link(request: Request, user: User, purpose: Purpose) -> None:
    """Send the link that confirms the address (``verify``), or sets another password (``reset``)."""
    name, mail = {
        "verify": ("web_verify_email", "verify_email"),
        "reset": ("web_reset_password_confirm_page", "reset_password"),
    }[purpose]
    token = request.app.container.get(LinkTokens).make(purpose, user)
    send_mail(request, user, mail, request.url_for(name, token=token), HOURS[purpose])


def send_mail(request: Request, user: User, name: str, path: str, hours: int = 0) -> None:
    """Send one of the mails in ``auth/mail/`` when the visitor has the response.

    So the time of the response doesn't tell whether there was something to send, and a mail server that is away
    refuses nobody; that is logged.
    """
    context = {
        "username": user.username,
        "site": request.config.PROJECT_NAME or request.config.SENDER_NAME or site_url(request).partition("//")[2],
        "link": site_url(request) + path,
        "hours": hours,
    }
    address, sender = user.email or "", request.app.container.get(EmailSender)

    def send() -> None:
        text = request.app.templates.render(f"auth/mail/{name}.txt", context)
        subject, _, body = text.lstrip().partition("\n")
        try:
            sender.send_email(address, subject.removeprefix("Subject:").strip(), body.strip() + "\n")
        except (LbackError, ValueError) as error:
            # One line: that the mail server is away is no defect of the site.
            logger.warning("The mail %r was not sent: %s", name, error)

    request.after_response(send)
