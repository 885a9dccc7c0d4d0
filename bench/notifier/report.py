"""What the bench says: a table, the ratios, and every run as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.figures import middle, spread
from bench.notifier.contenders import CONNECTOR, CONTENDERS, OURS
from bench.notifier.measure import Measured

_MB: Final = 1_000_000
Found = dict[tuple[str, str], list[Measured]]
"""Runs by bus and contender."""
COLUMNS: Final = ("events/s", "spread", "events/CPU s", "CPU µs/event", "call p50 ms", "p99 ms", "MB")


def show(found: Found, runs: int, console: Console) -> None:
    """Print medians and ratios."""
    table = Table(title=f"Notifications put, median of {runs} run{'s' if runs > 1 else ''}", title_justify="left")
    for name in ("bus", "by"):
        table.add_column(name)
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for (bus, name), measured in found.items():
        table.add_row(bus, CONTENDERS[name].title, *cells(measured))
    console.print(table)
    for line in ratios(found):
        console.print(line, soft_wrap=True, highlight=False)


def cells(measured: list[Measured]) -> list[str]:
    """Return the figures of a bus and contender."""
    rates = [each.per_s for each in measured if each.per_s]
    return [
        _shown(middle(rates)),
        f"{spread(rates):.0%}" if rates else "-",
        _shown(middle([each.per_cpu_s for each in measured])),
        _shown(middle([each.cpu_us for each in measured])),
        _shown(middle([each.p50_ms for each in measured]), digits=1),
        _shown(middle([each.p99_ms for each in measured]), digits=1),
        f"{max(each.rss for each in measured) / _MB:,.0f}",
    ]


def _shown(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def ratios(found: Found) -> Iterator[str]:
    """Say how much faster than the connector's pace, and how much cheaper an event, ours is."""
    for (bus, name), measured in found.items():
        ours = found.get((bus, OURS))
        if name == OURS or not ours:
            continue
        aim = "; the aim is 20x" if name == CONNECTOR else ""
        speed = _times([each.per_s for each in ours], [each.per_s for each in measured])
        cost = _times([each.per_cpu_s for each in ours], [each.per_cpu_s for each in measured])
        told = [f"{speed:.1f}x the events/s{aim}"] if speed else []
        told += [f"{cost:.1f}x the events/CPU s"] if cost else []
        yield f"{bus}, to {CONTENDERS[name].title}: {'; '.join(told) or 'too few events to compare'}"


def _times(ours: list[float | None], theirs: list[float | None]) -> float | None:
    """Return the ratio of the medians, if there are both."""
    one, other = middle(ours), middle(theirs)
    return one / other if one and other else None


def as_json(found: Found) -> list[dict[str, Any]]:
    """Return every run."""
    return [
        {"bus": bus, "by": name, "runs": [{**asdict(each), "per_s": each.per_s} for each in measured]}
        for (bus, name), measured in found.items()
    ]
