"""Its command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from bench import screen
from bench.analyzer.commands import Broker, require_own
from bench.analyzer.ground import registry
from bench.analyzer.run import Stand
from bench.scaling import report
from bench.scaling.measure import know, share, write
from bench.screen import JsonFile, Runs, Smoke
from demo.broker import APACHE, EMBEDDED
from schemas.errors import EXIT_FAILURE


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    workers: int
    """At most."""
    shared_cards: int
    shared_records: int
    """There before the workers are started, each number of them."""
    least_records: int
    """Fewest that a worker gets to know its cards by."""
    again: tuple[int, int]
    """Fewest and most records after a recovery; within that, as many as cards."""
    cards: tuple[int, ...]
    written_cards: int
    written_records: int
    written_per_s: int
    every_s: tuple[float, ...]

    def records(self, cards: int) -> int:
        """Return how many records make a worker know so many cards."""
        return max(self.least_records, cards * 5 // 2)

    def records_again(self, cards: int) -> int:
        """Return how many it judges after it has recovered them."""
        least, most = self.again
        return min(max(cards, least), most)


FULL: Final = Size(
    workers=4,
    shared_cards=20_000,
    shared_records=1_500_000,
    least_records=300_000,
    again=(100_000, 300_000),
    cards=(10_000, 100_000, 1_000_000),
    written_cards=10_000,
    written_records=60_000,
    written_per_s=5_000,
    every_s=(0.5, 1.0, 4.0),
)
SMALL: Final = Size(
    workers=2,
    shared_cards=50,
    shared_records=300,
    least_records=300,
    again=(50, 50),
    cards=(50,),
    written_cards=50,
    written_records=0,
    written_per_s=0,
    every_s=(),
)


def scaling(
    *,
    runs: Runs = 1,
    cards: Annotated[int, typer.Option(min=10, help="Measure no more cards than this in one worker.")] = 1_000_000,
    broker: Broker = APACHE,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Measure what the analyzer costs as workers and cards become more: CPU, memory, states written, recovery.

    Exit code 1 when a record is lost or done twice, or a card is not recovered.
    """
    console = screen.console()
    require_own(broker)
    size = replace(FULL, cards=tuple(one for one in FULL.cards if one <= cards))
    if smoke:
        size, runs, broker = SMALL, 1, EMBEDDED
    found = report.Found(broker)
    with screen.folder() as folder, screen.progress(console) as say, registry(folder) as (versions, aws):
        stand = Stand(broker, versions, aws, say)
        for number in range(1, runs + 1):
            for _ in measure(stand, size, found, folder / str(number)):
                screen.put(found.as_json(), "scaling", file)
    report.show(found, console)
    screen.keep(found.as_json(), "scaling", file, console)
    if list(found.wrong()):
        raise typer.Exit(EXIT_FAILURE)


def measure(stand: Stand, size: Size, found: report.Found, folder: Path) -> Iterator[None]:
    """Measure everything once; yield after each thing that was found."""
    for shared in share(stand, size.workers, size.shared_cards, size.shared_records, folder / "workers"):
        found.shared.append(shared)
        yield
    pace = size.written_records, size.written_per_s
    for written in write(stand, size.written_cards, pace, size.every_s, folder / "written") if size.every_s else ():
        found.written.append(written)
        yield
    for cards in size.cards:  # last: a million of them take longer than everything else
        records, again = size.records(cards), size.records_again(cards)
        found.known.append(know(stand, cards, records, again, folder / str(cards)))
        yield
