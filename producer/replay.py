"""`python -m producer replay`: send transactions of a file, your own or published ones, and their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Final

import typer

from producer.files.moments import LATEST_MS
from producer.files.problems import BadRow
from producer.files.replay import OnBad, Pair, Replay, transactions
from producer.files.stream import retimed, with_truth
from producer.files.survey import Survey
from producer.pace import Schedule, at_once
from producer.service import Due, Service, running
from producer.settings import ProducerSettings
from producer.wire import Wire, readable
from schemas import topics
from schemas.errors import UserError
from schemas.settings import load

SHOWN: Final = 2
"""Transactions that a dry run prints."""
HEADING: Final = "# Rows that a replay left out, and why\n"


def replay(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file of transactions.")],
    *,
    mapping: Annotated[str, typer.Option(help="TOML file that maps columns to fields, or: handbook, sparkov.")],
    labels: Annotated[Path | None, typer.Option(help="File of the labels, when they are not in FILE.")] = None,
    speed: Annotated[
        str | None, typer.Option(help="So many times faster than the wall clock.", metavar="TIMES")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Transactions in a second.", metavar="PER_SECOND")] = None,
    keep_times: Annotated[bool, typer.Option("--keep-times", help="Event times as in FILE; the default.")] = False,
    start: Annotated[str | None, typer.Option(help="Event time of the first transaction.", metavar="DATE")] = None,
    rescale: Annotated[float, typer.Option(help="Divide all times between by this.", metavar="TIMES")] = 1.0,
    limit: Annotated[int, typer.Option(min=0, help="So many transactions and no more; 0: all.")] = 0,
    sort: Annotated[bool, typer.Option("--sort", help="Put rows in order of time first.")] = False,
    skip_bad: Annotated[
        Path | None, typer.Option(help="Leave bad rows out, with reasons in BADFILE.", metavar="BADFILE")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the file, show what would be sent, send nothing.")
    ] = False,
) -> None:
    """Send a file's transactions as fast as possible, or at a rate or speed; first the whole file is checked."""
    given = {"rate": rate, "speed": speed, "start": start}
    settings = load(ProducerSettings, **{name: value for name, value in given.items() if value is not None})
    schedule = settings.schedule() if rate or speed else at_once()
    start_ms = None if start is None else round(settings.start.timestamp() * 1_000)
    _check_times(keep_times=keep_times, start=start, rescale=rescale)
    with ExitStack() as stack:
        note = _notes(skip_bad, stack) if skip_bad else None
        read = transactions(file, mapping, labels=labels, sort=sort, limit=limit, on_bad=note)
        _show(read, file.name, lambda pairs: retimed(pairs, start_ms, rescale), dry_run=dry_run)
    if dry_run:
        return
    again = transactions(file, mapping, labels=labels, sort=sort, limit=limit, on_bad=_ignore if skip_bad else None)
    _send(settings, again, schedule, start_ms, rescale)


def _check_times(*, keep_times: bool, start: str | None, rescale: float) -> None:
    if not 0 < rescale < float("inf"):
        raise UserError(f"--rescale is {rescale:g}: it must be above 0; 60 makes a minute of each hour")
    if keep_times and (start is not None or rescale != 1):
        raise UserError("--keep-times excludes --start and --rescale: give one or the other")


def _notes(bad_file: Path, stack: ExitStack) -> OnBad:
    """Return what writes bad rows down. Their cells are not copied: they may hold card numbers.

    A file of an earlier run is written anew; any other is left alone.
    """
    try:
        if bad_file.exists() and not bad_file.read_bytes().startswith(HEADING.encode()):
            raise UserError(
                f"--skip-bad {bad_file} is there and holds something else: name a new file for the bad rows"
            )
        file = stack.enter_context(bad_file.open("w", encoding="utf-8"))
    except OSError as error:
        raise UserError(f"--skip-bad {bad_file}: {error.strerror}; name a file that can be written") from None
    file.write(HEADING)

    def note(row: BadRow) -> None:
        file.write(f"{row}\n")

    return note


def _ignore(_row: BadRow) -> None:
    """It was noted when the file was checked."""


def _show(read: Replay, name: str, move: Callable[[Iterator[Pair]], Iterator[Pair]], *, dry_run: bool) -> None:
    survey = Survey()
    for number, (record, label) in enumerate(survey.of(move(iter(read)))):
        if dry_run and number < SHOWN:
            for to in with_truth([(record, label)]):
                typer.echo(readable(to))
    for line in survey.lines(read, name):
        typer.echo(line)
    if survey.last_ms >= LATEST_MS:
        raise UserError("the last event times would lie after 2099: choose an earlier --start or a larger --rescale")


def _send(settings: ProducerSettings, read: Replay, schedule: Schedule, start_ms: int | None, rescale: float) -> None:
    with running(settings, topics.TRANSACTIONS, topics.LABELS, topics.ORACLE) as service:
        service.publish(_due(service, retimed(iter(read), start_ms, rescale)), schedule, missing=sorted(read.missing))


def _due(service: Service, pairs: Iterator[Pair]) -> Iterator[Due]:
    """Yield what is to be sent, until stopped; labels of what was sent always follow."""
    wire = Wire.registered(service.registry)
    for to in with_truth(takewhile(lambda _: not service.stop.is_set(), pairs)):
        event_ms = to.fields["eventTime"] if to.topic == topics.TRANSACTIONS else None
        yield event_ms, wire.encoded(to)
