"""Its command: writes the tables of docs/benchmarks.md from what the benches left on this machine."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import psutil
import typer

from bench.places import RESULTS, ROOT
from bench.tables import TABLES, Table
from schemas.errors import UserError

PAGE: Final = ROOT / "docs" / "benchmarks.md"
LEAST_RUNS: Final = 3
"""Fewer make no table: a smoke run leaves one."""
_GB: Final = 1e9


def page(
    names: Annotated[list[str] | None, typer.Argument(help="Which benches, of those with a table; none: all.")] = None,
) -> None:
    """Write the tables of docs/benchmarks.md from .cardwatch/bench/NAME.json, which `make bench` has left."""
    text = PAGE.read_text()
    for name in names or TABLES:
        if name not in TABLES:
            raise UserError(f"no table {name!r}; choose of {', '.join(TABLES)}")
        text = replaced(text, name, section(name, RESULTS / f"{name}.json"))
    PAGE.write_text(text)


def begin(name: str) -> str:
    """Return the line before a bench's table."""
    return f"<!-- bench {name}: made by `python -m bench page {name}` -->\n"


def end(name: str) -> str:
    """Return the line after it."""
    return f"<!-- end of bench {name} -->\n"


def replaced(text: str, name: str, made: str) -> str:
    """Return the page with another table of a bench.

    Raises:
        UserError: the page has no place for it.
    """
    before, opened, rest = text.partition(begin(name))
    _, closed, after = rest.partition(end(name))
    if not opened or not closed:
        raise UserError(f"docs/benchmarks.md has no lines {begin(name).strip()} and {end(name).strip()}: add them")
    return before + opened + made + closed + after


def section(name: str, file: Path) -> str:
    """Return a bench's table from its file.

    Raises:
        UserError: the file isn't there, or can't be published.
    """
    again = f"run `make bench ARGS={name}`, or name only the benches that have run: python -m bench page NAME ..."
    try:
        found = json.loads(file.read_text())
        table = TABLES[name](found)
    except FileNotFoundError:
        raise UserError(f"{_shown(file)} is not there: {again}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{_shown(file)} is not what this bench writes ({error!r}): {again}") from None
    if wrong(found):
        raise UserError(f"{_shown(file)} has wrong results, which are no figures: {again}")
    if table.runs < LEAST_RUNS:
        raise UserError(f"{_shown(file)} holds {table.runs} run(s), a table needs {LEAST_RUNS}: {again}")
    measured = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return f"\nMeasured on {measured:%Y-%m-%d}, medians of {table.runs} runs: {machine()}.\n\n{markdown(table)}\n"


def wrong(found: Any) -> bool:
    """Say whether anything in it is marked as wrong."""
    if isinstance(found, dict):
        return bool(found.get("wrong")) or any(map(wrong, found.values()))
    return isinstance(found, list) and any(map(wrong, found))


def markdown(table: Table) -> str:
    """Return a table and what is remarked on it."""
    rules = ["---"] * len(table.of) + ["---:"] * len(table.figures)
    lines = [f"| {' | '.join(row)} |" for row in ((*table.of, *table.figures), rules, *table.rows)]
    remarks = [f"- {one}" for one in table.remarks]
    return "\n".join([*lines, *([""] if remarks else []), *remarks, ""])


def machine() -> str:
    """Return what this machine is, in words."""
    cores, memory_gb = os.cpu_count() or 1, psutil.virtual_memory().total / _GB
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{_processor()}, {cores} cores, {memory_gb:.0f} GB, {system}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _shown(file: Path) -> str:
    return str(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file)
