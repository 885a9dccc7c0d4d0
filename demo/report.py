"""The report at the end of a run: whether the ledger balances, who was caught, how fast, at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.ledger import Arrived, Line
from demo.view import MEBIBYTE
from score.as_json import scores_json
from score.core.scores import Scores
from score.sheet import Figures, by_scenario, in_all


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came to one target of the routing rule."""

    target: str
    distinct: int
    """Notifications."""
    repeated: int
    """Events whose notification had come before."""
    retried: int
    """Attempts after a first one, as the bus has counted them."""
    dead_lettered: int
    """Notifications in its dead-letter queue."""


def delivery(target: str, arrived: Arrived, retried: Mapping[str, int]) -> Delivery:
    """Return what came to a target; `retried` is what the bus has counted, by target."""
    distinct = len(arrived.events)
    return Delivery(target, distinct, arrived.records - distinct, retried.get(target, 0), len(arrived.dead))


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run is judged by. Times in seconds or ms as named, memory in bytes."""

    broker: str
    seed: int
    preset: str
    difficulty: float
    """How careful fraudsters were, 0 to 1."""
    elapsed_s: float
    ledger: Sequence[Line]
    repeated_notifications: int
    deliveries: Sequence[Delivery]
    scores: Scores
    unlabelled: int
    """Transactions without a label."""
    first_flagged_s: float | None
    """From the start of the services to the first flagged transaction on screen."""
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    memory_measure: str
    """PSS or RSS."""
    memory_peak: Mapping[str, int]
    memory_peak_in_all: int
    restarts: Mapping[str, int]

    @property
    def balances(self) -> bool:
        """Whether nothing was lost and nothing counted twice."""
        return all(line.balances for line in self.ledger)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON's values."""
    whole = asdict(report)
    whole["balances"] = report.balances
    whole["ledger"] = [asdict(line) | {"balances": line.balances} for line in report.ledger]
    whole["scores"] = scores_json(report.scores)
    return whole


def show(report: Report, console: Console) -> None:
    """Print the report."""
    console.print()
    show_ledger(report.ledger, console)
    console.print(
        f"  {report.repeated_notifications:,} notifications were repeated (same id: consumers deduplicate)",
        highlight=False,
    )
    console.print()
    console.print(_deliveries(report.deliveries))
    console.print()
    _show_scores(report.scores, console)
    _show_cost(report, console)
    console.print(f"\n{verdict(report.balances)}")


def show_ledger(lines: Sequence[Line], console: Console) -> None:
    """Print each equation, and where its sides differ."""
    for line in lines:
        mark = "[green]✔[/]" if line.balances else "[red]✘[/]"
        console.print(f"{mark} {line.left:,} {line.what} = {line.terms}", highlight=False)
        for where in line.where:
            console.print(f"    [red]{escape(where)}[/]", highlight=False)


def verdict(balances: bool) -> str:  # noqa: FBT001 - the one thing it is about
    """Return what it all comes to, as markup."""
    return "[bold green]The ledger balances.[/]" if balances else "[bold red]The ledger does NOT balance.[/]"


def _show_scores(scores: Scores, console: Console) -> None:
    found = scores_json(scores)
    for figures, title in (
        (Figures(found), "Who was caught: the oracle, which knows the truth at once"),
        (Figures(found).part("bank"), "Who was caught: the bank, by the labels released until the last transaction"),
    ):
        console.print(by_scenario(figures, title).rich())
        console.print(f"{in_all(figures)}\n", highlight=False)


def _show_cost(report: Report, console: Console) -> None:
    if report.unlabelled:
        console.print(f"{report.unlabelled:,} transactions have no label", highlight=False)
    p50, p99 = (_seconds(value) for value in (report.latency_p50_ms, report.latency_p99_ms))
    first = "none" if report.first_flagged_s is None else f"after {report.first_flagged_s:.1f} s"
    console.print(f"Latency from produce to log group: p50 {p50}, p99 {p99}; first flagged {first}", highlight=False)
    each = ", ".join(f"{name} {peak / MEBIBYTE:,.0f}" for name, peak in report.memory_peak.items())
    whole = f"{report.memory_peak_in_all / MEBIBYTE:,.0f}"
    console.print(f"Peak memory in MB ({report.memory_measure}): {each}; all together {whole}", highlight=False)
    again = ", ".join(f"{name} {count}" for name, count in report.restarts.items() if count)
    if again:
        console.print(f"Started again after a crash: {again}", highlight=False)


def _deliveries(deliveries: Sequence[Delivery]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Delivered to")
    for heading in ("events", "repeated", "retried", "dead-lettered"):
        table.add_column(heading, justify="right")
    for each in deliveries:
        figures = (each.distinct, each.repeated, each.retried, each.dead_lettered)
        table.add_row(each.target, *(f"{figure:,}" for figure in figures))
    return table


def _seconds(ms: float | None) -> str:
    return "-" if ms is None else f"{ms / 1000:.2f} s"
