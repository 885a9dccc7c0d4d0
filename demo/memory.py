"""Memory of processes, sampled: pages that several share are counted once in all, where the system can tell.

On Linux that is the proportional set size (PSS): a page that six processes share counts a sixth for each.
Elsewhere it is the resident set size (RSS), which counts such a page six times.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

import psutil

MEASURE: Final = "PSS" if sys.platform == "linux" else "RSS"


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
                self.current[name] = used(pid)
            except psutil.Error:
                continue
            self.peak[name] = max(self.peak.get(name, 0), self.current[name])
        self.peak_in_all = max(self.peak_in_all, sum(self.current.values()))


def used(pid: int) -> int:
    """Return the memory of one process in bytes, as MEASURE says.

    Raises:
        psutil.Error: it has ended.
    """
    process = psutil.Process(pid)
    return int(process.memory_full_info().pss if MEASURE == "PSS" else process.memory_info().rss)
