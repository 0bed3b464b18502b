"""The container: components by type, made once for an application or for each request."""

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
