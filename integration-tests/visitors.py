"""Somebody with a real browser, and with a phone for the second factor."""

import re
import time
from base64 import b32decode
from typing import Any
from urllib.parse import urlsplit

from lback.auth.totp import STEP_SECONDS, code_at

from .chromium import violations

PASSWORD = "a fine password"
# The rules of axe-core that depend on colours; the others look at what the page is made of.
COLOURS = ("color-contrast", "link-in-text-block")
LOOKS = [(320, "light"), (320, "dark", *COLOURS), (1440, "light", *COLOURS), (1440, "dark", *COLOURS)]


class Phone:
    """An authenticator app. It has a code that was not used yet twice in half a minute."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._step = 0

    def code(self) -> str:
        self._step = max(self._step + 1, int(time.time() // STEP_SECONDS))
        return code_at(self._secret, self._step)


class Visitor:
    """Somebody with a browser of their own.

    Args:
        context: A context of playwright; its ``base_url`` is the site.
    """

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        #: What the browser has written into its console.
        self.console: list[str] = []
        self.page.on("console", lambda message: self.console.append(message.text))

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    @property
    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    @property
    def message(self) -> str:
        """The first thing that the page says of what was done, or of what is wrong."""
        messages = self.page.locator("[role=status], [role=alert], .auth-message")
        return messages.filter(has_text=re.compile(r"\S")).first.inner_text()

    def go(self, address: str) -> None:
        self.page.goto(address)

    def follow(self, link: str) -> None:
        self.page.get_by_role("link", name=link).click()

    def send(self, button: str | re.Pattern[str], **fields: str) -> None:
        """Fill in fields, whose labels have an underscore here for each space, and press a button."""
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)
        self.page.get_by_role("button", name=button).click()

    def type(self, field: str, text: str, *keys: str) -> None:
        """Type into the field that has the cursor, and press some keys."""
        self.page.locator(f"[name={field}]:focus").wait_for()
        self.page.keyboard.type(text)
        for key in keys:
            self.page.keyboard.press(key)

    def log_in(self, name: str, password: str = PASSWORD) -> None:
        self.go("/auth/login/")
        self.send("Log in", **{"User name or e-mail address": name, "Password": password})

    def set_up(self) -> tuple[Phone, list[str]]:
        """Go through the page that sets up the second factor; return the phone and the recovery codes."""
        phone = Phone(b32decode(self.page.locator(".auth-secret").inner_text().replace(" ", "")))
        self.send("Switch it on", Current_password=PASSWORD, Code=phone.code())
        assert self.heading == "Your recovery codes", self.heading
        return phone, self.page.locator(".auth-codes code").all_inner_texts()

    def look(self, heading: str) -> None:
        """Fail if this is another page, or something is wrong with it on a phone or a large screen, light or dark."""
        assert self.heading == heading, f"{self.path}: {self.heading}"
        wrong = []
        for width, scheme, *rules in LOOKS:
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.emulate_media(color_scheme=scheme)
            wrong += violations(self.page, *rules)
            if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"one has to scroll sideways at {width}")
        assert wrong == [], "\n".join([f"{self.path}: {heading}", *wrong])
