"""What is measured: the points, as they stand in the JSON."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Shared:
    """Some workers' work side by side."""

    workers: int
    records: int
    """How many were not judged yet when all workers were ready and each had partitions: the clock and CPU begin then.
    A worker that was ready before the others has begun with the rest."""
    wall_s: float
    """Until all are committed, which is up to two seconds after the last is judged."""
    cpu_s: float
    """Of all workers."""
    peak_rss: list[int]
    """Of each worker, since it was started."""
    wrong: list[str] = field(default_factory=list)
    """Of all records, also those before the clock."""

    @property
    def per_s(self) -> float | None:
        """Records a second; None of no records."""
        return self.records / self.wall_s if self.records and self.wall_s > 0 else None

    @property
    def cpu_each_s(self) -> float | None:
        """CPU seconds a record; None of no records, or less CPU than can be told."""
        return self.cpu_s / self.records if self.records and self.cpu_s > 0 else None


@dataclass(frozen=True, slots=True)
class Written:
    """What a worker wrote at checkpoints while it judged some records."""

    cards: int
    checkpoint_s: float
    records: int
    wall_s: float
    cpu_s: float
    states: int
    state_bytes: int
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """A worker that knows some cards, and the one that took its place."""

    written: Written
    rss_empty: int
    """Before the first record."""
    rss: int
    """When all is done."""
    peak_rss: int
    start_empty_s: float
    """From the start of a process until it works, nothing to recover."""
    start_s: float
    """The same with all states to recover."""
    start_empty_cpu_s: float
    start_cpu_s: float
    rss_recovered: int
    peak_rss_recovered: int
    recovered: int
    """Cards."""
    again: Written
    """What the second worker judged then."""
    touched: int
    """Cards that came in it, each for the first time since the recovery: its state is taken apart then."""
    wrong: list[str] = field(default_factory=list)
