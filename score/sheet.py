"""Scores as tables for people: rows of words, of the JSON's figures, and how sure each is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rich.table import Table

Margins = Mapping[tuple[str, ...], float | None]
"""Half the width of each figure's 95 % confidence interval, by its path in the JSON."""

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_MINOR: Final = 100


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of words; the first column names the row."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def rich(self) -> Table:
        """Return it for a terminal."""
        table = Table(title=self.title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if number else "left", no_wrap=number == 0)
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """Return it as Markdown."""
        lines = [self.headings, tuple("---:" if number else "---" for number in range(len(self.headings))), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True, slots=True)
class Figures:
    """One column of the JSON, or a part of it, and the margins of its figures."""

    values: Mapping[str, Any]
    margins: Margins = field(default_factory=dict)
    path: tuple[str, ...] = ()

    def part(self, *keys: str) -> Figures:
        """Return the figures below `keys`."""
        values = self.values
        for key in keys:
            values = values[key]
        return Figures(values, self.margins, (*self.path, *keys))

    def get(self, *keys: str) -> float | None:
        """Return one figure."""
        found: Any = self.values
        for key in keys:
            found = found[key]
        return None if found is None else float(found)

    def margin(self, *keys: str) -> float | None:
        """Return half the width of its interval."""
        return self.margins.get((*self.path, *keys))

    def words(self, say: Callable[[float | None], str], *keys: str) -> str:
        """Return one figure in words, with its margin if it has one."""
        said, margin = say(self.get(*keys)), self.margin(*keys)
        return said if margin is None or self.get(*keys) is None else f"{said} ± {say(margin).removesuffix(' %')}"


def by_scenario(column: Figures, title: str) -> Sheet:
    """Return who was caught, scenario by scenario."""
    headings = (
        "Scenario",
        "Fraud",
        "recall",
        "precision",
        "Cards",
        "recall",
        "precision",
        "Found after",
        "Money saved",
    )
    rows = [_scenario("all fraud", column)]
    rows += [_scenario(name, column.part("by_scenario", name)) for name in column.values["by_scenario"]]
    return Sheet(title, headings, rows)


def _scenario(name: str, of: Figures) -> tuple[str, ...]:
    kinds = [cell for kind in ("by_transaction", "by_card") for cell in _kind(of.part(kind))]
    return (name, *kinds, of.words(duration, "time_to_detect", "median_s"), of.words(percent, "money", "caught_share"))


def _kind(of: Figures) -> Iterator[str]:
    yield count(of.get("fraud"))
    yield of.words(percent, "recall")
    yield of.words(percent, "precision")


def by_rule(column: Figures, title: str) -> Sheet:
    """Return what each detection rule is worth."""
    headings = ("Rule", "Alerts / 1,000", "false / 1,000", "Fraud found", "Precision", "Cards found", "Precision")
    rows = [_rule("all rules", column)]
    for name, values in column.values["by_rule"].items():
        rows.append(_rule(f"{name} (on trial)" if values["shadow"] else name, column.part("by_rule", name)))
    return Sheet(title, headings, rows)


def _rule(name: str, of: Figures) -> tuple[str, ...]:
    return (
        name,
        of.words(number, "alerts_per_1000"),
        of.words(number, "false_alarms_per_1000"),
        of.words(percent, "by_transaction", "recall"),
        of.words(percent, "by_transaction", "precision"),
        of.words(percent, "by_card", "recall"),
        of.words(percent, "by_card", "precision"),
    )


def matrix(column: Figures, title: str) -> Sheet:
    """Return the share of each scenario's cards that each rule finds; without margins, it is wide enough."""
    cells = column.values["by_scenario_and_rule"]
    rules = tuple(column.values["by_rule"])
    rows = [
        (name, *(percent(column.get("by_scenario_and_rule", name, rule, "by_card", "recall")) for rule in rules))
        for name in cells
    ]
    return Sheet(title, ("Cards found", *rules), rows)


def in_all(column: Figures) -> str:
    """Return the other figures of a column in a line."""
    precision = f"Card Precision@{count(column.get('card_precision', 'k'))}"
    return (
        f"{count(column.get('transactions'))} transactions;"
        f" alerts {column.words(number, 'alerts_per_1000')} and false alarms"
        f" {column.words(number, 'false_alarms_per_1000')} per 1,000;"
        f" {precision} a day {column.words(percent, 'card_precision', 'mean')}"
        f" of at most {percent(column.get('card_precision', 'best_possible'))};"
        f" found after {duration(column.get('time_to_detect', 'median_s'))} (median),"
        f" {duration(column.get('time_to_detect', 'p90_s'))} (p90);"
        f" money saved {money(column.get('money', 'caught_minor'))}, lost {money(column.get('money', 'lost_minor'))}"
        " in major units of the currency"
    )


def percent(share: float | None) -> str:
    """Return a share in per cent."""
    return "-" if share is None else f"{100 * share:.1f} %"


def number(value: float | None) -> str:
    """Return a figure with two digits after the point."""
    return "-" if value is None else f"{value:,.2f}"


def count(value: float | None) -> str:
    """Return how many."""
    return "-" if value is None else f"{value:,.0f}"


def money(minor: float | None) -> str:
    """Return an amount in major units."""
    return "-" if minor is None else f"{minor / _MINOR:,.0f}"


def duration(seconds: float | None) -> str:
    """Return a time as people say it."""
    if seconds is None:
        return "-"
    for unit_s, unit in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds:.0f} s"
