"""Counting attempts for all workers together."""

import os
import secrets
import threading
import time

import pytest

from lback.auth.throttling import DatabaseCounters, Throttle
from lback.core.exceptions import ConfigurationError
from lback.core.limiting import LimitStore
from lback.core.testing import Client

PASSWORD = "a fine password"
NO_CLIENT = "the Redis client is not installed; it comes with lback-core[redis]"


@pytest.fixture
def counters(database):
    return DatabaseCounters(database)


class TestCounters:
    def test_count_each_key_for_itself(self, counters):
        assert [counters.add("one", 60), counters.add("one", 60), counters.add("two", 60)] == [1, 2, 1]

    def test_take_back(self, counters):
        counters.add("one", 60)
        counters.add("one", 60)
        assert counters.add("one", 60, -1) == 1

    def test_count_for_all_workers(self, counters, database):
        counters.add("one", 60)
        assert DatabaseCounters(database).add("one", 60) == 2

    def test_lose_none_of_many_at_once(self, counters):
        totals = []
        threads = [
            threading.Thread(target=lambda: totals.extend(counters.add("one", 60) for _ in range(10))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(totals) == list(range(1, 41))

    def test_keep_no_name_or_address_in_clear(self, counters, database):
        counters.add("auth/login_account/10/900/1/name amira@example.org", 60)
        with database.engine.connect() as connection:
            assert "amira" not in repr(connection.exec_driver_sql("SELECT * FROM auth_attempts").all())

    def test_delete_what_is_over_now_and_then(self, counters, database):
        counters.add("old", -1)
        for number in range(99):
            counters.add(f"key {number}", 60)
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM auth_attempts").scalar() == 99


class TestLimits:
    def test_can_be_changed_one_by_one(self, make_site, add_user, log_in):
        add_user()
        client = Client(make_site(AUTH_LIMITS={"login_account": "2/hour"}))
        assert [log_in(password="wrong password", client=client).status_code for _ in range(3)] == [401, 401, 429]

    @pytest.mark.parametrize("limits", [{"login": "5/minute"}, {"login_ip": "often"}, {"login_ip": "0/minute"}])
    def test_that_can_not_be_read_stop_the_start(self, make_site, limits):
        with pytest.raises(ConfigurationError):
            make_site(AUTH_LIMITS=limits)

    def test_come_back_after_their_time(self, make_site, add_user, log_in, later):
        add_user()
        client = Client(make_site(AUTH_LIMITS={}))
        later(-time.time() % 900)  # the beginning of a window, so that none ends in between
        assert [log_in(password="wrong password", client=client).status_code for _ in range(11)][-1] == 429
        later(901)
        assert log_in(client=client).status_code == 303


class TestLogins:
    def test_guesses_on_one_account_are_stopped_and_the_right_password_too(self, add_user, log_in):
        add_user()
        assert [log_in(password="wrong password").status_code for _ in range(11)] == [401] * 10 + [429]
        answer = log_in()
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "too many attempts" in answer.text

    def test_an_account_that_does_not_exist_is_stopped_just_so(self, log_in):
        assert [log_in("nobody").status_code for _ in range(11)] == [401] * 10 + [429]

    def test_another_account_is_not(self, add_user, log_in):
        add_user("bilal")
        for _ in range(11):
            log_in("amira")
        assert log_in("bilal").status_code == 303

    def test_right_passwords_do_not_count(self, add_user, log_in, site):
        add_user()
        assert {log_in(client=Client(site)).status_code for _ in range(60)} == {303}

    def test_the_name_and_the_address_are_one_account(self, add_user, log_in):
        add_user(email="amira@example.org")
        names = ["amira", "amira@example.org"]
        assert {log_in(names[number % 2], "wrong password").status_code for number in range(10)} == {401}
        assert log_in().status_code == 401
        assert log_in("amira@example.org").status_code == 401

    def test_nothing_tells_that_they_are(self, add_user, log_in):
        """Who has used up the limit of a name hears the same of the account's address as of a stranger's."""
        add_user(email="amira@example.org")
        for _ in range(11):
            log_in(password="wrong password")
        assert log_in("amira@example.org", "wrong password").status_code == 401
        assert log_in("nobody@example.org", "wrong password").status_code == 401

    def test_nor_which_spelling_of_a_name_has_an_account(self, add_user, log_in):
        add_user()
        for name in ("amira", "nobody"):
            statuses = [log_in(spelling, "wrong password").status_code for spelling in [name] * 10 + [name.upper()]]
            assert statuses == [401] * 10 + [429]

    def test_beyond_the_limit_of_the_account_one_hash_is_computed_as_ever(self, add_user, log_in, hashes):
        add_user(email="amira@example.org")
        for _ in range(10):
            log_in(password="wrong password")
        hashes.clear()
        log_in("amira@example.org")
        assert len(hashes) == 1

    def test_one_client_that_tries_many_accounts_is_stopped(self, log_in):
        statuses = [log_in(f"user{number}").status_code for number in range(51)]
        assert statuses == [401] * 50 + [429]

    def test_a_forwarded_address_does_not_help(self, client):
        token = client.csrf_token()
        statuses = [
            client.post(
                "/auth/login/",
                {"identifier": f"user{number}", "password": PASSWORD},
                headers={"X-CSRF-Token": token, "X-Forwarded-For": f"192.0.2.{number}"},
            ).status_code
            for number in range(51)
        ]
        assert statuses[-1] == 429

    def test_a_stopped_guess_computes_no_hash(self, add_user, log_in, hashes):
        add_user()
        for _ in range(10):
            log_in(password="wrong password")
        hashes.clear()
        log_in(password="wrong password")
        assert hashes == []

    def test_the_pages_the_endpoint_and_a_change_of_password_count_together(self, add_user, log_in, api):
        add_user()
        for _ in range(5):
            log_in(password="wrong password")
            api("login", {"identifier": "amira", "password": "wrong password"})
        assert log_in().status_code == 429
        assert api("login", {"identifier": "amira", "password": PASSWORD}).status_code == 429


class TestRedis:
    @pytest.fixture
    def url(self):
        redis = pytest.importorskip(
            "redis", reason="the Redis client is not installed; it comes with lback-core[redis]"
        )
        url = os.environ.get("LBACK_TEST_REDIS", "redis://127.0.0.1:6379/0")
        client = redis.Redis.from_url(url)
        try:
            client.ping()
        except redis.ConnectionError:
            if os.environ.get("LBACK_TEST_SERVICES") == "required":
                raise
            pytest.skip(f"there is no Redis at {url}")
        finally:
            client.close()
        return url

    def test_counts_where_it_is_configured_and_the_database_does_not(self, make_site, url, log_in, database):
        prefix = secrets.token_hex(8)
        site = make_site(CACHE_URL=url, CACHE_PREFIX=prefix)
        other = make_site(CACHE_URL=url, CACHE_PREFIX=prefix)
        clients = [Client(site), Client(other)]
        statuses = [log_in("nobody", client=clients[number % 2]).status_code for number in range(11)]
        assert statuses == [401] * 10 + [429]
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM auth_attempts").scalar() == 0
        for app in (site, other):
            app.container.get(LimitStore).close()

    def test_that_is_away_lets_nobody_guess(self, make_site, add_user, log_in):
        pytest.importorskip("redis", reason=NO_CLIENT)
        add_user()
        site = make_site(CACHE_URL="redis://127.0.0.1:9/0")
        assert log_in(client=Client(site)).status_code == 503

    def test_counters_of_both_kinds_take_back(self, counters):
        for store in (LimitStore("memory://"), counters):
            store.add("one", 60)
            assert store.add("one", 60, -1) == 0


def test_the_throttle_is_a_component(site):
    assert site.container.get(Throttle) is site.container.get(Throttle)
