"""Memory of a bus: its process and those that it started."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: resident; and proportional, where pages that processes share are counted once in all (Linux)."""

    rss: int
    pss: int


def memory(pid: int) -> Memory:
    """Look at it now."""
    rss = pss = 0
    for process in _family(pid):
        rss += process.memory_info().rss
        pss += getattr(process.memory_full_info(), "pss", 0)
    return Memory(rss, pss)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that it has used until now."""
    return sum(sum(process.cpu_times()[:2]) for process in _family(pid))


def _family(pid: int) -> list[psutil.Process]:
    head = psutil.Process(pid)
    return [head, *head.children(recursive=True)]
