"""Ids of events and requests: random UUIDs, drawn from a pool, since each read from the system gives up the thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

_POOL: Final = 4096
_BYTES: Final = 16
_VARIANT: Final = "89ab"


class Ids:
    """Makes UUIDs of version 4. For one thread."""

    def __init__(self, draw: Callable[[int], bytes] = os.urandom) -> None:
        """Begin with an empty pool; `draw` returns that many random bytes."""
        self._draw = draw
        self._pool, self._at = "", 0

    def new(self) -> str:
        """Return a fresh one."""
        if self._at >= len(self._pool):
            self._pool, self._at = self._draw(_POOL).hex(), 0
        digits = self._pool[self._at : self._at + 2 * _BYTES]
        self._at += 2 * _BYTES
        variant = _VARIANT[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
