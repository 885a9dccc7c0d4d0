"""What a bus with many rules costs: the same events, the same one rule that matches, and others that don't."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.eventbus.compare import started
from bench.eventbus.measure import Measured, Setting
from bench.eventbus.peers import Peer
from bench.figures import middle

SETTING: Final = Setting("sqs", 4, 10)
Found = dict[tuple[str, int], list[Measured]]
"""By the bus's title and its number of rules."""


def other_pattern(number: int) -> dict[str, Any]:
    """Return pattern `number`, of six kinds in turn, which no event of the bench matches."""
    detail = [
        {"userId": [f"user-9{number:05d}"]},
        {"merchantName": [{"prefix": f"Café {number}"}]},
        {"totalMinor": [{"numeric": [">", 1_000_000 + number]}]},
        {"country": [{"anything-but": ["FR"]}], "currency": ["EUR"]},
        {"findings": {"rule": [f"rule-{number}"]}},
        {"merchantName": [{"wildcard": f"*Shop {number}*"}]},
    ][number % 6]
    return {
        "detail-type": [{"prefix": "kafka-connect-"}],
        "detail": {"value": {"eventType": ["suspiciousActivity"], "eventDetail": detail}},
    }


def compare_rules(
    peers: Sequence[Peer], counts: Sequence[int], *, events: int, runs: int, folder: Path, say: Callable[[str], None]
) -> Found:
    """Measure each bus with each number of rules `runs` times, each time anew."""
    found: Found = {}
    for run in range(runs):
        for peer in peers:
            for count in counts:
                say(f"run {run + 1} of {runs}: {peer.title} with {count} rules")
                others = [json.dumps(other_pattern(number)) for number in range(count - 1)]
                with started(peer, folder / f"{run}-{peer.name}-{count}") as bench:
                    made = bench.measure(SETTING, max(10, events // peer.share), others=others)
                found.setdefault((peer.title, count), []).append(made)
    return found


def show(found: Found, console: Console) -> None:
    """Print medians, and each row's cost as a multiple of the same bus's first."""
    table = Table(title="The same events, one rule that matches", title_justify="left")
    for name in ("bus", "rules", "delivered/s", "CPU µs/event", "x"):
        table.add_column(name, justify="left" if name == "bus" else "right")
    base: dict[str, float] = {}
    for (title, count), measured in found.items():
        cost = middle([each.cpu_us for each in measured]) or 0.0
        rate = middle([each.figures.delivered_per_s for each in measured]) or 0.0
        ratio = cost / base.setdefault(title, cost or 1.0)
        table.add_row(title, str(count), f"{rate:,.0f}", f"{cost:,.0f}", f"{ratio:.2f}")
    console.print(table)
