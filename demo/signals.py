"""Ctrl-C and SIGTERM as an exception, and not while something is being put in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


class StopRequestedError(BaseException):
    """The user, or the system, wants the run to end."""

    def __init__(self, signal_number: int) -> None:
        """Remember which signal said so."""
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number


@contextmanager
def raising() -> Iterator[None]:
    """Raise `StopRequestedError` on SIGINT and SIGTERM while the body runs."""

    def stop(number: int, _: FrameType | None) -> None:
        raise StopRequestedError(number)

    before = {each: signal.signal(each, stop) for each in _STOPPING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def deaf() -> Iterator[None]:
    """Ignore SIGINT and SIGTERM while the body ends processes; it must not take long."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in _STOPPING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def held() -> Iterator[None]:
    """Keep SIGINT and SIGTERM until the body is through, which then counts as one step; it must not take long."""
    came: list[int] = []
    before = {each: signal.signal(each, lambda number, _: came.append(number)) for each in _STOPPING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if came:
            signal.raise_signal(came[0])
