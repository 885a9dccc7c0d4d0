"""Memory of processes: resident set size, sampled; pages that processes share are counted for each."""

from __future__ import annotations

from collections.abc import Mapping

import psutil


class Meter:
    """Remembers the most that each process, and all together, have used. Bytes."""

    def __init__(self) -> None:
        """Start with nothing sampled."""
        self.current: dict[str, int] = {}
        self.peak: dict[str, int] = {}
        self.peak_in_all = 0

    def sample(self, pids: Mapping[str, int]) -> None:
        """Look at the processes now; one that has just ended counts nothing."""
        self.current = {}
        for name, pid in pids.items():
            try:
                self.current[name] = psutil.Process(pid).memory_info().rss
            except psutil.Error:
                continue
            self.peak[name] = max(self.peak.get(name, 0), self.current[name])
        self.peak_in_all = max(self.peak_in_all, sum(self.current.values()))
