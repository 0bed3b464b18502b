"""What the app looks at while a site starts."""

import pytest

from lback.core.exceptions import ConfigurationError


def test_links_need_a_host_that_is_named(make_site):
    with pytest.raises(ConfigurationError, match="Set SITE_URL"):
        make_site(DEBUG=False, ALLOWED_HOSTS=["*"])


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({}, True),
        ({"SMTP_SERVER": "mail.example.org"}, False),
        ({"EMAIL_BACKEND": "file"}, False),
        ({"REGISTRATION_OPEN": False}, False),
        ({"DEBUG": True}, False),
    ],
)
def test_a_site_whose_mails_can_not_be_sent_says_so(make_site, caplog, changes, warned):
    make_site(**{"DEBUG": False, "EMAIL_BACKEND": "", **changes})
    assert ("SMTP_SERVER is not set" in caplog.text) == warned
