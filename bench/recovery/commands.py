"""Its command: how soon a worker works after a start, a recovery, a rolling restart."""

from __future__ import annotations

from typing import Annotated

import typer

from bench import screen
from bench.analyzer.commands import Broker, require_own
from bench.analyzer.ground import registry
from bench.analyzer.run import Stand
from bench.recovery import report
from bench.recovery.cards import PER_CARD, make
from bench.recovery.measure import measure
from bench.screen import JsonFile, Runs, Smoke
from demo.broker import APACHE, EMBEDDED
from schemas.codec import Encoder
from schemas.errors import EXIT_FAILURE, UserError
from schemas.topics import TRANSACTIONS


def recovery(
    *,
    cards: Annotated[int, typer.Option(min=100, help="Cards whose states are recovered, roughly.")] = 100_000,
    rate: Annotated[int, typer.Option(min=1, help="Transactions a second in the rolling restart.")] = 500,
    seconds: Annotated[int, typer.Option(min=5, help="How long they come.")] = 40,
    runs: Runs = 5,
    broker: Broker = APACHE,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Measure how soon a worker works: after its start, with many cards to recover, and in a rolling restart.

    Every notification is compared with the scalar core's verdict. Exit code 1 when one is wrong or missing.
    """
    console = screen.console()
    require_own(broker)
    if smoke:
        cards, rate, seconds, runs, broker = 600, 20, 20, 1, EMBEDDED
    if rate * seconds > cards * (PER_CARD - 2):
        raise UserError(f"--rate {rate} for --seconds {seconds} needs more cards than {cards}: raise --cards")
    with screen.folder() as folder, screen.progress(console) as say, registry(folder) as (versions, aws):
        say("making the transactions")
        made = make(cards, (cards, rate * seconds), Encoder("transaction", versions[TRANSACTIONS]))
        stand, found = Stand(broker, versions, aws, say), []
        for number in range(1, runs + 1):
            say(f"run {number} of {runs}: {made.count:,} cards")
            found.append(measure(stand, made, rate, folder / f"recovery-{number}"))
    report.show(found, console)
    screen.keep(report.as_json(found), "recovery", file, console)
    if report.wrong(found):
        raise typer.Exit(EXIT_FAILURE)
