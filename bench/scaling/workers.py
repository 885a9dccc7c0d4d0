"""Workers of the analyzer on one broker: started, watched, and asked what they have counted."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from bench.analyzer.engine import OURS
from bench.analyzer.ground import Ground
from bench.analyzer.run import Stand, start
from bench.analyzer.work import ONE_PERCENT
from bench.memory import Meter, memory
from demo.process import HOST, Child, free_port
from schemas import topics
from schemas.errors import UnavailableError
from schemas.topics import TRANSACTIONS

_PATIENCE_S: Final = 600.0
"""It ends what hangs: on a busy machine two million states may take minutes to recover."""
_SLOWEST_PER_S: Final = 2_000
"""Records; what is slower than that hangs."""
_LOOK_S: Final = 0.05
_SELDOM_S: Final = 0.25
"""While they work: a look takes milliseconds of CPU for each, which they would have less."""
_COUNTER: Final = re.compile(r"^cardwatch_analyzer_(\w+)_total (\S+)$", re.MULTILINE)
DONE: Final = ("judged", "late", "duplicates", "dead_letters")
"""Counters of which each record moves one."""


@dataclass(slots=True)
class Worker:
    """A running worker, and what was seen of it."""

    child: Child
    port: int
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        self.meter = Meter(self.child.pid)

    def look(self) -> None:
        """Look at its CPU and memory, and that it runs."""
        self.child.require_running()
        self.meter.look()

    def ready(self) -> bool:
        """Tell whether it has partitions' states, and works."""
        try:
            with urlopen(f"http://{HOST}:{self.port}/health", timeout=5) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004 - OK
        except (URLError, OSError):
            return False

    def counters(self) -> dict[str, float]:
        """Return what it has counted."""
        with urlopen(f"http://{HOST}:{self.port}/metrics", timeout=30) as answer:
            return {name: float(value) for name, value in _COUNTER.findall(answer.read().decode())}

    def states(self) -> int:
        """Return how many states it had when it was ready the last time; -1 if its log doesn't say."""
        return self._when_ready("states")

    def partitions(self) -> int:
        """Return how many partitions it had then; -1 if its log doesn't say."""
        return self._when_ready("partitions")

    def _when_ready(self, what: str) -> int:
        lines = [line for line in self.child.text().splitlines(keepends=True) if '"event": "ready"' in line]
        whole = [line for line in lines if line.endswith("\n")]
        return int(json.loads(whole[-1])[what]) if whole else -1


@dataclass(slots=True)
class Site:
    """A broker, and the workers on it."""

    stand: Stand
    where: Ground
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    started: int = 0

    def add(self, count: int = 1, **settings: str) -> None:
        """Start more workers at once; wait until all have their share of the partitions and work."""
        self.workers += [self._started(settings) for _ in range(count)]
        self.until(lambda: all(one.ready() for one in self.workers) and self.shared(), "ready")

    def _started(self, settings: Mapping[str, str]) -> Worker:
        self.started += 1
        port, folder = free_port(), self.folder / str(self.started)
        more = {"OPS_PORT": str(port), "LOG_LEVEL": "INFO", **settings}
        engine = replace(OURS, env=lambda place: {**OURS.env(place), **more})
        return Worker(start(self.stand, engine, self.where, ONE_PERCENT, folder), port)

    def shared(self) -> bool:
        """Tell whether all partitions are shared out, and each worker has some: a worker had more before others came.

        The workers' logs say so; the group can't be asked, since the embedded broker doesn't tell its members.
        """
        shares = [one.partitions() for one in self.workers]
        return all(share > 0 for share in shares) and sum(shares) == topics.load()[TRANSACTIONS].partitions

    def until(
        self, done: Callable[[], bool], what: str, patience_s: float = _PATIENCE_S, every_s: float = _LOOK_S
    ) -> None:
        """Watch the workers until something is so.

        Raises:
            UnavailableError: a worker ends, or it takes too long.
        """
        began = time.monotonic()
        while not done():
            self.look()
            if time.monotonic() - began > patience_s:
                raise UnavailableError(f"the workers are not {what} after {patience_s:g} s (logs: {self.folder})")
            time.sleep(every_s)
        self.look()

    def look(self) -> None:
        """Look at all workers."""
        for one in self.workers:
            one.look()

    def cpu_s(self) -> float:
        """Return the CPU seconds that all workers have used until now."""
        self.look()
        return sum(one.meter.cpu_s for one in self.workers)

    def rss(self) -> int:
        """Return their resident bytes now."""
        return sum(memory(one.child.pid).rss for one in self.workers)

    def finish(self) -> None:
        """Wait until every record is done."""
        wanted = sum(self.where.ends.values())
        patience_s = _PATIENCE_S + wanted / _SLOWEST_PER_S
        self.until(lambda: self.where.committed() >= wanted, "done", patience_s, _SELDOM_S)

    def counted(self) -> dict[str, float]:
        """Return the sums of all workers' counters."""
        sums: dict[str, float] = {}
        for one in self.workers:
            for name, value in one.counters().items():
                sums[name] = sums.get(name, 0.0) + value
        return sums

    def stop(self) -> None:
        """End all workers; they drain and leave, all at once: or those left would share the partitions anew."""
        for one in self.workers:
            one.child.terminate()
        for one in self.workers:
            one.child.stop(30)
        self.workers.clear()


def done(counted: dict[str, float]) -> int:
    """Return how many records are done by the sums of counters."""
    return int(sum(counted.get(name, 0.0) for name in DONE))


def missing(counted: dict[str, float], before: dict[str, float], records: int) -> list[str]:
    """Return what is wrong with the sums of counters: each record must be done once.

    Also when partitions change hands meanwhile. A worker judges nothing more then, and settles and commits what it has
    judged; what the next one reads again all the same is in its states already, and moves none of these counters.
    Only one that was thrown out of the group may have judged what another then judges, too: a figure of such a run is
    of more work than it says.
    """
    now = done(counted) - done(before)
    return [] if now == records else [f"{now:,} records are done of {records:,}"]
