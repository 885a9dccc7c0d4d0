"""The three services at their work, each as its bench sets it up, under py-spy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.analyzer.engine import OURS as ANALYZER_ENGINE
from bench.analyzer.ground import registry
from bench.analyzer.records import load
from bench.analyzer.run import Stand, run
from bench.analyzer.work import ONE_PERCENT
from bench.notifier.buses import null_bus
from bench.notifier.check import problems
from bench.notifier.commands import filled
from bench.notifier.contenders import CONTENDERS, OURS, Where
from bench.notifier.measure import measure
from bench.producer import measure as makers
from bench.profile import parts
from bench.profile.spy import Look
from bench.screen import Say
from schemas.codec import Encoder
from schemas.topics import TRANSACTIONS

_FEW: Final = 500
"""Transactions of the producer's first process, which is checked and not looked at."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service is profiled."""

    broker: str
    """apache or embedded."""
    folder: Path
    say: Say


@dataclass(frozen=True, slots=True)
class Subject:
    """A service."""

    name: str
    record: str
    """What it works on, in the plural."""
    records: int
    """How many by default: some ten seconds' work."""
    per_s: int
    """Samples a second."""
    parts: Sequence[parts.Part]
    work: Callable[[Place, int, Look], list[str]]
    """Does the work on so many records, sampled; returns what was wrong."""
    stops: bool = True
    """Whether it is held still for each sample."""


def analyzer(place: Place, records: int, look: Look) -> list[str]:
    """Judge the transactions of the analyzer's bench, 1 % flagged."""
    with registry(place.folder) as (versions, aws):
        loaded = load(records, 1, Encoder("transaction", versions[TRANSACTIONS]), (ONE_PERCENT,))
        python, option, *of = ANALYZER_ENGINE.argv()
        engine = replace(ANALYZER_ENGINE, argv=lambda: [python, option, *look.words(of)])
        stand = Stand(place.broker, versions, aws, place.say)
        return run(stand, engine, loaded, ONE_PERCENT, place.folder / "analyzer").wrong


def producer(place: Place, records: int, look: Look) -> list[str]:
    """Make transactions as in the producer's bench."""
    ours = makers.MAKERS[0]

    def argv(stand: makers.Stand, address: str, transactions: int) -> list[str]:
        return look.words(ours.argv(stand, address, transactions))

    with registry(place.folder) as (versions, aws):
        stand = makers.Stand(place.broker, versions, aws, "handbook", place.say)
        return makers.run(stand, replace(ours, argv=argv), _FEW, records, place.folder / "producer").wrong


def notifier(place: Place, records: int, look: Look) -> list[str]:
    """Put notifications into a bus that costs nothing, as in the notifier's bench."""
    folder = place.folder
    one = replace(CONTENDERS[OURS], words=tuple(look.words(CONTENDERS[OURS].words)))
    with filled(place.broker, folder, records, place.say) as (kafka, places), null_bus(folder, 0) as bus:
        measure(one, bus, Where(kafka.bootstrap_servers, bus.url, bus.url, folder), records, "profile")
        return list(problems(bus.arrivals(), places))


SUBJECTS: Final[Mapping[str, Subject]] = {
    one.name: one
    for one in (
        Subject("analyzer", "records", 400_000, 200, parts.ANALYZER, analyzer),
        Subject("producer", "transactions", 400_000, 200, parts.PRODUCER, producer),
        Subject("notifier", "events", 50_000, 50, parts.NOTIFIER, notifier, stops=False),
    )
}
