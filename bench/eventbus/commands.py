"""Its commands: buses side by side, and a bus with few rules beside itself with many."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from bench import screen
from bench.eventbus import report
from bench.eventbus import rules as many_rules
from bench.eventbus.compare import compare, soak
from bench.eventbus.peers import PEERS, Peer
from bench.screen import JsonFile, Runs, Smoke
from schemas.errors import EXIT_FAILURE, UserError

_SMOKE_EVENTS: Final = 400
_STEPS: Final = 5


def eventbus(
    *,
    events: Annotated[
        int, typer.Option(min=100, help="To SQS, 4 connections x 10 entries; others get a part.")
    ] = 10_000,
    runs: Runs = 5,
    peers: Annotated[str, typer.Option(help="Which buses, in this order.")] = ",".join(PEERS),
    memory: Annotated[int, typer.Option(min=0, help="Look at the memory after so many events too; 0: don't.")] = 0,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Compare local event buses: PutEvents accepted, events delivered to SQS, a webhook and both, latency, memory.

    Each run starts each bus anew and puts the same signed PutEvents requests of suspicious activities
    (1 kB each). Delivered per second counts from the first request to the arrival of the last event.
    Exit code 1 when an event of ours got lost.
    """
    console = screen.console()
    chosen = [_peer(name) for name in peers.split(",")]
    if smoke:
        events, runs = _SMOKE_EVENTS, 1
    with screen.folder() as folder, screen.progress(console) as say:
        series = compare(chosen, events, runs, folder, say)
        for one in series:
            if memory:
                soak(one, memory, _STEPS, folder, say)
    report.show(series, runs, console)
    screen.keep(report.as_json(series), "eventbus", file, console)
    if not report.whole(series, {"ours"}):
        raise typer.Exit(EXIT_FAILURE)


def eventbus_rules(
    *,
    events: Annotated[int, typer.Option(min=100, help="Put in each run, 4 connections x 10 entries.")] = 10_000,
    runs: Runs = 5,
    peers: Annotated[str, typer.Option(help="Which buses, in this order.")] = "ours,ministack",
    counts: Annotated[
        str, typer.Option(help="Numbers of rules on the bus; the first is what the others are held to.")
    ] = "3,300",
) -> None:
    """Compare a bus with few rules to one with many: what an event costs then."""
    console = screen.console()
    chosen = [_peer(name) for name in peers.split(",")]
    numbers = [int(count) for count in counts.split(",")]
    with screen.folder() as folder, screen.progress(console) as say:
        found = many_rules.compare_rules(chosen, numbers, events=events, runs=runs, folder=folder, say=say)
    many_rules.show(found, console)


def _peer(name: str) -> Peer:
    if name not in PEERS:
        raise UserError(f"--peers: no bus {name!r}; choose of {', '.join(PEERS)}")
    return PEERS[name]
