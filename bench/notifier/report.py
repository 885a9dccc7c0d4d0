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


def show(found: Found, runs: int, console: Console) -> None:
    """Print medians and ratios."""
    table = Table(title=f"Notifications put, median of {runs} run{'s' if runs > 1 else ''}", title_justify="left")
    for name in ("bus", "by"):
        table.add_column(name)
    for name in ("events/s", "spread", "events/CPU s", "CPU µs/event", "call p50 ms", "p99 ms", "MB"):
        table.add_column(name, justify="right")
    for (bus, name), measured in found.items():
        table.add_row(bus, CONTENDERS[name].title, *_cells(measured))
    console.print(table)
    for line in ratios(found):
        console.print(line, soft_wrap=True, highlight=False)


def _cells(measured: list[Measured]) -> list[str]:
    return [
        f"{middle([each.per_s for each in measured]) or 0:,.0f}",
        f"{spread([each.per_s for each in measured if each.per_s]):.0%}",
        f"{middle([each.per_cpu_s for each in measured]) or 0:,.0f}",
        f"{middle([each.cpu_us for each in measured]) or 0:,.0f}",
        f"{middle([each.p50_ms for each in measured]) or 0:,.1f}",
        f"{middle([each.p99_ms for each in measured]) or 0:,.1f}",
        f"{max(each.rss for each in measured) / _MB:,.0f}",
    ]


def ratios(found: Found) -> Iterator[str]:
    """Say how much faster than the connector's pace, and how much cheaper an event, ours is."""
    for bus in dict.fromkeys(bus for bus, _ in found):
        ours = found.get((bus, OURS), [])
        for name, measured in ((name, measured) for (on, name), measured in found.items() if on == bus):
            if name == OURS or not ours:
                continue
            speed = (middle([each.per_s for each in ours]) or 0) / (middle([each.per_s for each in measured]) or 1)
            cost = (middle([each.cpu_us for each in measured]) or 0) / (middle([each.cpu_us for each in ours]) or 1)
            aim = "; the aim is 20x" if name == CONNECTOR else ""
            yield f"{bus}: {speed:.1f}x the events/s of {CONTENDERS[name].title}{aim}; {cost:.1f}x its events/CPU s"


def as_json(found: Found) -> list[dict[str, Any]]:
    """Return every run."""
    return [
        {"bus": bus, "by": name, "runs": [{**asdict(each), "per_s": each.per_s} for each in measured]}
        for (bus, name), measured in found.items()
    ]
