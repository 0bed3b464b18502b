"""The container: components by type, made once for an application or for each request."""

import contextlib
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from lback.core.config import Config
from lback.core.container import Container
from lback.core.exceptions import ConfigurationError


@dataclass
class Clock:
    zone: str = "UTC"


@dataclass
class Mailer:
    clock: Clock
    config: Config
    sender: str = "nobody"


@pytest.fixture
def container() -> Container:
    container = Container()
    container.add(Config, Config({"OWN": 1}), name="config")
    return container


def test_a_component_is_found_by_its_type(container: Container) -> None:
    clock = Clock()
    container.add(Clock, clock)
    assert container.get(Clock) is clock


def test_a_factory_makes_its_component_once_and_when_it_is_asked_for(container: Container) -> None:
    made: list[Clock] = []

    def make(_: Container) -> Clock:
        made.append(Clock())
        return made[-1]

    container.add_factory(Clock, make)
    assert made == []
    assert container.get(Clock) is container.get(Clock)
    assert len(made) == 1


def test_threads_that_ask_at_once_get_the_same_component(container: Container) -> None:
    both_ask = threading.Barrier(2)
    got: list[Clock] = []

    def make(_: Container) -> Clock:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_ask.wait(0.1)  # where two threads get here, they meet
        return Clock()

    container.add_factory(Clock, make)
    threads = [threading.Thread(target=lambda: got.append(container.get(Clock))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got[0] is got[1]


def test_components_that_need_each_other_are_refused_with_their_way(container: Container) -> None:
    container.add_factory(Clock, lambda this: Clock(this.get(Mailer).sender))
    container.add_factory(Mailer, lambda this: Mailer(this.get(Clock), this.get(Config)))
    with pytest.raises(ConfigurationError, match=r"circle: .*Clock -> .*Mailer -> .*Clock"):
        container.get(Clock)


def test_a_class_may_say_how_it_is_made_from_the_settings(container: Container) -> None:
    class Cache:
        def __init__(self, size: int) -> None:
            self.size = size

        @classmethod
        def from_config(cls, config: Config) -> "Cache":
            return cls(config.OWN)

    assert container.get(Cache).size == 1
    assert container.get(Cache) is container.get(Cache)


def test_an_annotation_that_can_not_be_read_is_refused(container: Container) -> None:
    class Unreadable:
        def __init__(self, clock: "NotDefinedAnywhere") -> None:  # type: ignore[name-defined]  # noqa: F821
            pass

    with pytest.raises(ConfigurationError, match=r"constructor of .*Unreadable.*NotDefinedAnywhere"):
        container.build(Unreadable)


def test_the_last_one_registered_counts(container: Container) -> None:
    container.add_factory(Clock, lambda _: Clock("first"))
    container.get(Clock)
    container.add_factory(Clock, lambda _: Clock("second"))
    assert container.get(Clock).zone == "second"


def test_what_nobody_provides_is_refused_with_what_to_do(container: Container) -> None:
    with pytest.raises(ConfigurationError, match=r"Nothing provides .*Clock.*container\.add"):
        container.get(Clock)


def test_a_constructor_is_filled_by_annotation_then_by_params(container: Container) -> None:
    container.add(Clock, Clock("CET"))
    mailer = container.build(Mailer, {"sender": "me"})
    assert (mailer.clock.zone, mailer.config.OWN, mailer.sender) == ("CET", 1, "me")


def test_a_constructor_is_filled_by_name(container: Container) -> None:
    class Named:
        def __init__(self, config, clock=None) -> None:  # type: ignore[no-untyped-def]
            self.config, self.clock = config, clock

    named = container.build(Named)
    assert (named.config.OWN, named.clock) == (1, None)


def test_params_go_before_components(container: Container) -> None:
    container.add(Clock, Clock("CET"))
    own = Clock("own")
    assert container.build(Mailer, {"clock": own}).clock is own


@pytest.mark.parametrize(
    ("params", "reason"), [({}, "needs 'clock'"), ({"clock": Clock(), "unknown": 1}, "takes no 'unknown'")]
)
def test_a_constructor_that_can_not_be_filled_is_refused(
    container: Container, params: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        container.build(Mailer, params)


def test_a_class_without_a_constructor_needs_nothing(container: Container) -> None:
    class Plain:
        pass

    assert isinstance(container.build(Plain), Plain)


def test_tests_put_another_component_in_place_for_a_while(container: Container) -> None:
    container.add(Clock, Clock("real"))
    with container.override(Clock, Clock("fake")):
        assert container.get(Clock).zone == "fake"
    assert container.get(Clock).zone == "real"
