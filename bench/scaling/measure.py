"""The measurements: workers side by side, cards in one worker, and how often states are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from bench.analyzer.ground import ground
from bench.analyzer.run import Stand
from bench.scaling.points import Known, Shared, Written
from bench.scaling.traffic import AT_ONCE, USES, Traffic
from bench.scaling.workers import Site, done, missing
from schemas.codec import Encoder
from schemas.topics import TRANSACTIONS

_STEP_S: Final = 0.25
"""Records of a pace are written so often."""


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
    """Let one worker judge, then two, and so on; each time as many records, which are there before they are started."""
    for workers in range(1, most + 1):
        with site(stand, folder / str(workers)) as made:
            stand.say(f"{workers} worker{'s' * (workers > 1)}: {records:,} records of {cards:,} cards")
            _fill(made, Traffic(Encoder("transaction", stand.versions[TRANSACTIONS]), cards), records)
            shared = _side_by_side(made, workers, records)
        yield shared


def _side_by_side(made: Site, workers: int, records: int) -> Shared:
    made.where.committed()  # the first answer takes long, and must not while the clock should run
    made.add(workers)
    left, cpu_s, began = records - done(made.counted()), made.cpu_s(), monotonic()
    made.finish()
    wall_s, cpu_s = monotonic() - began, made.cpu_s() - cpu_s
    peaks = [one.meter.peak_rss for one in made.workers]
    return Shared(workers, left, wall_s, cpu_s, peaks, missing(made.counted(), {}, records))


def know(stand: Stand, cards: int, records: int, again: int, folder: Path) -> Known:
    """Let a worker get to know cards, start it again, and let it judge some more.

    Args:
        stand: what all runs share.
        cards: how many there are.
        records: how many the first judges; every card has one.
        again: how many the second judges.
        folder: for data and logs.
    """
    with site(stand, folder) as made:
        stand.say(f"one worker: {records:,} records of {cards:,} cards")
        traffic = Traffic(Encoder("transaction", stand.versions[TRANSACTIONS]), cards)
        start_s, start_cpu_s, empty = _start(made)
        written = _judge(made, traffic, records, 1.0)
        rss, peak = made.rss(), made.workers[0].meter.peak_rss
        made.stop()
        stand.say(f"one worker recovers {cards:,} cards, and judges {again:,} records")
        again_s, again_cpu_s, rss_recovered = _start(made)
        peak_recovered, recovered = made.workers[0].meter.peak_rss, made.workers[0].states()
        wrong = [] if recovered == cards else [f"{recovered:,} states are recovered of {cards:,}"]
        traffic.seen.clear()
        more = _judge(made, traffic, again, 1.0)
        return Known(
            written,
            rss_empty=empty,
            rss=rss,
            peak_rss=peak,
            start_empty_s=start_s,
            start_s=again_s,
            start_empty_cpu_s=start_cpu_s,
            start_cpu_s=again_cpu_s,
            rss_recovered=rss_recovered,
            peak_rss_recovered=peak_recovered,
            recovered=recovered,
            again=more,
            touched=len(traffic.seen),
            wrong=[*written.wrong, *wrong, *(f"after the recovery {line}" for line in more.wrong)],
        )


def _start(made: Site) -> tuple[float, float, int]:
    """Start the only worker; return the seconds until it works, CPU seconds and memory then."""
    began = monotonic()
    made.add()
    return monotonic() - began, made.cpu_s(), made.rss()


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
    before, cpu_s, began = made.counted(), made.cpu_s(), monotonic()
    _fill(made, traffic, records, per_s)
    made.finish()
    wall_s, cpu_s, counted = monotonic() - began, made.cpu_s() - cpu_s, made.counted()
    return Written(
        traffic.cards,
        checkpoint_s,
        records,
        wall_s,
        cpu_s,
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
