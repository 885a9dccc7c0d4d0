"""Time, as delivery needs it: passed in, so that a test can turn the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Handle(Protocol):
    """A call that can still be cancelled."""

    def cancel(self) -> None:
        """Don't make the call."""


class Time(Protocol):
    """A wall clock with an alarm."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970, UTC."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Handle:
        """Call `callback` after `seconds`, in the event loop."""


class LoopTime:
    """The machine's clock and the running event loop's timers."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Handle:
        """Call `callback` after `seconds`."""
        return asyncio.get_running_loop().call_later(seconds, callback)
