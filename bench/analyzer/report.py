"""What the bench says of engines: a table, what was wrong, and the same as JSON with every single run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.analyzer.compare import Series, ratios
from bench.analyzer.engine import Engine
from bench.analyzer.work import Work
from bench.figures import middle

COLUMNS: Final = ("records/CPU s", "CPU µs/record", "spread", "records/s", "peak MB", "start s", "x CPU")
_SHOWN: Final = 5
_US: Final = 1e6


def show(series: Sequence[Series], works: Sequence[Work], console: Console) -> None:
    """Print medians, how the first engine compares, and whose verdicts are wrong."""
    times = ratios(series, works)
    runs = max((len(one.runs.get(works[0], ())) for one in series), default=0)
    table = Table(title=f"Analyzers on equal work, median of {runs} run{'s' * (runs > 1)}", title_justify="left")
    table.add_column("flagged")
    table.add_column("engine")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    table.add_column("state")
    table.add_column("verdicts")
    for work in works:
        for one in series:
            ratio = times.get((one.engine.name, work))
            table.add_row(work.name, one.engine.title, *cells(one, work, ratio), *_words(one))
        table.add_section()
    console.print(table)
    for line in (*unequal([one.engine for one in series]), *remarks(series)):
        console.print(line, soft_wrap=True, highlight=False)


def cells(one: Series, work: Work, ratio: float | None) -> list[str]:
    """Return its figures; none of an engine that was wrong, as its time says nothing."""
    if any(one.wrong()):
        return ["-"] * len(COLUMNS)
    cpu_us, wall_us = one.cpu_us(work), one.wall_us(work)
    start_s = middle([each.wall_s for each in one.starts])
    return [
        _rate(cpu_us),
        f"{cpu_us:,.1f}" if cpu_us else "-",
        f"{one.spread(work):.0%}" if cpu_us else "-",
        _rate(wall_us),
        f"{one.peak_mb(work):,.0f}",
        "-" if start_s is None else f"{start_s:.1f}",
        f"{ratio:.2f}" if ratio else "-",
    ]


def _rate(us: float) -> str:
    return f"{_US / us:,.0f}" if us else "-"


def _words(one: Series) -> tuple[str, str]:
    return "durable" if one.engine.durable else "lost in a crash", "WRONG" if any(one.wrong()) else "agree"


def unequal(engines: Sequence[Engine]) -> list[str]:
    """Say what engines do more or less than the work that is the same for all: a line for each difference."""
    titles: dict[str, list[str]] = {}
    for one in engines:
        if one.unequal:
            titles.setdefault(one.unequal, []).append(one.title)
    return [f"Not equal work, {', '.join(who)}: {what}" for what, who in titles.items()]


def remarks(series: Sequence[Series]) -> list[str]:
    """Say what was wrong with whose verdicts: the first of each, and how many."""
    lines = []
    for one in series:
        wrong = list(one.wrong())
        lines += [f"WRONG {line}" for line in wrong[:_SHOWN]]
        if len(wrong) > _SHOWN:
            lines.append(f"WRONG {one.engine.title}: {len(wrong):,} in all")
    return lines


def agree(series: Sequence[Series]) -> bool:
    """Say whether every verdict of every engine is the scalar core's."""
    return not any(line for one in series for line in one.wrong())


def as_json(series: Sequence[Series]) -> list[dict[str, Any]]:
    """Return every run."""
    return [
        {
            "engine": one.engine.name,
            "durable": one.engine.durable,
            "share": one.engine.share,
            "starts": [asdict(run) for run in one.starts],
            "works": [
                {
                    "flagged": work.name,
                    "limit_z": work.limit_z,
                    "runs": [asdict(run) for run in runs],
                    "cost_us": [asdict(cost) for cost in one.costs(work)],
                }
                for work, runs in one.runs.items()
            ],
        }
        for one in series
    ]
