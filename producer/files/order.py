"""Puts records into the order of event time with little memory: sorted runs on disk, merged."""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from itertools import islice
from typing import IO, Any, Final

Item = tuple[int, int, dict[str, Any], dict[str, Any] | None]
"""Event time in ms, the row's number, the transaction's record, its label's."""

RUN_ROWS: Final = 100_000
"""So many rows are in memory at a time: some 200 MB."""


def in_order(items: Iterable[Item], run_rows: int = RUN_ROWS) -> Iterator[Item]:
    """Yield the items by event time, and by row where that is equal; `run_rows` are in memory at a time."""
    rest = iter(items)
    with ExitStack() as files:
        runs = []
        while run := sorted(islice(rest, run_rows), key=_key):
            runs.append(_kept(run, files.enter_context(tempfile.TemporaryFile())))
        yield from merge(*runs, key=_key)


def _key(item: Item) -> tuple[int, int]:
    return item[:2]


def _kept(run: list[Item], file: IO[bytes]) -> Iterator[Item]:
    for item in run:
        marshal.dump(item, file)
    file.seek(0)
    return _again(file, len(run))


def _again(file: IO[bytes], items: int) -> Iterator[Item]:
    for _ in range(items):
        yield marshal.load(file)  # noqa: S302 - written by this process a moment ago
