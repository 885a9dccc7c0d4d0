"""How the workers of a process end: all of them, when the process is told to or when one of them has failed."""

from __future__ import annotations

import asyncio
import signal
from typing import Any


class Ending:
    """What is known of it; shared by the workers."""

    def __init__(self) -> None:
        """Begin with no end in sight; must be called in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        self._failure: asyncio.Future[None] = self._loop.create_future()

    def on_signals(self) -> None:
        """Take SIGTERM and SIGINT as being told to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._told.set)

    @property
    def told(self) -> bool:
        """Whether the process was told to end."""
        return self._told.is_set()

    @property
    def failed(self) -> bool:
        """Whether a worker has failed."""
        return self._failure.done()

    def fail(self, error: BaseException) -> None:
        """Remember what a worker failed with; the first counts."""
        if not self._failure.done():
            self._failure.set_exception(error)

    async def comes(self) -> None:
        """Return when it comes."""
        ends: list[asyncio.Future[Any]] = [self._failure, self._loop.create_task(self._told.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)

    def check(self) -> None:
        """Raise what a worker failed with, if one did."""
        if self._failure.done():
            self._failure.result()
