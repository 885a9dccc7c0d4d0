"""One measurement: a contender reads the topic and puts; the clock runs from the first entry taken to the last."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Final
from urllib.request import urlopen

from bench.figures import percentile
from bench.memory import cpu_s, memory
from bench.notifier.buses import Bus
from bench.notifier.contenders import CONNECTOR, Contender, Where, calls_file, start
from demo.broker import poll
from demo.process import HOST, Child, free_port

_LOOK_S: Final = 0.05
_START_S: Final = 120.0
_QUIET_S: Final = 60.0
_LEAST_CPU_S: Final = 0.1
"""Ten ticks of the clock of CPU time: what took less isn't known to a tenth."""
_BUCKET: Final = re.compile(r'^cardwatch_notifier_put_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a run."""

    events: int
    wall_s: float
    cpu_us: float | None
    """CPU time of the contender per event, its start not counted; None when that is too little to be measured."""
    rss: int
    """Resident bytes at the end."""
    p50_ms: float | None
    """Of a call."""
    p99_ms: float | None

    @property
    def per_s(self) -> float | None:
        """Events per second; None when all came in one call."""
        return self.events / self.wall_s if self.wall_s else None

    @property
    def per_cpu_s(self) -> float | None:
        """Events per second of CPU time; None where it isn't known."""
        return 1e6 / self.cpu_us if self.cpu_us else None


def measure(one: Contender, bus: Bus, where: Where, events: int, group: str) -> Measured:
    """Let a contender put `events`.

    Raises:
        UnavailableError: it ended, or stopped putting.
    """
    ops_port = free_port()
    child = start(one, where, events=events, group=group, ops_port=ops_port)
    try:
        poll(lambda: bus.seen().entries > 0, child, _START_S)
        before, already = cpu_s(child.pid), bus.seen().entries
        _wait(bus, child, events)
        used, seen, resident = cpu_s(child.pid) - before, bus.seen(), memory(child.pid).rss
        calls = _of_file(where, group, child) if one.name == CONNECTOR else _of_metrics(ops_port)
        counted = seen.entries - already
        cpu_us = used * 1e6 / counted if counted and used >= _LEAST_CPU_S else None
        return Measured(seen.entries, seen.last_s - seen.first_s, cpu_us, resident, *calls)
    finally:
        child.stop()


def _wait(bus: Bus, child: Child, events: int) -> None:
    count, since = -1, time.monotonic()
    while (now := bus.seen().entries) < events:
        if now != count:
            count, since = now, time.monotonic()
        child.require_running()
        if time.monotonic() - since > _QUIET_S:
            child.kill()
            child.require_running()
        time.sleep(_LOOK_S)


def _of_file(where: Where, group: str, child: Child) -> tuple[float | None, float | None]:
    child.wait(_START_S)
    calls = sorted(1000 * took for took in json.loads(calls_file(where, group).read_text()))
    return percentile(calls, 50), percentile(calls, 99)


def _of_metrics(port: int) -> tuple[float | None, float | None]:
    """Read the notifier's histogram, as Prometheus does: evenly spread within a bucket."""
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    buckets = [(float(limit), float(count)) for limit, count in _BUCKET.findall(text)]
    return quantile(buckets, 0.5), quantile(buckets, 0.99)


def quantile(buckets: list[tuple[float, float]], share: float) -> float | None:
    """Return a quantile in ms of cumulative counts by upper limit in s; None of none."""
    wanted = share * buckets[-1][1] if buckets else 0.0
    low = below = 0.0
    for limit, count in buckets:
        if count >= wanted > 0:
            if limit == float("inf"):
                return low * 1000
            return 1000 * (low + (limit - low) * (wanted - below) / (count - below))
        low, below = limit, count
    return None
