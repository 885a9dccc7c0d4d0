"""Its command."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from bench import screen
from bench.figures import middle, spread
from bench.places import ROOT
from bench.screen import JsonFile, Runs, Smoke
from schemas.errors import EXIT_FAILURE, UnavailableError

COLUMNS: Final = ("transactions/CPU s", "transactions/s", "spread of CPU", "MB")
_SMOKE_TRANSACTIONS: Final = 2_000
_PROCESSES: Final = (1, 2)


def score(
    *,
    transactions: Annotated[int, typer.Option(min=100, help="Generated and judged in each run.")] = 100_000,
    runs: Runs = 5,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Measure `score offline`: transactions a second, with one process and with two, which must score the same.

    Exit code 1 when a run says something else than the others.
    """
    console = screen.console()
    count, runs = (_SMOKE_TRANSACTIONS, 1) if smoke else (transactions, runs)
    found: dict[int, list[dict[str, Any]]] = {processes: [] for processes in _PROCESSES}
    with screen.progress(console) as say:
        for number in range(1, runs + 1):
            for processes, told in found.items():
                say(f"run {number} of {runs}: {processes} process{'es' * (processes > 1)}")
                told.append(offline(count, processes))
    costs = {processes: [one.pop("cost") for one in told] for processes, told in found.items()}
    table = Table(title=f"Score of {count:,} generated transactions (medians of {runs})", title_justify="left")
    for name in ("processes", *COLUMNS):
        table.add_column(name, justify="right")
    for processes, each in costs.items():
        table.add_row(str(processes), *cells(each, count))
    console.print(table)
    screen.keep({"transactions": count, "cost": costs}, "score", file, console)
    if differ(found):
        console.print("WRONG: the runs don't score the same", highlight=False)
        raise typer.Exit(EXIT_FAILURE)


def offline(transactions: int, processes: int) -> dict[str, Any]:
    """Run it once, and return what it says.

    Raises:
        UnavailableError: it fails.
    """
    options = ["--transactions", str(transactions), "--processes", str(processes), "--json"]
    argv = [sys.executable, "-m", "score", "offline", *options]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise UnavailableError(f"score offline ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def differ(found: dict[int, list[dict[str, Any]]]) -> bool:
    """Say whether any run says something else than the first."""
    every = [json.dumps(one, sort_keys=True) for told in found.values() for one in told]
    return len(set(every)) > 1


def cells(costs: list[dict[str, float]], count: int) -> list[str]:
    """Return the figures of a row."""
    cpu, wall = ([one[name] for one in costs] for name in ("cpu_seconds", "seconds"))
    peak = middle([max(one["own_peak_bytes"], one["largest_child_peak_bytes"]) for one in costs]) or 0.0
    rates = [f"{count / (middle(each) or 1.0):,.0f}" for each in (cpu, wall)]
    return [*rates, f"{spread(cpu):.0%}", f"{peak / 1e6:,.0f}"]
