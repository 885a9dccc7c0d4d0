"""Its command."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.table import Table

from bench import screen
from bench.codec.ways import Way, ways
from bench.figures import middle, spread
from bench.screen import JsonFile, Runs, Smoke
from schemas.errors import EXIT_FAILURE

COLUMNS: Final = ("records/CPU s", "µs a record", "spread")
_SMOKE_RECORDS: Final = 500
_NS: Final = 1e9


def codec(
    *,
    records: Annotated[int, typer.Option(min=100, help="Transactions.")] = 50_000,
    runs: Runs = 5,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Compare ways to read and write Avro: records a CPU second, in one process, ways taking turns.

    Exit code 1 when a way doesn't give the same records as the others.
    """
    console = screen.console()
    compared = list(ways(_SMOKE_RECORDS if smoke else records))
    wrong = [way.title for way in compared if list(way.work()) != list(way.expected)]
    taken: dict[str, list[float]] = {way.title: [] for way in compared}
    with screen.progress(console) as say:
        for number in range(1, (1 if smoke else runs) + 1):
            say(f"run {number}")
            for way in compared:
                taken[way.title].append(seconds(way) / len(way.expected))
    table = Table(title="Avro, transactions a CPU second (medians)", title_justify="left")
    for name in ("way", *COLUMNS):
        table.add_column(name, justify="left" if name == "way" else "right")
    for title, each in taken.items():
        table.add_row(title, *cells(each))
    console.print(table)
    for title in wrong:
        console.print(f"WRONG {title}: not the records that were written", highlight=False)
    screen.keep(
        {title: {"s_a_record": each, "wrong": title in wrong} for title, each in taken.items()}, "codec", file, console
    )
    if wrong:
        raise typer.Exit(EXIT_FAILURE)


def cells(taken_s: Sequence[float]) -> list[str]:
    """Return the figures of a way, from the seconds that it took for a record in each run."""
    cost_s = middle(taken_s) or 0.0
    return [f"{1 / cost_s:,.0f}" if cost_s else "-", f"{cost_s * 1e6:.2f}", f"{spread(taken_s):.0%}"]


def seconds(way: Way) -> float:
    """Return the CPU seconds that it takes, garbage collection of what lies around apart."""
    gc.collect()
    began = time.process_time_ns()
    way.work()
    return (time.process_time_ns() - began) / _NS
