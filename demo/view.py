"""What a run looks like: a live picture on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from rich import terminal_theme
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.collect import Flagged

MEBIBYTE: Final = 1024 * 1024
_SHOWN: Final = 8
_WIDTH: Final = 118
_LINE_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process as it is now."""

    name: str
    state: str
    memory: int = 0
    """Bytes; 0 when it doesn't run."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment."""

    phase: str
    elapsed_s: float
    produced: int = 0
    wanted: int | None = None
    """Transactions of the whole run; None when it has no end."""
    rate: float = 0.0
    """Transactions a second, just now."""
    analyzer_lag: int = 0
    notifier_lag: int = 0
    flagged: int = 0
    arrived: Mapping[str, int] = field(default_factory=dict)
    """Notifications that have come to each target, by its name."""
    retried: int = 0
    """Attempts of the event bus after a first one."""
    dead: int = 0
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    processes: Sequence[ProcessRow] = field(default=())
    new: Sequence[Flagged] = field(default=())
    """Flagged since the last snapshot."""
    recent: Sequence[Flagged] = field(default=())
    """Flagged lately, newest last."""


class View(Protocol):
    """Where a run is shown."""

    def show(self, now: Snapshot) -> None:
        """Show the run as it is now."""

    def say(self, line: str) -> None:
        """Show a line that stays."""

    def close(self) -> None:
        """Leave the screen to others."""


class LiveView:
    """A picture that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`, which must be a terminal."""
        self._console = console
        self._live: Live | None = None

    def show(self, now: Snapshot) -> None:
        """Redraw."""
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=False)
            self._live.start()
        self._live.update(render(now), refresh=True)

    def say(self, line: str) -> None:
        """Print above the picture."""
        self._console.print(escape(line), highlight=False)

    def close(self) -> None:
        """Leave the last picture where it is."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class PlainView:
    """A line for each flagged transaction, and one of figures every few seconds."""

    def __init__(self, console: Console) -> None:
        """Print on `console`."""
        self._console = console
        self._next_s = 0.0

    def show(self, now: Snapshot) -> None:
        """Print what is new."""
        for each in now.new:
            self.say(f"flagged {each.score:.2f} {each.card} {each.amount} at {each.where} | {'; '.join(each.evidence)}")
        if now.elapsed_s >= self._next_s:
            self._next_s = now.elapsed_s + _LINE_EVERY_S
            self.say(figures(now))

    def say(self, line: str) -> None:
        """Print it."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing to undo."""


def figures(now: Snapshot) -> str:
    """Return a snapshot as one line."""
    of = f" of {now.wanted:,}" if now.wanted else ""
    return (
        f"[{now.elapsed_s:5.1f} s] {now.phase}: {now.produced:,}{of} transactions, {now.rate:,.0f}/s,"
        f" lag {now.analyzer_lag:,}; {now.flagged:,} flagged, lag {now.notifier_lag:,};"
        f" delivered: {delivered(now)}; {now.dead:,} dead letters; latency {latency(now)}"
    )


def delivered(now: Snapshot) -> str:
    """Return in words what has come to each target."""
    retried = f" ({now.retried:,} retried)" if now.retried else ""
    return (", ".join(f"{name} {count:,}" for name, count in now.arrived.items()) or "nothing") + retried


def latency(now: Snapshot) -> str:
    """Return the latencies in words."""
    if now.latency_p50_ms is None or now.latency_p99_ms is None:
        return "not yet known"
    return f"p50 {now.latency_p50_ms / 1000:,.2f} s, p99 {now.latency_p99_ms / 1000:,.2f} s"


def render(now: Snapshot) -> RenderableType:
    """Return the picture of a snapshot."""
    return Panel(
        Group(_flow(now), _targets(now), Text(), _flagged(now.recent), Text(), _processes(now.processes)),
        title="[bold]Cardwatch[/]",
        subtitle=f"{escape(now.phase)}, {now.elapsed_s:,.0f} s",
        width=_WIDTH,
        padding=(1, 2),
    )


def _flow(now: Snapshot) -> RenderableType:
    table = Table.grid(expand=True)
    for _ in range(4):
        table.add_column(justify="center", ratio=1)
    of = f" / {now.wanted:,}" if now.wanted else ""
    table.add_row("transactions", "[dim]→[/] analyzer", "[dim]→[/] notifier", "[dim]→[/] event bus")
    table.add_row(
        f"[bold cyan]{now.produced:,}{of}[/]",
        f"[bold yellow]{now.flagged:,} flagged[/]",
        f"[bold yellow]{now.dead:,} dead letters[/]",
        f"[bold green]{min(now.arrived.values(), default=0):,} delivered[/]",
    )
    table.add_row(
        f"[dim]{now.rate:,.0f} a second[/]",
        f"[dim]{now.analyzer_lag:,} behind[/]",
        f"[dim]{now.notifier_lag:,} behind[/]",
        f"[dim]{latency(now)}[/]",
    )
    return table


def _targets(now: Snapshot) -> RenderableType:
    return Align.right(Text.from_markup(f"[dim]delivered to:[/] [green]{escape(delivered(now))}[/]"))


def _flagged(recent: Sequence[Flagged]) -> RenderableType:
    table = Table(box=None, expand=True, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Card", no_wrap=True)
    table.add_column("Amount", justify="right", no_wrap=True)
    table.add_column("Where", no_wrap=True, ratio=2)
    table.add_column("Why", no_wrap=True, ratio=5)
    for each in recent[-_SHOWN:]:
        why = escape("; ".join(each.evidence))
        table.add_row(f"[red]{each.score:.2f}[/]", each.card, each.amount, escape(each.where), why)
    for _ in range(_SHOWN - len(recent[-_SHOWN:])):
        table.add_row("", "", "", "", "")
    return table


def _processes(rows: Sequence[ProcessRow]) -> RenderableType:
    table = Table.grid(expand=True)
    for _ in rows:
        table.add_column(justify="center", ratio=1)
    table.add_row(*(escape(row.name) for row in rows))
    table.add_row(*(_state(row) for row in rows))
    return table


def _state(row: ProcessRow) -> str:
    colour = "green" if row.state == "running" else "dim"
    memory = f" [dim]{row.memory / MEBIBYTE:,.0f} MB[/]" if row.memory else ""
    return f"[{colour}]{escape(row.state)}[/]{memory}"


def export(now: Snapshot, file: Path, title: str = "make demo") -> None:
    """Write the picture of a snapshot as SVG, without references to anything outside of it."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=_WIDTH, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(render(now))
    form = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title=title, theme=terminal_theme.DIMMED_MONOKAI, code_format=form, unique_id="cardwatch")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(svg)
