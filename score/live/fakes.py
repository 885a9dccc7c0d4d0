"""Stand-ins for Kafka and the screen: they give what they were given, and remember what they were shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.errors import BadRecordError
from score.core.facts import Fact
from score.live.view import Picture


@dataclass(frozen=True, slots=True)
class FakeRecord:
    """A record of partition 0."""

    of_topic: str
    at: int
    fact: Fact | None
    """None: it can't be read."""

    def topic(self) -> str:
        """Return its topic."""
        return self.of_topic

    def partition(self) -> int:
        """Return 0."""
        return 0

    def offset(self) -> int:
        """Return where it stands."""
        return self.at

    def value(self) -> bytes:
        """Return its place, by which `FakeSource` knows it again."""
        return f"{self.of_topic}/{self.at}".encode()


@dataclass
class FakeSource:
    """Records in batches, and the facts in them."""

    batches: list[list[FakeRecord]]
    facts: dict[bytes, Fact | None] = field(default_factory=dict)

    @property
    def caught_up(self) -> bool:
        """Whether all batches were read."""
        return not self.batches

    def read(self, most: int, timeout_s: float) -> Sequence[FakeRecord]:  # noqa: ARG002 - the port's signature
        """Return the next batch."""
        batch = self.batches.pop(0) if self.batches else []
        self.facts |= {record.value(): record.fact for record in batch}
        return batch


@dataclass
class FakeReader:
    """Knows what is in the records of a `FakeSource`."""

    source: FakeSource

    def read(self, topic: str, value: bytes | None) -> Fact:  # noqa: ARG002 - the port's signature
        """Return the fact, or refuse the record."""
        fact = self.source.facts[value or b""]
        if fact is None:
            raise BadRecordError("it can't be read")
        return fact


@dataclass
class FakeView:
    """Remembers what it was shown."""

    shown: list[Picture] = field(default_factory=list)

    def show(self, now: Picture) -> None:
        """Remember it."""
        self.shown.append(now)

    def close(self) -> None:
        """Nothing to undo."""
