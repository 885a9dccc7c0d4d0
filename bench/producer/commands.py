"""Its command: what a transaction costs until the broker has acknowledged it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from bench import screen
from bench.analyzer.ground import registry
from bench.figures import middle, spread
from bench.producer.measure import MAKERS, Maker, Run, Stand, run
from bench.screen import JsonFile, Runs, Smoke
from demo.broker import APACHE, EMBEDDED
from schemas.errors import EXIT_FAILURE

COLUMNS: Final = ("transactions/CPU s", "CPU µs", "spread", "transactions/s", "wall µs", "x CPU", "x wall")
_FEW: Final = 500
_US: Final = 1e6

Series = Mapping[Maker, Sequence[Run]]


def producer(
    *,
    transactions: Annotated[int, typer.Option(min=2 * _FEW, help="How many ours makes; Faker a 20th.")] = 400_000,
    runs: Runs = 5,
    preset: Annotated[str, typer.Option(help="real, handbook or workshop.")] = "handbook",
    broker: Annotated[str, typer.Option(help="apache or embedded; a new one for each run.")] = APACHE,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Compare the producer with Faker asked for every record: generated, encoded and acknowledged by the broker.

    A transaction's cost is that of a process that makes many less that of one that makes few. Ours has a label for each
    transaction in it, and the oracle's records. Exit code 1 when what either writes isn't valid or isn't all there.
    """
    console = screen.console()
    if smoke:
        transactions, runs, broker = 2 * _FEW, 1, EMBEDDED
    with screen.folder() as folder, screen.progress(console) as say, registry(folder) as (versions, aws):
        stand = Stand(broker, versions, aws, preset, say)
        found: dict[Maker, list[Run]] = {maker: [] for maker in MAKERS}
        for number in range(runs):
            for maker in MAKERS:
                many = max(2 * _FEW, transactions // maker.share)
                place = folder / f"{number}-{maker.name}"
                place.mkdir()
                found[maker].append(run(stand, maker, _FEW, many, place))
    if not smoke:
        _show(found, console)
    screen.keep(as_json(found), "producer", file, console)
    wrong = [line for made in found.values() for one in made for line in one.wrong]
    for line in wrong:
        console.print(f"WRONG {line}", soft_wrap=True, highlight=False)
    if wrong:
        raise typer.Exit(EXIT_FAILURE)


def _show(series: Series, console: Console) -> None:
    table = Table(title="Producers, median of all runs", title_justify="left")
    table.add_column("producer")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for maker, made in series.items():
        table.add_row(maker.title, *cells(made, series[MAKERS[0]]))
    console.print(table)


def cells(made: Sequence[Run], ours: Sequence[Run]) -> list[str]:
    """Return the figures of a producer, beside ours."""
    (cpu_us, wall_us), (our_cpu_us, our_wall_us) = _medians(made), _medians(ours)
    shares = f"{spread([one.cpu_us for one in made]):.0%}"
    rates = f"{_US / cpu_us:,.0f}", f"{_US / wall_us:,.0f}"
    times = f"{cpu_us / our_cpu_us:.1f}", f"{wall_us / our_wall_us:.1f}"
    return [rates[0], f"{cpu_us:,.1f}", shares, rates[1], f"{wall_us:,.1f}", *times]


def _medians(made: Sequence[Run]) -> tuple[float, float]:
    return middle([one.cpu_us for one in made]) or 0.0, middle([one.wall_us for one in made]) or 0.0


def as_json(series: Series) -> dict[str, Any]:
    """Return every run as JSON has it."""
    return {maker.name: [asdict(one) for one in made] for maker, made in series.items()}
