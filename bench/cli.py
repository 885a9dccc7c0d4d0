"""Benchmarks of Cardwatch's parts beside their peers."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from bench import put as load
from bench import receive as webhook
from bench import report
from bench import rules as many_rules
from bench.compare import compare, soak
from bench.peers import PEERS, ROOT, Peer
from demo.process import HOST
from schemas.errors import EXIT_FAILURE, UserError

_FOLDER: Final = ROOT / ".cardwatch" / "bench"
_SMOKE_EVENTS: Final = 400
_PIPE_WIDTH: Final = 140
_STEPS: Final = 5

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.callback()
def _commands() -> None:
    """Benchmarks of Cardwatch's parts beside their peers."""


@cli.command()
def eventbus(
    *,
    events: Annotated[
        int, typer.Option(min=100, help="To SQS, 4 connections x 10 entries; others get a part.")
    ] = 10_000,
    runs: Annotated[int, typer.Option(min=1, help="Runs; the table shows their median.")] = 5,
    peers: Annotated[str, typer.Option(help="Which buses, in this order.")] = ",".join(PEERS),
    memory: Annotated[int, typer.Option(min=0, help="Look at the memory after so many events too; 0: don't.")] = 0,
    file: Annotated[Path | None, typer.Option("--json", help="Write every run to this file.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="A few events: does it run, do all of ours arrive?")] = False,
) -> None:
    """Compare local event buses: PutEvents accepted, events delivered to SQS, a webhook and both, latency, memory.

    Each run starts each bus anew and puts the same signed PutEvents requests of suspicious activities
    (1 kB each). Delivered per second counts from the first request to the arrival of the last event.
    Exit code 1 when an event of ours got lost.
    """
    console = _console()
    chosen = [_peer(name) for name in peers.split(",")]
    if smoke:
        events, runs = _SMOKE_EVENTS, 1
    with _folder() as folder, _progress(console) as say:
        series = compare(chosen, events, runs, folder, say)
        for one in series:
            if memory:
                soak(one, memory, _STEPS, folder, say)
    report.show(series, runs, console)
    if file:
        file.write_text(json.dumps(report.as_json(series), indent=1))
    if not report.whole(series, {"ours"}):
        raise typer.Exit(EXIT_FAILURE)


@cli.command()
def rules(
    *,
    events: Annotated[int, typer.Option(min=100, help="Put in each run, 4 connections x 10 entries.")] = 10_000,
    runs: Annotated[int, typer.Option(min=1, help="Runs; the table shows their median.")] = 5,
    peers: Annotated[str, typer.Option(help="Which buses, in this order.")] = "ours,ministack",
    counts: Annotated[
        str, typer.Option(help="Numbers of rules on the bus; the first is what the others are held to.")
    ] = "3,300",
) -> None:
    """Compare a bus with few rules to one with many: what an event costs then."""
    console = _console()
    chosen = [_peer(name) for name in peers.split(",")]
    numbers = [int(count) for count in counts.split(",")]
    with _folder() as folder, _progress(console) as say:
        found = many_rules.compare_rules(chosen, numbers, events=events, runs=runs, folder=folder, say=say)
    many_rules.show(found, console)


@cli.command("put", hidden=True)
def put(
    *,
    url: Annotated[str, typer.Option()],
    bus: Annotated[str, typer.Option()],
    first: Annotated[int, typer.Option()],
    events: Annotated[int, typer.Option()],
    per_request: Annotated[int, typer.Option()],
    connections: Annotated[int, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    """Put events as fast as they are answered; `eventbus` runs this in a process of its own."""
    load.write(asyncio.run(load.put(load.Load(url, bus, first, events, per_request, connections))), out)


@cli.command("receive", hidden=True)
def receive(*, port: Annotated[int, typer.Option()]) -> None:
    """Be the webhook; `eventbus` runs this in a process of its own."""
    asyncio.run(webhook.serve(HOST, port))


def _peer(name: str) -> Peer:
    if name not in PEERS:
        raise UserError(f"--peers: no bus {name!r}; choose of {', '.join(PEERS)}")
    return PEERS[name]


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a folder on disk for data and logs; it stays when the bench fails."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=_FOLDER))
    yield folder
    shutil.rmtree(folder)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    """Show what is being done: one changing line on a terminal, a line each elsewhere."""
    if not console.is_terminal:
        yield lambda text: console.print(text, highlight=False)
        return
    with console.status("starting") as status:
        yield status.update
