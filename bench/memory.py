"""CPU and memory of a process and those that it started."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: resident; and proportional, where pages that processes share are counted once in all (Linux)."""

    rss: int
    pss: int


@dataclass(slots=True)
class Meter:
    """Watches a process by looking at it again and again."""

    pid: int
    cpu_s: float = 0.0
    """CPU seconds that it and its children have used until the last look."""
    peak_rss: int = 0
    """Most resident bytes at any look."""

    def look(self) -> None:
        """Look at it; one that has ended keeps what was seen last."""
        try:
            found = family(self.pid)
            rss = sum(process.memory_info().rss for process in found)
            self.cpu_s, self.peak_rss = max(self.cpu_s, _used_s(found)), max(self.peak_rss, rss)
        except psutil.NoSuchProcess:
            return


def memory(pid: int) -> Memory:
    """Look at it now."""
    rss = pss = 0
    for process in family(pid):
        rss += process.memory_info().rss
        pss += getattr(process.memory_full_info(), "pss", 0)
    return Memory(rss, pss)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that it has used until now, with children that have ended."""
    return _used_s(family(pid))


def _used_s(found: list[psutil.Process]) -> float:
    head, *others = found
    return sum(head.cpu_times()[:4]) + sum(sum(process.cpu_times()[:2]) for process in others)


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all that come from it."""
    head = psutil.Process(pid)
    return [head, *head.children(recursive=True)]
