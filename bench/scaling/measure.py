"""The measurements: workers side by side, cards in one worker, and how often states are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from bench.analyzer.ground import ground
from bench.analyzer.run import Stand
from bench.memory import memory
from bench.scaling.traffic import AT_ONCE, USES, Traffic
from bench.scaling.workers import Site, missing
from schemas.codec import Encoder
from schemas.topics import TRANSACTIONS

_STEP_S: Final = 0.25
"""Records of a pace are written so often."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Some workers' work on some records."""

    workers: int
    records: int
    wall_s: float
    cpu_s: float
    """Of all workers."""
    peak_rss: list[int]
    """Of each worker, since it was started."""
    wrong: list[str] = field(default_factory=list)


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
    wrong: list[str] = field(default_factory=list)


@contextmanager
def site(stand: Stand, folder: Path) -> Iterator[Site]:
    """Start a new broker; its workers are ended with it."""
    with ground(stand.choice, folder, stand.say) as where:
        made = Site(stand, where, folder)
        try:
            yield made
        finally:
            made.stop()


def share(stand: Stand, most: int, cards: int, records: int, folder: Path) -> Iterator[Shared]:
    """Let one worker judge, then two, and so on; each time as many records, which are there before they begin."""
    with site(stand, folder) as made:
        traffic = Traffic(Encoder("transaction", stand.versions[TRANSACTIONS]), cards)
        _fill(made, traffic, cards)  # every card is known by then
        for workers in range(1, most + 1):
            stand.say(f"{workers} worker{'s' * (workers > 1)}: {records:,} records of {cards:,} cards")
            made.add()
            made.finish()
            before = made.counted()
            made.pause()
            _fill(made, traffic, records)
            cpu_s = _cpu_s(made)
            made.resume()
            wall_s = made.finish()
            wrong = missing(made.counted(), before, records)
            peaks = [one.meter.peak_rss for one in made.workers]
            yield Shared(workers, records, wall_s, _cpu_s(made) - cpu_s, peaks, wrong)


def know(stand: Stand, cards: int, records: int, folder: Path) -> Known:
    """Let a worker get to know cards, and start it again."""
    with site(stand, folder) as made:
        stand.say(f"one worker: {records:,} records of {cards:,} cards")
        traffic = Traffic(Encoder("transaction", stand.versions[TRANSACTIONS]), cards)
        began = monotonic()
        first = made.add()
        start_s, start_cpu_s, empty = monotonic() - began, first.meter.cpu_s, memory(first.child.pid).rss
        written = _judge(made, traffic, records, 1.0)
        rss, peak = memory(first.child.pid).rss, first.meter.peak_rss
        made.stop()
        stand.say(f"one worker recovers {cards:,} cards")
        began = monotonic()
        second = made.add()
        again_s, again = monotonic() - began, second.states()
        wrong = [] if again == len(traffic.seen) else [f"{again:,} states are recovered of {len(traffic.seen):,}"]
        return Known(
            written,
            rss_empty=empty,
            rss=rss,
            peak_rss=peak,
            start_empty_s=start_s,
            start_s=again_s,
            start_empty_cpu_s=start_cpu_s,
            start_cpu_s=second.meter.cpu_s,
            rss_recovered=memory(second.child.pid).rss,
            peak_rss_recovered=second.meter.peak_rss,
            recovered=again,
            wrong=[*written.wrong, *wrong],
        )


def write(
    stand: Stand, cards: int, pace: tuple[int, int], every_s: tuple[float, ...], folder: Path
) -> Iterator[Written]:
    """Let a worker judge with states written so often; a new one for each.

    Args:
        stand: what all runs share.
        cards: how many cards there are, each with a history.
        pace: records in all, and how many a second.
        every_s: how often states are written.
        folder: for data and logs.
    """
    with site(stand, folder) as made:
        traffic = Traffic(Encoder("transaction", stand.versions[TRANSACTIONS]), cards)
        _fill(made, traffic, round(USES * cards))
        for checkpoint_s in every_s:
            stand.say(f"{pace[1]:,} records a second, states of {cards:,} cards every {checkpoint_s:g} s")
            made.add(ANALYZER_CHECKPOINT_S=str(checkpoint_s))
            made.finish()
            yield _judge(made, traffic, pace[0], checkpoint_s, pace[1])
            made.stop()


def _judge(made: Site, traffic: Traffic, records: int, checkpoint_s: float, per_s: int = 0) -> Written:
    """Let workers judge records while they are written, as fast as can be or so many a second."""
    before, cpu_s, began = made.counted(), _cpu_s(made), monotonic()
    _fill(made, traffic, records, per_s)
    made.finish()
    wall_s, counted = monotonic() - began, made.counted()
    return Written(
        len(traffic.seen),
        checkpoint_s,
        records,
        wall_s,
        _cpu_s(made) - cpu_s,
        int(counted["states"] - before["states"]),
        int(counted["state_bytes"] - before["state_bytes"]),
        missing(counted, before, records),
    )


def _fill(made: Site, traffic: Traffic, records: int, per_s: int = 0) -> None:
    began, done = monotonic(), 0
    for values in traffic.take(records, round(per_s * _STEP_S) or AT_ONCE):
        if per_s:
            sleep(max(0.0, began + done / per_s - monotonic()))
        made.where.fill(values)
        done += len(values)
        for one in made.workers:
            one.look()


def _cpu_s(made: Site) -> float:
    return sum(one.meter.cpu_s for one in made.workers)
