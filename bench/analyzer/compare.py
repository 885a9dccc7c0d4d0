"""Engines side by side: in turn, each run on a new broker, so that a slow minute of the machine hits all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench.analyzer.engine import Engine
from bench.analyzer.records import Load, load
from bench.analyzer.run import Run, Stand, run
from bench.analyzer.work import Work
from bench.figures import middle, spread
from schemas.codec import Encoder
from schemas.errors import UnavailableError
from schemas.topics import TRANSACTIONS

START_RECORDS: Final = 2_000
"""Records of the part of a run that tells what starting costs; at most a fifth of what the slowest engine gets."""
_US: Final = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """What a record costs in one run: what it takes more than the runs with few records, in the median."""

    cpu_us: float
    wall_us: float


@dataclass(slots=True)
class Series:
    """What was seen of one engine, run after run."""

    engine: Engine
    starts: list[Run] = field(default_factory=list)
    runs: dict[Work, list[Run]] = field(default_factory=dict)

    def costs(self, work: Work) -> list[Cost]:
        """Return the cost of a record in each run; none without starts."""
        starts, runs = self.starts, self.runs.get(work, ())
        if not starts:
            return []
        few = replace(
            starts[0],
            cpu_s=middle([one.cpu_s for one in starts]) or 0.0,
            wall_s=middle([one.wall_s for one in starts]) or 0.0,
        )
        return [cost(few, one) for one in runs]

    def cpu_us(self, work: Work) -> float:
        """Return the median of CPU time a record, µs; 0 when nothing was measured."""
        return middle([one.cpu_us for one in self.costs(work)]) or 0.0

    def wall_us(self, work: Work) -> float:
        """Return the median of time a record, µs; 0 when nothing was measured."""
        return middle([one.wall_us for one in self.costs(work)]) or 0.0

    def spread(self, work: Work) -> float:
        """Return how far the runs' CPU times a record are apart, as a share of their median."""
        return spread([one.cpu_us for one in self.costs(work)])

    def peak_mb(self, work: Work) -> float:
        """Return the median of the peaks of memory, MB."""
        return (middle([float(one.peak_rss) for one in self.runs.get(work, ())]) or 0.0) / 1e6

    def wrong(self) -> Iterator[str]:
        """Yield what was wrong, with the run's number."""
        for number, one in enumerate(self.starts, start=1):
            yield from (f"{self.engine.title}, start {number}: {line}" for line in one.wrong)
        for work, runs in self.runs.items():
            for number, one in enumerate(runs, start=1):
                yield from (f"{self.engine.title}, {work.name} flagged, run {number}: {line}" for line in one.wrong)


def cost(few: Run, all_: Run) -> Cost:
    """Return what a record costs in one run, start-up taken off; never below 0."""
    records = max(1, all_.records - few.records)
    return Cost(
        cpu_us=max(0.0, all_.cpu_s - few.cpu_s) * _US / records,
        wall_us=max(0.0, all_.wall_s - few.wall_s) * _US / records,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What to compare, and how often."""

    engines: Sequence[Engine]
    works: Sequence[Work]
    records: int
    """In all; an engine gets its share."""
    runs: int
    starts: bool = True
    """Whether start-up is measured, to be taken off."""


def start_records(plan: Plan) -> int:
    """Return how many records the first part of each run has."""
    return min(START_RECORDS, plan.records // (5 * max(one.share for one in plan.engines)))


def compare(
    stand: Stand, plan: Plan, folder: Path, keep: Callable[[Sequence[Series]], object] = lambda _: None
) -> list[Series]:
    """Let each engine do each work `runs` times, taking turns; `keep` gets what was seen so far after each engine."""
    encoder = Encoder("transaction", stand.versions[TRANSACTIONS])
    stand.say("making records and judging them by the scalar core")
    loads = {share: load(plan.records, share, encoder, plan.works) for share in {one.share for one in plan.engines}}
    few = load(start_records(plan), 1, encoder, plan.works)
    series = [Series(one) for one in plan.engines]
    for number in range(1, plan.runs + 1):
        for one in series:
            where = folder / f"{number}-{one.engine.name}"
            said = f"run {number} of {plan.runs}: {one.engine.title}"
            if plan.starts:
                stand.say(f"{said}, start")
                one.starts.append(_run(stand, one.engine, few, plan.works[0], where / "start"))
            loaded = loads[one.engine.share]
            for at, work in enumerate(plan.works):
                stand.say(f"{said}, {len(loaded.values):,} records, {work.name} flagged")
                one.runs.setdefault(work, []).append(_run(stand, one.engine, loaded, work, where / str(at)))
            keep(series)
    return series


def _run(stand: Stand, engine: Engine, loaded: Load, work: Work, folder: Path) -> Run:
    """Run it; an engine that ends by itself is wrong, and the others go on."""
    try:
        found = run(stand, engine, loaded, work, folder)
    except UnavailableError as error:
        return Run(len(loaded.values), 0, 0.0, 0.0, 0, [str(error)])
    if not found.wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def ratios(series: Sequence[Series], works: Sequence[Work]) -> Mapping[tuple[str, Work], float]:
    """Return, by the name of each other engine, how many times as much CPU a record costs it as the first."""
    ours, *others = series
    return {
        (one.engine.name, work): one.cpu_us(work) / ours.cpu_us(work)
        for one in others
        for work in works
        if ours.cpu_us(work) and one.cpu_us(work)
    }
