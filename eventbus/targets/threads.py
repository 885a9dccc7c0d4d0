"""Where blocking calls run: targets that work in one pool, targets that have just failed in another.

A call to a target that hangs holds a thread until its timeout. In a pool of their own such calls can
only hold up each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

THREADS: Final = 16
"""In each pool."""

T = TypeVar("T")


class Threads:
    """Two pools of threads."""

    def __init__(self, size: int = THREADS) -> None:
        """Make pools of `size` threads each; a thread starts when it is first needed."""
        self._healthy = ThreadPoolExecutor(size, thread_name_prefix="targets")
        self._troubled = ThreadPoolExecutor(size, thread_name_prefix="targets-troubled")

    async def run(self, call: Callable[[], T], *, troubled: bool) -> T:
        """Run a blocking call in the pool that fits and return its result."""
        pool = self._troubled if troubled else self._healthy
        return await asyncio.get_running_loop().run_in_executor(pool, call)

    def begin(self, call: Callable[[], object]) -> None:
        """Run a call that nobody waits for; what it returns or raises is dropped."""
        self._healthy.submit(call)

    def close(self) -> None:
        """Start no call any more; those under way end by their own timeouts."""
        self._healthy.shutdown(wait=False, cancel_futures=True)
        self._troubled.shutdown(wait=False, cancel_futures=True)
