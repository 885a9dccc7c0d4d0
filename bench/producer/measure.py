"""One run of one producer: a few records, which are read and checked, then many, which are counted."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench.analyzer.ground import ground
from bench.places import ROOT
from bench.screen import Say
from demo.records import read_to_end
from schemas.codec import Decoder, definition
from schemas.errors import BadRecordError, UnavailableError
from schemas.settings import KafkaSettings
from schemas.topics import LABELS, ORACLE, TRANSACTIONS

_TIMEOUT_S: Final = 600
_SCHEMAS: Final = {TRANSACTIONS: "transaction", LABELS: "label", ORACLE: "label"}


@dataclass(frozen=True, slots=True)
class Stand:
    """What all runs share."""

    choice: str
    """The broker, as the demo takes it."""
    versions: Mapping[str, UUID]
    aws: Mapping[str, str]
    preset: str
    say: Say


@dataclass(frozen=True, slots=True)
class Maker:
    """A producer that is measured."""

    name: str
    title: str
    share: int
    """It makes an n-th of the transactions."""
    labels: bool
    """Whether a label follows each transaction."""
    argv: Callable[[Stand, str, int], list[str]]
    """From the stand, the broker's address and the number of transactions."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a process cost that wrote some transactions."""

    transactions: int
    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """A process that wrote few, one that wrote many, and what was wrong with what they wrote."""

    few: Part
    many: Part
    wrong: list[str]

    @property
    def cpu_us(self) -> float:
        """CPU time of a transaction, the start of the process apart."""
        return (self.many.cpu_s - self.few.cpu_s) / self._more * 1e6

    @property
    def wall_us(self) -> float:
        """Time of the wall clock, the same way."""
        return (self.many.wall_s - self.few.wall_s) / self._more * 1e6

    @property
    def _more(self) -> int:
        return max(1, self.many.transactions - self.few.transactions)


def _ours(stand: Stand, _address: str, transactions: int) -> list[str]:
    return ["producer", "run", "--transactions", str(transactions), "--rate", "0", "--preset", stand.preset]


def _faker(stand: Stand, address: str, transactions: int) -> list[str]:
    version = str(stand.versions[TRANSACTIONS])
    return [
        *("bench.producer.peer", "--transactions", str(transactions)),
        *("--version", version, "--bootstrap-servers", address),
    ]


MAKERS: Final = (
    Maker("ours", "Cardwatch", 1, labels=True, argv=_ours),
    Maker("faker", "Faker for each record, fastavro, produce", 20, labels=False, argv=_faker),
)


def run(stand: Stand, maker: Maker, few: int, many: int, folder: Path) -> Run:
    """Let a producer write on a new broker, first few transactions and then many.

    Raises:
        UnavailableError: the broker doesn't start, or the producer fails.
    """
    stand.say(f"{maker.title}: {many:,} transactions")
    with ground(stand.choice, folder, stand.say) as where:
        address = where.kafka.bootstrap_servers
        first = _timed(stand, maker, address, few)
        wrong = faults(stand, maker, _records(where.kafka), few)
        second = _timed(stand, maker, address, many)
        wrong += _missing(maker, _counts(where.kafka), few + many)
    return Run(first, second, wrong)


def _timed(stand: Stand, maker: Maker, address: str, transactions: int) -> Part:
    env = {**stand.aws, "KAFKA_BOOTSTRAP_SERVERS": address}
    argv = [sys.executable, "-m", *maker.argv(stand, address, transactions)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - our own
    wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise UnavailableError(f"{maker.title} has ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Part(transactions, cpu_s, wall_s)


def _records(kafka: KafkaSettings) -> list[tuple[str, bytes, bytes]]:
    return [(topic, m.key() or b"", m.value() or b"") for topic in _SCHEMAS for m in read_to_end(kafka, topic)]


def _counts(kafka: KafkaSettings) -> Counter[str]:
    return Counter({topic: sum(1 for _ in read_to_end(kafka, topic)) for topic in _SCHEMAS})


def faults(stand: Stand, maker: Maker, records: list[tuple[str, bytes, bytes]], transactions: int) -> list[str]:
    """Return what is wrong with records (topic, key, value): numbers, keys, ids, and what can't be decoded."""
    decoder = Decoder(Known(stand.versions), logical_types=False)
    ids: dict[str, list[Any]] = {topic: [] for topic in _SCHEMAS}
    wrong = []
    for topic, key, value in records:
        try:
            fields = decoder.decode(value)
        except BadRecordError as error:
            wrong.append(f"{maker.title}: a record of {topic}: {error}")
            continue
        ids[topic].append(fields["transactionId"])
        if key.decode(errors="replace") != fields["cardId" if topic == TRANSACTIONS else "transactionId"]:
            wrong.append(f"{maker.title}: a record of {topic} has key {key!r}")
    if len(set(ids[TRANSACTIONS])) != transactions:
        wrong.append(f"{maker.title}: {len(set(ids[TRANSACTIONS])):,} different ids, not {transactions:,}")
    if maker.labels and sorted(ids[LABELS]) != sorted(ids[TRANSACTIONS]):
        wrong.append(f"{maker.title}: not each transaction has one label")
    return wrong + _missing(maker, Counter(topic for topic, _, _ in records), transactions)


def _missing(maker: Maker, counts: Counter[str], transactions: int) -> list[str]:
    topics = (TRANSACTIONS, LABELS) if maker.labels else (TRANSACTIONS,)
    return [
        f"{maker.title}: {counts[topic]:,} records in {topic}, not {transactions:,}"
        for topic in topics
        if counts[topic] != transactions
    ]


class Known:
    """A registry of the bench's own schemas: no server is asked."""

    def __init__(self, versions: Mapping[str, UUID]) -> None:
        """Know what producers write."""
        self._schemas = {versions[topic]: schema for topic, schema in _SCHEMAS.items()}

    def definition(self, version_id: UUID) -> str:
        """Return a schema."""
        if version_id not in self._schemas:
            raise BadRecordError(f"schema version {version_id} is not registered for it")
        return definition(self._schemas[version_id])
