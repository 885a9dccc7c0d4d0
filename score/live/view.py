"""Where the live score is shown: a picture on a terminal, lines elsewhere, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from score.as_json import Json
from score.sheet import Figures, by_rule, by_scenario, count, in_all, number, percent

_LINE_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Picture:
    """What there is to show."""

    scores: Json
    caught_up: bool
    unreadable: int
    elapsed_s: float


class View(Protocol):
    """Where scores are shown."""

    def show(self, now: Picture) -> None:
        """Show them as they are now."""

    def close(self) -> None:
        """Leave the screen to others."""


class NoView:
    """Shows nothing: the last word is JSON."""

    def show(self, now: Picture) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class LiveView:
    """A picture that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`, which must be a terminal."""
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._live.start()

    def show(self, now: Picture) -> None:
        """Redraw."""
        self._live.update(fitting(now, self._console), refresh=True)

    def close(self) -> None:
        """Leave the last picture where it is."""
        self._live.stop()


class PlainView:
    """A line of figures every few seconds."""

    def __init__(self, console: Console) -> None:
        """Print on `console`."""
        self._console = console
        self._next_s = 0.0

    def show(self, now: Picture) -> None:
        """Print a line, if it is time to."""
        if now.elapsed_s >= self._next_s:
            self._next_s = now.elapsed_s + _LINE_EVERY_S
            self._console.print(line(now), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing to undo."""


def line(now: Picture) -> str:
    """Return the main figures in one line."""
    parts = []
    for name, of in (("bank", Figures(now.scores["bank"])), ("oracle", Figures(now.scores))):
        parts.append(
            f"{name}: {count(of.get('transactions'))} transactions,"
            f" cards found {percent(of.get('by_card', 'recall'))},"
            f" precision {percent(of.get('by_card', 'precision'))},"
            f" false alarms {number(of.get('false_alarms_per_1000'))} per 1,000"
        )
    return "; ".join((*parts, *problems(now))) + ("" if now.caught_up else "; reading on")


def problems(now: Picture) -> list[str]:
    """Return what doesn't fit together."""
    found = (
        (now.scores["unknown_labels"], "labels for unknown transactions"),
        (now.scores["unknown_alerts"], "alerts for unknown transactions"),
        (now.unreadable, "records that can't be read"),
    )
    return [f"{what}: {number_of:,}" for number_of, what in found if number_of]


def fitting(now: Picture, console: Console) -> RenderableType:
    """Return as much of the picture as the terminal is high for."""
    for tables in (3, 2, 1):
        picture = render(now, tables)
        if len(console.render_lines(picture)) <= console.height:
            break
    return picture


def render(now: Picture, tables: int = 3) -> RenderableType:
    """Return the picture with 1 to 3 tables: the oracle's, the rules', the bank's."""
    oracle, bank = Figures(now.scores), Figures(now.scores["bank"])
    waiting = f"; {count(bank.get('waiting'))} alerts wait for their labels"
    said = "Bank: what released labels tell by now"
    whole = tables > 2  # noqa: PLR2004 - all of them
    parts: list[RenderableType] = [
        by_scenario(oracle, "Oracle: the truth, told at once").rich(),
        Text(in_all(oracle), style="dim"),
        *([by_scenario(bank, said).rich()] if whole else []),
        Text(in_all(bank) + waiting if whole else f"{said}: {in_all(bank)}{waiting}", style="dim"),
        *([by_rule(oracle, "Rules, by the truth").rich()] if tables > 1 else []),
        *(Text(problem, style="red") for problem in problems(now)),
    ]
    spaced: list[RenderableType] = [each for part in parts for each in (part, Text())]
    state = "up to date" if now.caught_up else "reading"
    state += "" if whole else ", a higher window shows more"
    return Panel(
        Group(*spaced[:-1]), title="[bold]Who was caught[/]", subtitle=escape(f"{state}, {now.elapsed_s:,.0f} s")
    )
