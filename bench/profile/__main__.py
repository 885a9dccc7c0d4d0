"""`python -m bench.profile --out FILE -- WORDS`: run `python -m WORDS` under py-spy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.profile.spy import Look, spied
from schemas.errors import one_line_errors


def run(
    *,
    out: Annotated[Path, typer.Option()],
    per_s: Annotated[int, typer.Option()],
    moving: Annotated[bool, typer.Option("--moving", help="Never hold it still.")] = False,
    words: Annotated[list[str], typer.Argument()],
) -> None:
    """Run a service and sample it until it ends; SIGTERM is passed on to it."""
    raise typer.Exit(spied(words, Look(out, per_s, stops=not moving)))


if __name__ == "__main__":
    with one_line_errors():
        typer.run(run)
