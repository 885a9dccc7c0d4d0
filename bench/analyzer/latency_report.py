"""What the latency bench says: a table, what was wrong, and the same as JSON with every single run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.analyzer.latency import Delays, Series
from bench.figures import middle

COLUMNS: Final = ("runs", "p50 ms", "p99 ms", "longest ms", "notifications a run", "written p99 ms")


def show(series: Series, console: Console) -> None:
    """Print medians of the runs by engine and rate."""
    table = Table(title="From produce to notification (medians of runs)", title_justify="left")
    table.add_column("engine")
    for name in ("transactions/s", *COLUMNS):
        table.add_column(name, justify="right")
    for title, found in series.items():
        for per_s in sorted({one.pace.per_s for one in found}):
            table.add_row(title, f"{per_s:,}", *cells([one for one in found if one.pace.per_s == per_s]))
    console.print(table)
    for line in wrong(series):
        console.print(line, soft_wrap=True, highlight=False)


def cells(runs: list[Delays]) -> list[str]:
    """Return the figures of an engine at a rate; who fell behind in any run has none."""
    number = str(len(runs))
    if any(one.behind for one in runs):
        return [number, "falls behind", "", "", "", ""]
    return [
        number,
        _ms([one.p50_ms for one in runs]),
        _ms([one.p99_ms for one in runs]),
        _ms([one.max_ms for one in runs]),
        f"{middle([float(one.notifications) for one in runs]) or 0:,.0f}",
        _ms([one.writer.written_ms for one in runs]),
    ]


def _ms(values: list[float | None]) -> str:
    found = middle(values)
    return "-" if found is None else f"{found:,.1f}"


def wrong(series: Series) -> list[str]:
    """Name what was wrong; falling behind is not."""
    return [
        f"WRONG {title} at {one.pace.per_s:,} a second: {line}"
        for title, found in series.items()
        for one in found
        for line in one.wrong[:3]
    ]


def as_json(series: Series) -> list[dict[str, Any]]:
    """Return every run."""
    return [{"engine": title, "runs": [asdict(one) for one in found]} for title, found in series.items()]
