"""What the bench of the event bus runs in processes of their own: `python -m bench.eventbus put|receive`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bench.eventbus import put as load
from bench.eventbus import receive as webhook
from demo.process import HOST
from schemas.errors import one_line_errors

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.command("put")
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
    """Put events as fast as they are answered."""
    load.write(asyncio.run(load.put(load.Load(url, bus, first, events, per_request, connections))), out)


@cli.command("receive")
def receive(*, port: Annotated[int, typer.Option()]) -> None:
    """Be the webhook."""
    asyncio.run(webhook.serve(HOST, port))


if __name__ == "__main__":
    with one_line_errors():
        cli()
