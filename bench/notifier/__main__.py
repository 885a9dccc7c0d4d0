"""What the bench of the notifier runs in processes of their own: `python -m bench.notifier endpoint|connector`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from bench.notifier import connector as loop
from bench.notifier import endpoint as null
from demo.process import HOST
from schemas.errors import one_line_errors

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.command("endpoint")
def endpoint(
    *,
    port: Annotated[int, typer.Option()],
    answer_ms: Annotated[float, typer.Option()] = 0,
) -> None:
    """Be a bus that does nothing."""
    uvloop.run(null.serve(HOST, port, answer_ms / 1000))


@cli.command("connector")
def connector(*, events: Annotated[int, typer.Option()], out: Annotated[Path, typer.Option()]) -> None:
    """Put so many events as the connector does."""
    loop.run(events, out)


if __name__ == "__main__":
    with one_line_errors():
        cli()
