"""The firewall: who is refused by address, program and path, and for how long."""

import ipaddress
import logging
import time
from fnmatch import fnmatchcase
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core.container import Container
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.security import firewall as module
from lback.security.addresses import Networks, client_key, parse_address
from lback.security.firewall import Firewall
from lback.utils.urls import path

MIDDLEWARE = "lback.middlewares.firewall.FirewallMiddleware"


def page(request: Request) -> str:
    return "page"


def ban(request: Request, firewall: Firewall) -> str:
    firewall.block("203.0.113.9")
    return "banned"


URLPATTERNS = [path("/", page), path("/admin/", page), path("/wp-login.php", page), path("/ban/", ban)]


def client(proxies: int = 0, **settings: Any) -> Client:
    app = make_app(URLPATTERNS, MIDDLEWARES=[MIDDLEWARE], FIREWALL_SETTINGS=settings, TRUSTED_PROXIES=proxies)
    return Client(app)


def status(visitor: Client, address: str = "203.0.113.7", where: str = "/", agent: str = "") -> int:
    headers = {"User-Agent": agent} if agent else {}
    return visitor.get(where, environ={"REMOTE_ADDR": address}, headers=headers).status_code


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still until `now` is changed."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_of_an_ipv6_address_its_customer_is_counted(address: str, key: str) -> None:
    assert client_key(address) == key


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_network_holds_what_the_standard_library_says(address: Any, length: int) -> None:
    network = ipaddress.ip_network((address, min(length, address.max_prefixlen)), strict=False)
    networks = Networks("X", ["198.51.100.0/24", str(network)])
    parsed = parse_address(str(address))
    assert parsed is not None
    if parsed == address:  # and not one of IPv4 in the form of IPv6
        assert parsed in networks
        assert (parsed in Networks("X", ["198.51.100.0/24"])) == (address in ipaddress.ip_network("198.51.100.0/24"))


def test_by_default_everybody_is_let_in() -> None:
    visitor = client()
    assert [status(visitor, address) for address in ("203.0.113.7", "2001:db8::1", "", "unix:")] == [200] * 4


def test_a_blocked_address_is_refused() -> None:
    visitor = client(BLOCKED_IPS=["203.0.113.7", "2001:db8::1"])
    assert [status(visitor, address) for address in ("203.0.113.7", "2001:db8::1", "203.0.113.8")] == [403, 403, 200]


def test_a_blocked_network_is_refused() -> None:
    visitor = client(BLOCKED_NETWORKS=["203.0.113.0/24", "2001:db8::/32"])
    addresses = ("203.0.113.255", "203.0.114.0", "2001:db8:ffff::1", "2001:db9::1")
    assert [status(visitor, address) for address in addresses] == [403, 200, 403, 200]


def test_an_ipv4_address_in_the_form_of_ipv6_is_the_same_address() -> None:
    assert status(client(BLOCKED_IPS=["203.0.113.7"]), "::ffff:203.0.113.7") == 403
    assert status(client(ALLOWED_IPS=["203.0.113.7"]), "::ffff:203.0.113.7") == 200


def test_with_a_list_of_those_allowed_nobody_else_is_let_in() -> None:
    visitor = client(ALLOWED_IPS=["203.0.113.7", "198.51.100.0/24"])
    addresses = ("203.0.113.7", "198.51.100.9", "203.0.113.8", "2001:db8::1", "", "unix:")
    assert [status(visitor, address) for address in addresses] == [200, 200, 403, 403, 403, 403]


def test_blocking_goes_before_allowing() -> None:
    visitor = client(ALLOWED_IPS=["203.0.113.0/24"], BLOCKED_IPS=["203.0.113.7"])
    assert [status(visitor, address) for address in ("203.0.113.7", "203.0.113.8")] == [403, 200]


def test_a_forwarded_address_counts_from_a_trusted_proxy_alone() -> None:
    headers = {"X-Forwarded-For": "203.0.113.7"}
    for proxies, expected in ((0, 200), (1, 403)):
        visitor = client(proxies=proxies, BLOCKED_IPS=["203.0.113.7"])
        assert visitor.get("/", headers=headers).status_code == expected


# -- programs and paths -----------------------------------------------------------------------------------------------


def test_a_user_agent_is_blocked_by_text_anywhere_in_it() -> None:
    visitor = client(BLOCKED_USER_AGENTS=["sqlmap", "Bad.Bot (v1)"])
    agents = ("sqlmap/1.7", "Mozilla SQLMap", "bad.bot (v1)", "BadxBot v1", "Mozilla/5.0", "")
    assert [status(visitor, agent=agent) for agent in agents] == [403, 403, 403, 200, 200, 200]


def test_a_path_is_blocked_as_a_whole() -> None:
    visitor = client(BLOCKED_URL_PATTERNS=["/admin/", "*.php"])
    places = ("/admin/", "/admin/?a=1", "/%61dmin/", "/wp-login.php", "/", "/?q=/admin/")
    assert [status(visitor, where=where) for where in places] == [403, 403, 403, 403, 200, 200]


def test_a_path_that_is_blocked_is_not_served_when_written_another_way() -> None:
    visitor = client(BLOCKED_URL_PATTERNS=["/admin/"])
    for where in ("/x/../admin/", "//admin/", "/admin/.", "/admin//", "/ADMIN/", "/admin/%20"):
        assert status(visitor, where=where) in (403, 404), where


@given(st.text("ab/.*", max_size=12), st.text("ab/.\n", max_size=20))
def test_a_star_stands_for_any_text_and_nothing_else_has_a_meaning(pattern: str, text: str) -> None:
    walled = Firewall(blocked_url_patterns=[f"/{pattern}."])
    assert walled.is_allowed("203.0.113.7", path=f"/{text}") != fnmatchcase(f"/{text}", f"/{pattern}.")


def test_matching_many_stars_takes_linear_time() -> None:
    walled = Firewall(blocked_url_patterns=["/" + "a*" * 20 + "b"])

    def least(size: int) -> float:
        times = []
        for _ in range(3):
            began = time.perf_counter()
            assert walled.is_allowed("203.0.113.7", path="/" + "a" * size)
            times.append(time.perf_counter() - began)
        return min(times)

    # Sixteen times the length; in quadratic time that would be 256 times as long.
    assert least(16_000) < 80 * max(least(1000), 1e-5)


# -- clients that send too much ---------------------------------------------------------------------------------------


def test_a_client_that_sends_too_many_requests_is_blocked_for_a_while(clock: SimpleNamespace) -> None:
    visitor = client(DDOS_MAX_REQUESTS=3, DDOS_WINDOW_SECONDS=10, TEMP_BLOCK_SECONDS=60)
    assert [status(visitor) for _ in range(5)] == [200, 200, 200, 403, 403]
    assert status(visitor, "203.0.113.8") == 200
    clock.now += 59
    assert status(visitor) == 403
    clock.now += 1
    assert status(visitor) == 200


def test_a_new_window_counts_anew(clock: SimpleNamespace) -> None:
    visitor = client(DDOS_MAX_REQUESTS=3, DDOS_WINDOW_SECONDS=10)
    assert [status(visitor) for _ in range(3)] == [200] * 3
    clock.now += 10
    assert [status(visitor) for _ in range(3)] == [200] * 3


def test_addresses_of_one_ipv6_customer_are_one_client(clock: SimpleNamespace) -> None:
    visitor = client(DDOS_MAX_REQUESTS=1)
    assert [status(visitor, f"2001:db8::{last}") for last in range(2)] == [200, 403]


@pytest.mark.parametrize("settings", [{}, {"DDOS_MAX_REQUESTS": 0}])
def test_without_a_maximum_nobody_is_blocked(clock: SimpleNamespace, settings: dict[str, Any]) -> None:
    visitor = client(**settings)
    assert {status(visitor) for _ in range(300)} == {200}


def test_a_view_can_block_a_client(clock: SimpleNamespace) -> None:
    visitor = client(DDOS_MAX_REQUESTS=0, TEMP_BLOCK_SECONDS=60)
    assert status(visitor, "203.0.113.9") == 200
    assert status(visitor, where="/ban/") == 200
    assert status(visitor, "203.0.113.9") == 403
    container: Container = visitor.app.container
    container.get(Firewall).unblock("203.0.113.9")
    assert status(visitor, "203.0.113.9") == 200


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    monkeypatch.setattr(module, "MAX_CLIENTS", 5)
    walled = Firewall(ddos_max_requests=1)
    for number in range(100):
        for _ in range(2):
            walled.refusal(f"203.0.113.{number}", "", "/")
    assert [number for number in range(100) if walled.is_blocked(f"203.0.113.{number}")] == [95, 96, 97, 98, 99]
    for number in range(100, 200):
        walled.refusal(f"203.0.113.{number}", "", "/")
    # The private table is what grows, and nothing else shows it.
    assert len(walled._counts) == 5


# -- the answer, the log, the start -----------------------------------------------------------------------------------


def test_a_refusal_is_a_bare_403() -> None:
    response = client(BLOCKED_IPS=["127.0.0.1"]).get("/")
    assert (response.status_code, response.text) == (403, "Forbidden")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_refusal_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "lback.security")
    status(client(BLOCKED_USER_AGENTS=["evil"]), where="/a%0d%0ab", agent="evil\r\nFORGED")
    assert [record.getMessage() for record in caplog.records if record.name == "lback.security"] == [
        "Refused 'GET' '/a\\r\\nb' from 203.0.113.7: The user agent is blocked."
    ]


def test_of_a_client_that_is_blocked_for_a_while_the_beginning_is_logged(
    caplog: pytest.LogCaptureFixture, clock: SimpleNamespace
) -> None:
    caplog.set_level(logging.WARNING, "lback.security")
    visitor = client(DDOS_MAX_REQUESTS=2)
    assert [status(visitor) for _ in range(50)].count(403) == 48
    (record,) = [record for record in caplog.records if record.name == "lback.security"]
    assert record.getMessage() == (
        "Refused 'GET' '/' from 203.0.113.7: It sent more than 2 requests in 10 seconds, and is blocked for 300."
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DENIED_IPS": ["203.0.113.7"]}, "FIREWALL_SETTINGS has no key 'DENIED_IPS'; its keys are ALLOWED_IPS"),
        ({"BLOCKED_IPS": ["203.0.113"]}, "BLOCKED_IPS lists addresses such as"),
        ({"BLOCKED_IPS": "203.0.113.7"}, r"FIREWALL_SETTINGS\['BLOCKED_IPS'\] must be a list"),
        ({"BLOCKED_NETWORKS": ["203.0.113.7/24"]}, "BLOCKED_NETWORKS lists .* has host bits set"),
        ({"BLOCKED_USER_AGENTS": [""]}, "BLOCKED_USER_AGENTS lists text"),
        ({"BLOCKED_URL_PATTERNS": ["admin"]}, "BLOCKED_URL_PATTERNS lists paths .* not 'admin'"),
        ({"BLOCKED_URL_PATTERNS": ["*"]}, "BLOCKED_URL_PATTERNS lists paths"),
        ({"DDOS_MAX_REQUESTS": -1}, "DDOS_MAX_REQUESTS must be 0 or more"),
        ({"DDOS_WINDOW_SECONDS": 0}, "DDOS_WINDOW_SECONDS and TEMP_BLOCK_SECONDS 1 or more"),
    ],
)
def test_a_wrong_setting_stops_the_start(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        client(**settings)
