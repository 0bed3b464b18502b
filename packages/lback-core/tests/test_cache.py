"""The cache: what it keeps and for how long, who makes a value, and what happens when its server is away."""

import logging
import pickle
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.core import cache_memory
from lback.core.cache import Cache, make_backend
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError
from lback.core.signals import SignalDispatcher
from lback.core.testing import Client, make_app
from lback.utils.urls import path

from .redis_server import RedisServer, running_redis


@pytest.fixture
def memory() -> Cache:
    return Cache.from_config(Config())


@pytest.fixture
def redis_settings() -> dict[str, Any]:
    return {"CACHE_URL": running_redis(), "CACHE_PREFIX": f"lback-test-{secrets.token_hex(6)}"}


@pytest.fixture
def redis(redis_settings: dict[str, Any]) -> Iterator[Cache]:
    cache = Cache.from_config(Config(redis_settings))
    yield cache
    cache.clear()


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> Cache:
    """A cache on each backend."""
    cache: Cache = request.getfixturevalue(request.param)
    return cache


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the clock of the memory backend on by some seconds."""
    now = [1000.0]

    class Time:
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(cache_memory, "time", Time)

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, True, 0, -3, 1.5, "", "ü\0\n\ud800", [], [1, [2]], {"a": {"b": None}}])
def test_what_is_set_is_what_is_got(cache: Cache, value: Any) -> None:
    cache.set("key", value)
    assert cache.get("key", "default") == value
    assert cache.has("key")


def test_what_is_not_there_is_the_default(cache: Cache) -> None:
    assert cache.get("key") is None
    assert cache.get("key", 5) == 5
    assert not cache.has("key")


def test_a_reader_gets_a_copy_of_its_own(cache: Cache) -> None:
    cache.set("key", [1])
    cache.get("key").append(2)
    assert cache.get("key") == [1]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan"), {("a", "b"): 1}])
def test_what_json_has_no_form_for_is_refused(cache: Cache, value: Any) -> None:
    with pytest.raises(TypeError, match="JSON"):
        cache.set("key", value)


def test_a_list_that_holds_itself_is_refused(cache: Cache) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(TypeError, match="JSON"):
        cache.set("key", circle)


KEYS = ["a b", "a\nb", "a\r\nSET b 1", "*", "a*", "[ab]", "x" * 300, "x" * 301, "ü", "\ud800", "", "\0"]


def test_no_two_keys_collide_whatever_they_hold(cache: Cache) -> None:
    for number, key in enumerate(KEYS):
        cache.set(key, number)
    assert [cache.get(key) for key in KEYS] == list(range(len(KEYS)))
    assert sorted(cache.keys()) == sorted(KEYS)


@pytest.mark.parametrize("key", [1, None, b"key", ("a",)])
def test_a_key_is_text(cache: Cache, key: Any) -> None:
    with pytest.raises(TypeError, match="key must be text"):
        cache.get(key)


def test_deleting_tells_whether_there_was_something(cache: Cache) -> None:
    cache.set("key", 1)
    assert cache.delete("key") is True
    assert cache.delete("key") is False
    assert cache.get("key") is None


def test_clearing_forgets_all_keys(cache: Cache) -> None:
    for number in range(1200):
        cache.set(str(number), number)
    cache.clear()
    assert cache.keys() == []


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5), st.text())
def test_every_json_value_comes_back_from_memory(value: Any, key: str) -> None:
    cache = Cache.from_config(Config())
    cache.set(key, value)
    assert cache.get(key) == value
    assert cache.keys() == [key]


# -- time and room ----------------------------------------------------------------------------------------------------


def test_a_value_is_gone_when_its_time_is_over(memory: Cache, clock: Callable[[float], None]) -> None:
    memory.set("short", 1, ttl=10)
    memory.set("long", 2, ttl=20.5)
    memory.set("good", 3)
    clock(10)
    assert memory.keys() == ["long", "good"]
    assert memory.get("short") is None
    clock(10)
    assert memory.get("long") == 2
    clock(1)
    assert memory.get("long") is None
    assert memory.get("good") == 3


def test_redis_ends_the_time_of_a_value(redis: Cache) -> None:
    redis.set("key", 1, ttl=0.05)
    redis.set("other", 2, ttl=60)
    until(lambda: not redis.has("key"))
    assert redis.get("other") == 2


@pytest.mark.parametrize("ttl", [0, -1, -0.5])
def test_a_time_that_is_over_forgets_the_key(cache: Cache, ttl: float) -> None:
    cache.set("key", 1)
    cache.set("key", 2, ttl=ttl)
    assert not cache.has("key")


@pytest.mark.parametrize("ttl", ["60", True, float("nan"), float("inf"), [], 10**12, 10**400])
def test_a_time_is_a_number_of_seconds(cache: Cache, ttl: Any) -> None:
    with pytest.raises(ValueError, match="number of seconds"):
        cache.set("key", 1, ttl=ttl)


def test_setting_again_begins_a_new_time(memory: Cache, clock: Callable[[float], None]) -> None:
    memory.set("key", 1, ttl=10)
    clock(9)
    memory.set("key", 2, ttl=10)
    clock(9)
    assert memory.get("key") == 2


def test_of_too_many_values_the_one_that_was_not_used_longest_goes() -> None:
    cache = Cache.from_config(Config({"CACHE_MAX_ENTRIES": 3}))
    for key in "abc":
        cache.set(key, key)
    cache.get("a")
    cache.set("d", "d")
    assert sorted(cache.keys()) == ["a", "c", "d"]


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_a_number_counts_from_nothing_up_and_down(cache: Cache) -> None:
    assert [cache.increment("n"), cache.increment("n", 5), cache.increment("n", -10)] == [1, 6, -4]
    assert cache.get("n") == -4


def test_no_addition_is_lost_between_threads(cache: Cache) -> None:
    with ThreadPoolExecutor(8) as threads:
        totals = list(threads.map(lambda _: cache.increment("n"), range(400)))
    assert sorted(totals) == list(range(1, 401))


def test_the_time_of_a_number_begins_with_the_first_addition(memory: Cache, clock: Callable[[float], None]) -> None:
    memory.increment("n", ttl=10)
    clock(9)
    assert memory.increment("n", ttl=10) == 2
    clock(1)
    assert memory.increment("n", ttl=10) == 1


def test_redis_keeps_the_first_time_of_a_number(redis: Cache) -> None:
    redis.increment("n", ttl=0.2)
    redis.increment("n", ttl=3600)
    until(lambda: not redis.has("n"))


@pytest.mark.parametrize("value", ["text", [1], 1.5, None, "7"])
def test_what_is_no_whole_number_is_not_added_to(cache: Cache, value: Any) -> None:
    cache.set("n", value)
    with pytest.raises(ValueError, match="no whole number"):
        cache.increment("n")
    assert cache.get("n") == value


@pytest.mark.parametrize("amount", [2**63 - 5, -(2**64), 10**30])
def test_a_sum_beyond_64_bits_is_refused_and_the_cache_goes_on(cache: Cache, amount: int) -> None:
    cache.set("n", 7 if amount > 0 else -7)
    with pytest.raises(ValueError, match="more than 64 bits"):
        cache.increment("n", amount)
    assert (cache.get("n"), cache.increment("other")) == (7 if amount > 0 else -7, 1)


@pytest.mark.parametrize("amount", [1.5, "1", True, None])
def test_what_is_added_is_a_whole_number(cache: Cache, amount: Any) -> None:
    with pytest.raises(TypeError, match="whole numbers"):
        cache.increment("n", amount)
    assert cache.increment("n") == 1


# -- one maker --------------------------------------------------------------------------------------------------------


def test_a_value_is_made_once_and_kept(cache: Cache) -> None:
    made: list[int] = []

    def make() -> list[int]:
        made.append(1)
        return [len(made)]

    assert [cache.get_or_set("key", make, 60) for _ in range(3)] == [[1], [1], [1]]


def test_none_is_a_value_like_others(cache: Cache) -> None:
    made: list[int] = []
    assert cache.get_or_set("key", lambda: made.append(1)) is None
    assert cache.get_or_set("key", lambda: made.append(1)) is None
    assert made == [1]


def test_threads_that_ask_at_once_wait_for_one_maker(cache: Cache) -> None:
    made: list[int] = []
    everybody = threading.Barrier(8)
    go = threading.Event()

    def make() -> list[str]:
        made.append(1)
        go.wait(10)
        return ["value"]

    def ask() -> Any:
        everybody.wait(10)
        return cache.get_or_set("key", make, 60)

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(ask) for _ in range(8)]
        until(lambda: bool(made))
        go.set()
        values = [answer.result(10) for answer in answers]
    assert values == [["value"]] * 8
    assert made == [1]
    values[0].append("own")
    assert cache.get("key") == ["value"]


def test_makers_of_different_keys_do_not_wait_for_each_other(cache: Cache) -> None:
    assert cache.get_or_set("outer", lambda: cache.get_or_set("inner", lambda: 1) + 1) == 2


def test_a_failing_maker_keeps_nothing_and_the_next_one_tries_again(cache: Cache) -> None:
    def fails() -> None:
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        cache.get_or_set("key", fails)
    assert cache.get_or_set("key", lambda: 2) == 2
    assert cache.keys() == ["key"]


def test_a_maker_that_asks_for_its_own_value_is_told_so(cache: Cache) -> None:
    def make() -> Any:
        return cache.get_or_set("key", make)

    with pytest.raises(RuntimeError, match="asks for that value itself"):
        cache.get_or_set("key", make)


ASKER = """
import sys, time
from lback.core.cache import Cache
from lback.core.config import Config

cache = Cache.from_config(Config({"CACHE_URL": sys.argv[1], "CACHE_PREFIX": sys.argv[2]}))

def make():
    print("made", flush=True)
    time.sleep(0.1)
    return "value"

print("ready", flush=True)
sys.stdin.readline()
assert cache.get_or_set("key", make, 60) == "value"
"""


def test_processes_that_ask_at_once_wait_for_one_maker(redis: Cache, redis_settings: dict[str, Any]) -> None:
    command = [sys.executable, "-c", ASKER, *redis_settings.values()]
    askers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for asker in askers:
        assert asker.stdout is not None
        assert asker.stdout.readline() == "ready\n"
    for asker in askers:
        assert asker.stdin is not None
        asker.stdin.write("go\n")
        asker.stdin.flush()
    assert "".join(asker.communicate(timeout=30)[0] for asker in askers) == "made\n"
    assert [asker.returncode for asker in askers] == [0, 0, 0]


def test_what_is_being_made_is_no_key_yet(cache: Cache) -> None:
    assert cache.get_or_set("key", cache.keys) == []
    assert cache.keys() == ["key"]


# -- backends ---------------------------------------------------------------------------------------------------------


def test_a_text_is_put_in_the_place_of_another_alone_when_that_is_asked_for(cache: Cache) -> None:
    cache.backend.set("key", "1", 60, known=True)
    assert cache.backend.get("key") is None
    cache.backend.set("key", "1", 60)
    cache.backend.set("key", "2", 60, known=True)
    assert cache.backend.get("key") == "2"


def test_a_text_is_added_where_there_is_none(cache: Cache) -> None:
    assert [cache.backend.add("key", text, 60) for text in ("1", "2")] == [True, False]
    assert cache.backend.get("key") == "1"


def test_a_text_is_deleted_while_it_is_the_one_that_is_meant(cache: Cache) -> None:
    """Or a maker that took too long would end the turn of the next one."""
    cache.backend.set("key", "mine", 60)
    assert cache.backend.delete("key", "yours") is False
    assert cache.backend.delete("key", "mine") is True


# -- foreign values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [b"garbage", b"", b"\xff\xfe", b"[" * 100_000, pickle.dumps(print), b"{"])
def test_what_somebody_else_wrote_into_redis_counts_as_nothing(
    redis: Cache, redis_settings: dict[str, Any], text: bytes
) -> None:
    import redis as client

    with client.Redis.from_url(redis_settings["CACHE_URL"]) as server:
        server.set(f"{redis_settings['CACHE_PREFIX']}:cache:key", text)
    assert redis.get("key", "nothing") == "nothing"
    assert not redis.has("key")
    assert redis.get_or_set("key", lambda: "made") == "made"
    assert redis.get("key") == "made"


def test_caches_with_other_prefixes_are_not_seen_nor_cleared(redis: Cache, redis_settings: dict[str, Any]) -> None:
    other = Cache.from_config(Config({**redis_settings, "CACHE_PREFIX": redis_settings["CACHE_PREFIX"] + "*"}))
    redis.set("key", 1)
    other.set("key", 2)
    other.clear()
    assert redis.get("key") == 1
    redis.clear()


# -- signals ----------------------------------------------------------------------------------------------------------


def test_signals_tell_the_key_and_never_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    signals = SignalDispatcher()
    cache = Cache(make_backend(Config(), "cache"), signals)
    heard: list[Any] = []
    for name in ("cache_hit", "cache_miss", "cache_item_set", "cache_item_deleted"):
        signals.connect(name, lambda sender, name=name, **kwargs: heard.append((name, sender, kwargs)))
    monkeypatch.setattr(time, "time", lambda: 500.0)
    cache.get("key")
    cache.set("key", "s3cr3t", ttl=60)
    cache.get("key")
    cache.delete("key")
    cache.delete("key")
    assert heard == [
        ("cache_miss", cache, {"key": "key"}),
        ("cache_item_set", cache, {"key": "key", "ttl": 60, "expires_at": 560.0}),
        ("cache_hit", cache, {"key": "key"}),
        ("cache_item_deleted", cache, {"key": "key"}),
    ]


# -- the server away --------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


def test_without_its_server_the_cache_is_empty_and_says_so_once(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache.from_config(Config({"CACHE_URL": server.url}))
    cache.set("key", 1)
    server.stop()
    with caplog.at_level(logging.INFO, "lback.cache"):
        assert cache.get("key", "default") == "default"
        cache.set("key", 2)
        assert cache.delete("key") is False
        assert cache.has("key") is False
        assert cache.keys() == []
        cache.clear()
        assert cache.increment("n") == 1
        assert [cache.get_or_set("made", lambda: [1]) for _ in range(2)] == [[1], [1]]
        (record,) = caplog.records
        assert "writes are dropped" in record.getMessage()
        server.start()
        until(lambda: cache.increment("n") > 1)
        assert [record.getMessage() for record in caplog.records[1:]] == ["The cache answers again."]


def test_an_application_starts_and_answers_while_the_server_is_away(server: RedisServer) -> None:
    server.stop()

    def view(request: Any, cache: Cache) -> Any:
        return {"value": cache.get_or_set("key", lambda: "made")}

    app = make_app([path("/", view)], CACHE_URL=server.url, MIDDLEWARES=[])
    assert Client(app).get("/").json() == {"value": "made"}


def test_a_server_that_restarted_is_used_again_without_an_error(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache.from_config(Config({"CACHE_URL": server.url}))
    cache.set("key", 1)
    server.stop()
    server.start()
    cache.set("key", 2)
    assert cache.get("key") == 2
    assert caplog.records == []


class Rude:
    """A server that hangs up on everybody, and counts them."""

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._socket.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._hang_up)
        self._thread.start()

    def _hang_up(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection, suppress(ConnectionError):
                self.calls += 1
                if connection.recv(4) == b"stop":
                    return

    def stop(self) -> None:
        with socket.create_connection(self._socket.getsockname()) as connection:
            connection.sendall(b"stop")
        self._thread.join(10)
        self._socket.close()


def test_a_server_in_trouble_is_called_twice_and_then_left_alone_for_a_while() -> None:
    server = Rude()
    try:
        cache = Cache.from_config(Config({"CACHE_URL": server.url}))
        for _ in range(20):
            assert cache.get("key") is None
        assert server.calls == 2
    finally:
        server.stop()


def test_the_password_of_the_server_is_in_no_record(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = RedisServer(tmp_path, "--requirepass", "another")
    cache = Cache.from_config(Config({"CACHE_URL": server.url.replace("//", "//:s3cr3t-pass@")}))
    assert cache.get("key") is None
    server.stop()
    assert "can't be used" in caplog.text
    assert "s3cr3t" not in caplog.text + repr(cache)


# -- the start --------------------------------------------------------------------------------------------------------


NO_ADDRESSES = [
    "memory",
    "memory://host",
    "memcached://host",
    "http://h:6379/0",
    "redis://",
    "redis:///0",
    "redis://h:port/0",
    "redis://h:0/0",
    "redis://h/db1",
    "redis://h/0/1",
    "redis://[::1/0",
    "redis://h:99999/0",
]


@pytest.mark.parametrize("url", ["", *NO_ADDRESSES])
def test_an_address_that_is_none_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="CACHE_URL must be 'memory://' or 'redis://host:port/db'"):
        make_app([], CACHE_URL=url)


@pytest.mark.parametrize("options", ["socket_timeout=soon", "sokket_timeout=5", "decode_responses=true"])
def test_an_option_that_the_client_does_not_take_stops_the_start(options: str) -> None:
    pytest.importorskip("redis", reason="the client of Redis is not installed")
    with pytest.raises(ConfigurationError, match=r"CACHE_URL has an option that can't be used: .*(timeout|decode)"):
        make_app([], CACHE_URL=f"redis://127.0.0.1:6379/0?{options}")


def test_an_option_of_the_client_may_stand_in_the_address(redis_settings: dict[str, Any]) -> None:
    cache = Cache.from_config(
        Config({**redis_settings, "CACHE_URL": redis_settings["CACHE_URL"] + "?socket_timeout=5"})
    )
    cache.set("key", 1, ttl=60)
    assert cache.get("key") == 1
    cache.clear()


def test_the_refusal_of_an_address_does_not_tell_its_password() -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_app([], CACHE_URL="redis://:s3cr3t@h:port/0")
    assert "s3cr3t" not in str(raised.value)


def test_a_client_that_is_not_installed_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "lback.core.cache_redis", raising=False)
    with pytest.raises(ConfigurationError, match=r"pip install 'lback-core\[redis\]'"):
        make_app([], CACHE_URL="redis://127.0.0.1:6379/0")


def test_room_for_nothing_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="CACHE_MAX_ENTRIES"):
        make_app([], CACHE_MAX_ENTRIES=0)


def test_without_redis_its_client_is_not_imported() -> None:
    code = "import sys; from lback.core.testing import make_app; make_app([]); print('redis' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


def test_middlewares_get_the_cache_by_its_name() -> None:
    class Wants:
        def __init__(self, cache: Any) -> None:
            self.cache = cache

    app = make_app([])
    assert app.container.build(Wants).cache is app.container.get(Cache)
