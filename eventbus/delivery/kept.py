"""How many bytes of events are kept, by their numbers: in slices, so that it costs little to know. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

_SLICE: Final = 256 * 1024
"""Most bytes of a slice, unless the events of one acceptance are more."""


class Kept:
    """Grows at its newest end and shrinks at its oldest."""

    def __init__(self, known: Iterable[tuple[int, int]] = ()) -> None:
        """Begin with what is on disk: the last number and the bytes of events that follow one another."""
        self._slices: deque[tuple[int, int]] = deque()
        self.bytes = 0
        for last_seq, size in known:
            self.add(last_seq, size)

    @property
    def oldest(self) -> int:
        """The last number of the oldest slice, nought when there is none."""
        return self._slices[0][0] if self._slices else 0

    def add(self, last_seq: int, size: int) -> None:
        """Note events up to that number, and their bytes."""
        self.bytes += size
        if self._slices and self._slices[-1][1] + size <= _SLICE:
            before_seq, before = self._slices.pop()
            last_seq, size = max(before_seq, last_seq), before + size
        self._slices.append((last_seq, size))

    def swept(self, seq: int) -> None:
        """Forget events up to that number."""
        while self._slices and self._slices[0][0] <= seq:
            self.bytes -= self._slices.popleft()[1]
