"""A browser without a window: keeps cookies, follows redirects when asked, fills in and sends the forms of a page."""

import json
import urllib.error
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit


class Form:
    """A form of a page, with what its fields hold."""

    def __init__(self, action: str, method: str) -> None:
        self.action = action
        self.method = method
        self.fields: dict[str, str] = {}


class Page(HTMLParser):
    """What came back: the status, the headers, the text, and the forms and links in it."""

    def __init__(self, url: str, status: int, headers: Any, body: bytes) -> None:
        super().__init__()
        self.url = url
        self.status = status
        self.headers = headers
        self.body = body
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._link = ""
        self._area = ""
        if "html" in headers.get("Content-Type", ""):
            self.feed(self.text)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def location(self) -> str:
        """Where a redirect leads, without the host."""
        parts = urlsplit(self.headers.get("Location", ""))
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self, *names: str) -> Form:
        """Return the form that has fields of these names."""
        found = [form for form in self.forms if set(names) <= set(form.fields)]
        assert len(found) == 1, f"{self.path} has {len(found)} forms with {names}:\n{self.text}"
        return found[0]

    def link(self, text: str) -> str:
        """Return where the link with this text leads."""
        assert text in self.links, f"{self.path} has no link {text!r}; it has {list(self.links)}"
        return self.links[text]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(urljoin(self.url, values.get("action", "")), values.get("method", "get").upper()))
        elif tag == "a":
            self._link = values.get("href", "")
            self._words: list[str] = []
        elif self.forms and values.get("name") and tag in ("input", "select", "textarea"):
            kind = values.get("type", "")
            if kind not in ("checkbox", "radio") or "checked" in values:
                self.forms[-1].fields[values["name"]] = values.get("value", "")
            self._area = values["name"] if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._link:
            self._words.append(data)
        if self._area:
            self.forms[-1].fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            self.links.setdefault(" ".join("".join(self._words).split()), urljoin(self.url, self._link))
            self._link = ""
        elif tag == "textarea":
            self._area = ""


class _StopAtRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Browser:
    """Visits a site.

    Args:
        site: The address of the site, such as ``http://127.0.0.1:8000``.
    """

    def __init__(self, site: str) -> None:
        self.site = site.rstrip("/")
        self.cookies = CookieJar(DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrict))
        cookies = urllib.request.HTTPCookieProcessor(self.cookies)
        proxies = urllib.request.ProxyHandler({})
        self._following = urllib.request.build_opener(proxies, cookies)
        self._staying = urllib.request.build_opener(proxies, cookies, _StopAtRedirects())

    def get(self, path: str, follow: bool = False) -> Page:
        return self.request("GET", path, follow=follow)

    def post(self, path: str, fields: dict[str, str], follow: bool = False) -> Page:
        return self.request("POST", path, urlencode(fields).encode(), follow)

    def submit(self, form: Form, follow: bool = True, **values: str) -> Page:
        """Fill in a form and send it, as its button does."""
        unknown = set(values) - set(form.fields)
        assert not unknown, f"the form has no {unknown}; it has {list(form.fields)}"
        return self.post(form.action, form.fields | values, follow)

    def request(self, method: str, path: str, body: bytes | None = None, follow: bool = False) -> Page:
        url = urljoin(self.site, path)
        headers = {"Origin": self.site} if method != "GET" else {}
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        opener = self._following if follow else self._staying
        try:
            with opener.open(request, timeout=60) as response:
                return Page(response.url, response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.url or url, error.code, error.headers, error.read())
