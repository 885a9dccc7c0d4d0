"""What the bench says: a table, and the same as JSON with every single run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.eventbus.compare import SETTINGS, Series
from bench.eventbus.measure import Measured, Setting
from bench.figures import middle

_MB: Final = 1_000_000
TARGETS: Final = {"sqs": "SQS", "webhook": "webhook", "both": "both"}
COLUMNS: Final = ("accepted/s", "delivered/s", "p50 ms", "p99 ms", "CPU µs/event", "lost", "repeated")


def show(series: list[Series], runs: int, console: Console) -> None:
    """Print medians of the runs, what was lost, and how the buses compare."""
    table = Table(title=f"Events a second, median of {runs} run{'s' if runs > 1 else ''}", title_justify="left")
    for name in ("to", "load", "bus"):
        table.add_column(name)
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for setting in SETTINGS:
        for one in series:
            table.add_row(TARGETS[setting.target], setting.title, one.peer.title, *cells(one.measured[setting]))
        table.add_section()
    console.print(table)
    for line in (*ratios(series), *memories(series), *remarks(series)):
        console.print(line, soft_wrap=True, highlight=False)


def cells(measured: list[Measured]) -> list[str]:
    """Return the figures of a bus and a setting."""
    found = [each.figures for each in measured]
    return [
        f"{middle([f.accepted_per_s for f in found]):,.0f}",
        f"{middle([f.delivered_per_s for f in found]):,.0f}",
        _ms(middle([f.p50_ms for f in found])),
        _ms(middle([f.p99_ms for f in found])),
        f"{middle([each.cpu_us for each in measured]):,.0f}",
        str(sum(f.lost for f in found)),
        str(sum(f.repeated for f in found)),
    ]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def delivered(series: Series, setting: Setting) -> float:
    """Return the median rate of delivery, 0 when nothing arrived."""
    return middle([each.figures.delivered_per_s for each in series.measured[setting]]) or 0.0


def ratios(series: list[Series]) -> list[str]:
    """Say how many times as many events the first bus delivers as each other one."""
    ours, *others = series
    return [
        f"{ours.peer.title} delivers {delivered(ours, setting) / delivered(other, setting):.1f} x {other.peer.title} "
        f"to {TARGETS[setting.target]} at {setting.title}"
        for other in others
        for setting in SETTINGS
        if delivered(other, setting)
    ]


def memories(series: list[Series]) -> list[str]:
    """Say what memory each bus used."""
    lines = []
    for one in series:
        start = middle([float(memory.rss) for memory in one.at_start]) or 0.0
        steps = ", ".join(f"{m.rss / _MB:.0f} ({m.pss / _MB:.0f}) after {n:,}" for n, m in one.soak)
        lines.append(f"{one.peer.title}: {start / _MB:.0f} MB at start" + (f"; RSS (PSS) in MB: {steps}" * bool(steps)))
    return lines


def remarks(series: list[Series]) -> list[str]:
    """Name what went wrong, run by run, and where events could only be counted."""
    lines = []
    for one in series:
        for setting, measured in one.measured.items():
            where = f"{one.peer.title}, {TARGETS[setting.target]}, {setting.title}"
            for number, found in enumerate((each.figures for each in measured), start=1):
                if found.lost or found.refused or found.invented:
                    wrong = f"{found.lost} lost, {found.refused} refused, {found.invented} never put"
                    lines.append(f"LOSSY {where}, run {number}: {wrong} of {found.accepted + found.refused}")
            if any(each.figures.nameless for each in measured):
                lines.append(f"{where}: empty bodies, so requests are counted and no latency can be told")
    return lines


def whole(series: list[Series], names: set[str]) -> bool:
    """Say whether every event put on these buses was accepted and arrived, and no other."""
    return not any(
        each.figures.lost or each.figures.refused or each.figures.invented
        for one in series
        if one.peer.name in names
        for measured in one.measured.values()
        for each in measured
    )


def as_json(series: list[Series]) -> list[dict[str, Any]]:
    """Return every run."""
    return [
        {
            "bus": one.peer.name,
            "memory_at_start": [asdict(memory) for memory in one.at_start],
            "memory_after": [{"events": number, **asdict(memory)} for number, memory in one.soak],
            "measured": [
                {**asdict(setting), "runs": [{**asdict(m.figures), "cpu_us": m.cpu_us} for m in measured]}
                for setting, measured in one.measured.items()
            ],
        }
        for one in series
    ]
