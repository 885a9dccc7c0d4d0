"""Ctrl-C and SIGTERM: as an exception, and not between two steps that belong together."""

from __future__ import annotations

import signal

import pytest

from demo.signals import StopRequestedError, held, raising

STOPPING = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", STOPPING)
def test_a_stop_is_raised_with_its_exit_code(number: signal.Signals) -> None:
    with raising(), pytest.raises(StopRequestedError) as stopped:
        signal.raise_signal(number)
    assert stopped.value.exit_code == 128 + number


@pytest.mark.parametrize("number", STOPPING)
def test_a_stop_waits_until_what_is_one_step_is_through(number: signal.Signals) -> None:
    steps = []

    def step() -> None:
        with held():
            steps.append("noted")
            signal.raise_signal(number)
            signal.raise_signal(number)
            steps.append("counted")
        steps.append("gone on")

    with raising(), pytest.raises(StopRequestedError) as stopped:
        step()
    assert steps == ["noted", "counted"]
    assert stopped.value.exit_code == 128 + number


def test_without_a_stop_nothing_is_raised_and_the_next_one_is_raised_at_once() -> None:
    with raising():
        with held():
            pass
        with pytest.raises(StopRequestedError):
            signal.raise_signal(signal.SIGINT)


def test_an_error_of_the_step_comes_out_of_it() -> None:
    with raising(), pytest.raises(ValueError, match="no such record"), held():
        raise ValueError("no such record")
