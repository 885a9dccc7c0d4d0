"""From produce to notification, at fixed rates.

An engine first catches up with a history, so that cards have habits and a virtual machine is warm. Then a process of
its own writes transactions on a fixed schedule. A latency runs from when a transaction was *due* to be written (its
record's timestamp) until the broker appended the notification of it, both in ms of this machine's clock. So waiting
in the writer counts as well, and reading the notification doesn't. Only flagged transactions have one, and those of the
first two seconds, when connections and caches wake up, don't count.
"""

from __future__ import annotations

import json
import marshal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.analyzer.engine import Engine
from bench.analyzer.ground import Ground, Tail, ground
from bench.analyzer.records import Load, differences, load
from bench.analyzer.run import Known, Stand, start, watch
from bench.analyzer.work import FIVE_PERCENT
from bench.figures import percentile
from bench.memory import Meter
from bench.places import ROOT
from schemas.codec import Decoder, Encoder
from schemas.errors import UnavailableError
from schemas.topics import TRANSACTIONS

WORK: Final = FIVE_PERCENT
BEHIND_MS: Final = 2_000.0
"""Who is further behind at the end falls behind."""
WARM_S: Final = 2
"""Seconds at the beginning that don't count."""
_HISTORY: Final = 0.2
_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast transactions are written, and for how long."""

    per_s: int
    seconds: int

    @property
    def records(self) -> int:
        """How many these are, with the history before."""
        return int(self.per_s * self.seconds / (1 - _HISTORY))


@dataclass(frozen=True, slots=True)
class Written:
    """What the writer says of itself."""

    began_ms: float = 0.0
    written_ms: float | None = None
    """p99 from when a transaction was due until the broker had it: the part of a latency that is not the engine's."""


@dataclass(frozen=True, slots=True)
class Delays:
    """What was seen of one engine at one pace."""

    pace: Pace
    notifications: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    last_ms: float
    """How long after the last transaction was due the last notification came."""
    writer: Written
    wrong: list[str] = field(default_factory=list)

    @property
    def behind(self) -> bool:
        """Whether it fell behind."""
        return bool(self.wrong) or self.last_ms > BEHIND_MS


Series = dict[str, list[Delays]]
"""By the engine's title."""


def measure_all(stand: Stand, engines: Sequence[Engine], paces: Sequence[Pace], runs: int, folder: Path) -> Series:
    """Measure each engine at each pace, taking turns, as long as it keeps up."""
    encoder = Encoder("transaction", stand.versions[TRANSACTIONS])
    series: Series = {one.title: [] for one in engines}
    out = set[str]()
    for at, pace in enumerate(sorted(paces, key=lambda one: one.per_s)):
        loaded = load(pace.records, 1, encoder, (WORK,))
        for number in range(1, runs + 1):
            for engine in [one for one in engines if one.title not in out]:
                stand.say(f"run {number} of {runs}: {engine.title}, {pace.per_s:,} a second")
                found = measure(stand, engine, loaded, pace, folder / f"{at}-{number}-{engine.name}")
                series[engine.title].append(found)
        out |= {title for title, found in series.items() if any(one.behind for one in found)}
    return series


def measure(stand: Stand, engine: Engine, loaded: Load, pace: Pace, folder: Path) -> Delays:
    """Let an engine catch up with the history, write the rest at a pace, and see how long notifications take."""
    first = len(loaded.values) - pace.per_s * pace.seconds
    with ground(stand.choice, folder, stand.say) as where:
        where.fill(loaded.values[:first])
        child = start(stand, engine, where, WORK, folder)
        tail = Tail(where.kafka)
        try:
            problem = watch(where, tail, child, Meter(child.pid), 0)
            written = _write(where, loaded.values[first:], pace, folder)
            _wait(tail, len(loaded.expected[WORK]))
        except UnavailableError as error:
            return Delays(pace, 0, None, None, None, 0.0, Written(), [str(error)])
        finally:
            child.stop(10)
            tail.close()
    due_ms = due(loaded.ids, first, pace, written.began_ms)
    read = Decoder(Known(stand.versions), logical_types=False).decode
    told = list(map(read, tail.values))
    wrong = differences(loaded.expected[WORK], told)
    at_ms = {one["eventDetail"]["transactionId"]: at for one, at in zip(told, tail.times_ms, strict=True)}
    return delays(pace, due_ms, at_ms, written, [problem, *wrong] if problem else wrong)


def due(ids: Sequence[str], first: int, pace: Pace, began_ms: float) -> dict[str, float]:
    """Return when each transaction that counts was due to be written for the first time (ms).

    Args:
        ids: the transactions in their order, the history first.
        first: how many are history.
        pace: how fast the others are written.
        began_ms: when the first of these was due.
    """
    times = {name: began_ms + at * 1_000 / pace.per_s for at, name in reversed(list(enumerate(ids[first:])))}
    for name in ids[: first + WARM_S * pace.per_s]:
        times.pop(name, None)
    return times


def delays(
    pace: Pace, due_ms: Mapping[str, float], at_ms: Mapping[str, int], writer: Written, wrong: list[str]
) -> Delays:
    """Return the figures of what was due and what came, by transaction."""
    waits = sorted(at - due_ms[name] for name, at in at_ms.items() if name in due_ms)
    last_due = max(due_ms.values(), default=0.0)
    return Delays(
        pace=pace,
        notifications=len(waits),
        p50_ms=percentile(waits, 50),
        p99_ms=percentile(waits, 99),
        max_ms=percentile(waits, 100),
        last_ms=max(0.0, max(at_ms.values(), default=0) - last_due),
        writer=writer,
        wrong=wrong,
    )


def _write(where: Ground, values: Sequence[tuple[bytes, bytes]], pace: Pace, folder: Path) -> Written:
    """Write in a process of its own."""
    argv = writer(where, values, pace.per_s, folder)
    done = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return Written(**json.loads(done.stdout))


def writer(where: Ground, values: Sequence[tuple[bytes, bytes]], rate: int, folder: Path) -> list[str]:
    """Return the command that writes records at a rate, and prints `Written` as JSON."""
    given = folder / "values.marshal"
    given.write_bytes(marshal.dumps(list(values)))
    words = ["--file", str(given), "--rate", str(rate), "--bootstrap-servers", where.kafka.bootstrap_servers]
    return [sys.executable, "-m", "bench.analyzer", *words]


def _wait(tail: Tail, expected: int) -> None:
    """Return when so many have come, or nothing new comes."""
    count, since = -1, time.monotonic()
    while time.monotonic() - since < _WAIT_S:
        now = tail.read(0.1)
        if now >= expected:
            return
        if now != count:
            count, since = now, time.monotonic()
