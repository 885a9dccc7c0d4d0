"""Keeps the tasks going that have no end: one that fails is told of, begun again, and the bus isn't well meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog

from eventbus.delivery.timing import Time

_FIRST_S: Final = 1.0
"""Pause before a task is begun again; it doubles with each failure that follows."""
_LONGEST_S: Final = 60.0
_STEADY_S: Final = 10.0
"""A task that was begun again and runs for so long is well."""

_log = structlog.get_logger(__name__)


class Upkeep:
    """Use `keep` as the body of a task, which ends only when it is cancelled."""

    def __init__(self, time: Time) -> None:
        """Begin with everything well."""
        self._time = time
        self._down: dict[str, str] = {}

    @property
    def problem(self) -> str | None:
        """Which tasks are down and why, or None."""
        return "; ".join(f"{name} failed: {reason}" for name, reason in self._down.items()) or None

    async def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do work that should have no end, again and again."""
        pause_s = _FIRST_S
        while True:
            error = await self._failure(name, work)
            pause_s = min(pause_s * 2, _LONGEST_S) if name in self._down else _FIRST_S
            self._down[name] = f"{type(error).__name__}: {error}"
            _log.error("a task of the bus failed", task=name, again_s=pause_s, exc_info=error)
            await self._pause(pause_s)

    async def _failure(self, name: str, work: Callable[[], Awaitable[None]]) -> Exception:
        """Return how work came to its end."""
        steady = self._time.call_later(_STEADY_S, partial(self._steady, name))
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - of whatever kind, the others go on
            return error
        finally:
            steady.cancel()
        return RuntimeError("it came to an end")

    def _steady(self, name: str) -> None:
        self._down.pop(name, None)

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        alarm = self._time.call_later(seconds, over.set)
        try:
            await over.wait()
        finally:
            alarm.cancel()
