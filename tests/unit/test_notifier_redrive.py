"""Redrive while the group's coordinator moves."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from notifier.redrive import patiently


class Group:
    """Refuses with a code so many times, then answers."""

    def __init__(self, code: int, times: int) -> None:
        self.code, self.times, self.calls = code, times, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise KafkaException(KafkaError(self.code))
        return "offsets"


@pytest.mark.parametrize(
    "code", [KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS]
)
def test_a_coordinator_that_moves_is_asked_again_after_a_pause(code: int) -> None:
    group, slept = Group(code, times=2), list[float]()
    assert patiently(group, (1, 2, 4), slept.append) == "offsets"
    assert slept == [1, 2]


def test_a_coordinator_that_stays_away_is_an_error_in_the_end() -> None:
    group = Group(KafkaError.NOT_COORDINATOR, times=9)
    with pytest.raises(KafkaException):
        patiently(group, (1, 2), lambda _: None)
    assert group.calls == 3


def test_another_error_is_raised_at_once() -> None:
    group = Group(KafkaError.GROUP_AUTHORIZATION_FAILED, times=1)
    with pytest.raises(KafkaException):
        patiently(group, (1, 2), lambda _: None)
    assert group.calls == 1
