"""What the recovery bench says: a table, what was wrong, and the same as JSON with every single run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.figures import middle
from bench.recovery.measure import Found

COLUMNS: Final = ("median", "shortest", "longest")
_SHOWN: Final = 5
ROWS: Final[dict[str, Callable[[Found], float]]] = {
    "first notification after the start of a process, no states": lambda one: one.start_s,
    "states recovered after the assignment": lambda one: one.recovered_s,
    "first notification after the start of a process, with them": lambda one: one.restart_s,
    "longest stall of a partition while two workers are restarted": lambda one: one.stall_s,
}


def show(runs: Sequence[Found], console: Console) -> None:
    """Print medians of the runs, and what was wrong."""
    fine = [one for one in runs if not one.wrong]
    title = f"Start, recovery of {runs[0].cards:,} cards, rolling restart"
    table = Table(title=title, title_justify="left")
    table.add_column("seconds")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for name, of in ROWS.items():
        table.add_row(name, *cells([of(one) for one in fine]))
    console.print(table)
    if not all(one.rolled for one in fine):
        console.print("In some run the writing ended before both workers were replaced: --seconds makes it longer.")
    for line in wrong(runs):
        console.print(line, soft_wrap=True, highlight=False)


def cells(seconds: Sequence[float]) -> list[str]:
    """Return the figures of a row."""
    found = (middle(list(seconds)), min(seconds, default=None), max(seconds, default=None))
    return ["-" if one is None else f"{one:.2f}" for one in found]


def wrong(runs: Sequence[Found]) -> list[str]:
    """Name what was wrong, the first of each run; that something took long is not."""
    return [f"WRONG {line}" for one in runs for line in one.wrong[:_SHOWN]]


def as_json(runs: Sequence[Found]) -> list[dict[str, Any]]:
    """Return every run."""
    return [asdict(one) for one in runs]
