"""What the scaling bench says: three tables, and the same as JSON."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from bench.figures import middle
from bench.scaling.points import Known, Shared, Written

_US: Final = 1e6
_MB: Final = 1e6
_LIBRARIES: Final = ("faust-streaming", "aiokafka", "numpy", "fastavro")


@dataclass(slots=True)
class Found:
    """Everything that was measured so far."""

    broker: str
    shared: list[Shared] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)

    def wrong(self) -> Iterator[str]:
        """Yield what was wrong."""
        for one in self.shared:
            yield from (f"{one.workers} workers: {line}" for line in one.wrong)
        for known in self.known:
            yield from (f"{known.written.cards:,} cards: {line}" for line in known.wrong)
        for written in self.written:
            yield from (f"states every {written.checkpoint_s:g} s: {line}" for line in written.wrong)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it, with the machine."""
        return {
            "machine": {
                "cpus": psutil.cpu_count(),
                "memory": psutil.virtual_memory().total,
                "system": platform.platform(),
                "python": platform.python_version(),
                "load": psutil.getloadavg(),
                "broker": self.broker,
                **{name: version(name) for name in _LIBRARIES},
            },
            "workers": [asdict(one) for one in self.shared],
            "cards": [asdict(one) for one in self.known],
            "checkpoints": [asdict(one) for one in self.written],
        }


def show(found: Found, console: Console) -> None:
    """Print the tables."""
    console.print(_workers(found.shared))
    console.print(_cards(found.known))
    console.print(_checkpoints([*(one.written for one in found.known), *found.written]))
    for line in found.wrong():
        console.print(f"WRONG {line}", soft_wrap=True, highlight=False)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _workers(shared: list[Shared]) -> Table:
    table = _table(
        "Workers on one machine, medians",
        *("workers", "runs", "records", "records/s", "CPU µs/record", "records/CPU s", "peak MB each"),
    )
    for workers in sorted({one.workers for one in shared}):
        runs = [one for one in shared if one.workers == workers]
        cpu_s = middle([one.cpu_each_s for one in runs])
        table.add_row(
            *(str(workers), str(len(runs)), _figure(middle([one.records for one in runs]))),
            *(_figure(middle([one.per_s for one in runs])), _figure(cpu_s and cpu_s * _US, ",.1f")),
            _figure(cpu_s and 1 / cpu_s),
            _figure(middle([max(one.peak_rss) / _MB for one in runs])),
        )
    return table


def _figure(value: float | None, form: str = ",.0f") -> str:
    return "-" if value is None else format(value, form)


def _cards(known: list[Known]) -> Table:
    table = _table(
        "Cards in one worker",
        *("cards", "CPU µs/record", "MB", "peak MB", "bytes a card", "recovery s", "CPU s", "MB then", "bytes a card"),
        *("CPU µs/record after it", "of cards' first"),
    )
    for one in known:
        cards, written = max(1, one.recovered), one.written
        table.add_row(
            *(f"{one.recovered:,}", f"{written.cpu_s / written.records * _US:.1f}"),
            *(f"{one.rss / _MB:,.0f}", f"{one.peak_rss / _MB:,.0f}", f"{(one.rss - one.rss_empty) / cards:,.0f}"),
            *(f"{one.start_s - one.start_empty_s:.1f}", f"{one.start_cpu_s - one.start_empty_cpu_s:.1f}"),
            *(f"{one.rss_recovered / _MB:,.0f}", f"{(one.rss_recovered - one.rss_empty) / cards:,.0f}"),
            *(f"{one.again.cpu_s / one.again.records * _US:.1f}", f"{one.touched / one.again.records:.0%}"),
        )
    return table


def _checkpoints(written: list[Written]) -> Table:
    table = _table(
        "States written at checkpoints",
        *("cards", "every s", "records/s", "states/record", "bytes/state", "bytes/record", "CPU µs/record"),
    )
    for one in written:
        table.add_row(
            *(f"{one.cards:,}", f"{one.checkpoint_s:g}", f"{one.records / one.wall_s:,.0f}"),
            *(f"{one.states / one.records:.2f}", f"{one.state_bytes / max(1, one.states):,.0f}"),
            *(f"{one.state_bytes / one.records:,.0f}", f"{one.cpu_s / one.records * _US:.1f}"),
        )
    return table
