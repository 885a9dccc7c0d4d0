"""How many calls may be under way: halved when the service throttles, one more with each full round that it doesn't."""

from __future__ import annotations

import threading


class Pace:
    """Additive increase, multiplicative decrease, as TCP does it. Safe for threads."""

    def __init__(self, most: int) -> None:
        """Begin with `most` calls at once and never allow more."""
        self._most = most
        self._now = float(most)
        self._lock = threading.Lock()

    @property
    def most(self) -> int:
        """How many calls may be under way at once, now: one at least."""
        return int(self._now)

    def throttled(self) -> None:
        """Learn that a call or an entry of it was refused because there are too many."""
        with self._lock:
            self._now = max(1.0, self._now / 2)

    def answered(self) -> None:
        """Learn that a call was answered otherwise."""
        with self._lock:
            self._now = min(float(self._most), self._now + 1 / self._now)
