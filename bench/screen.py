"""What every bench shares with the person who runs it: the screen, a folder, a file with what was found."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from bench.places import RESULTS, ROOT

_PIPE_WIDTH: Final = 140

Say = Callable[[str], None]
"""Told what is being done now."""
Runs = Annotated[int, typer.Option(min=1, help="Runs; the table shows their median.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="A few records: does it run, is what comes out right?")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", help="Write every run to this file, else to .cardwatch/bench/NAME.json.", dir_okay=False),
]


def console() -> Console:
    """Return one that is wide enough also when nobody looks."""
    found = Console()
    return found if found.is_terminal else Console(width=_PIPE_WIDTH)


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a folder on disk for data and logs; it stays when the bench fails."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=RESULTS))
    yield made
    shutil.rmtree(made)


@contextmanager
def progress(screen: Console) -> Iterator[Say]:
    """Show what is being done: one changing line on a terminal, a line each elsewhere."""
    if not screen.is_terminal:
        yield lambda text: screen.print(text, highlight=False)
        return
    with screen.status("starting") as status:
        yield status.update


def put(found: Any, name: str, file: Path | None) -> Path:
    """Write what a bench has found so far to its file, and return that; what is there before stays whole until then."""
    where = file or RESULTS / f"{name}.json"
    where.parent.mkdir(parents=True, exist_ok=True)
    part = where.with_name(f"{where.name}.part")
    part.write_text(json.dumps(found, indent=1) + "\n")
    part.replace(where)
    return where


def keep(found: Any, name: str, file: Path | None, screen: Console) -> None:
    """Write what a bench found to its file, and say where that is."""
    where = put(found, name, file)
    shown = where.relative_to(ROOT) if where.is_relative_to(ROOT) else where
    screen.print(f"Every run: {shown}", highlight=False)
