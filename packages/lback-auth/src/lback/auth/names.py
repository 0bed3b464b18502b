"""Names and e-mail addresses of users: which ones are accepted, and in which form they are kept."""

import unicodedata

from lback.core.exceptions import ValidationError

USERNAME_LENGTH = 150
MINIMUM_USERNAME = 3
EMAIL_LENGTH = 254


def normal_username(username: str) -> str:
    """Return a user name in the form it is kept in: letters that only look different become the same (NFKC).

    Raises:
        ValidationError: It is shorter than 3 or longer than 150 characters, holds an ``@`` (that would be an e-mail
            address), or a space or invisible character, with which it could look like another name.
    """
    # The length comes first: normalising a megabyte takes seconds.
    if len(username) > USERNAME_LENGTH:
        raise _length()
    name = unicodedata.normalize("NFKC", username)
    if not MINIMUM_USERNAME <= len(name) <= USERNAME_LENGTH:
        raise _length()
    if "@" in name or any(unicodedata.category(character)[0] in "CZ" for character in name):
        raise ValidationError("Use letters, digits and signs, without spaces and without @.", "username_characters")
    return name


def folded_email(address: str) -> str:
    """Return an address as it is kept and compared: in lower case, letters composed in one way (NFC)."""
    return unicodedata.normalize("NFC", address[: EMAIL_LENGTH + 1].strip()).lower()


def normal_email(address: str) -> str:
    """Return an e-mail address in the form it is kept in.

    Raises:
        ValidationError: It is no address that mail could be sent to, judged by its form alone, or over 254 characters.
    """
    from email_validator import EmailNotValidError, validate_email

    refused = ValidationError("Enter an e-mail address, such as name@example.com.", "email_invalid")
    if len(address) > EMAIL_LENGTH:
        raise refused
    try:
        return folded_email(validate_email(address.strip(), check_deliverability=False).normalized)
    except EmailNotValidError as error:
        raise refused from error


def _length() -> ValidationError:
    params = {"minimum": MINIMUM_USERNAME, "maximum": USERNAME_LENGTH}
    return ValidationError("Use %(minimum)s to %(maximum)s characters for the user name.", "username_length", params)
