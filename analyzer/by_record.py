"""Records judged one after the other, by the scalar core: the definition of every verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from analyzer.metrics import StageMetrics
from analyzer.portion import Portion
from analyzer.ports import Incoming, Outgoing
from analyzer.states import WindowStates
from analyzer.window_codec import W
from schemas.errors import BadRecordError

MOST: Final = 100
"""Records at once; 0.1 to 0.3 ms each."""

T = TypeVar("T")
"""What a record holds."""


class RecordDesk(Protocol[T, W]):
    """What a stage does with a record that can be read: `CardDesk` and `TerminalDesk`."""

    @property
    def metrics(self) -> StageMetrics:
        """Where it counts."""

    def read(self, key: bytes | None, value: bytes | None) -> T:
        """Return what a record holds; raises BadRecordError when it can't be read."""

    def key(self, content: T) -> str:
        """Return whose window it belongs to."""

    def judge(self, window: W, content: T, record: Incoming) -> tuple[W, tuple[Outgoing, ...]]:
        """Return the window after the record (the same one: it was replayed), and what must be told; count it."""


@dataclass(frozen=True, slots=True)
class Contents(Generic[T]):
    """What records hold, by their index."""

    good: Mapping[int, T]
    bad: Mapping[int, BadRecordError]


@dataclass(frozen=True, slots=True)
class ByRecord(Generic[T, W]):
    """The desk of a stage that has one for a record."""

    desk: RecordDesk[T, W]
    states: WindowStates[W]
    most: int = MOST

    @property
    def metrics(self) -> StageMetrics:
        """Where it counts."""
        return self.desk.metrics

    def read(self, portion: Portion) -> Contents[T]:
        """Read all of a portion."""
        good: dict[int, T] = {}
        bad: dict[int, BadRecordError] = {}
        for at, (key, value) in enumerate(zip(portion.keys, portion.values, strict=True)):
            try:
                good[at] = self.desk.read(key, value)
            except BadRecordError as error:
                bad[at] = error
        return Contents(good, bad)

    def judge(self, portion: Portion, reading: Contents[T]) -> list[Outgoing]:
        """Judge the records that could be read, in order."""
        told: list[Outgoing] = []
        for at, content in reading.good.items():
            key, record = self.desk.key(content), portion.record(at)
            before = self.states.window(record.partition, key)
            after, outgoing = self.desk.judge(before, content, record)
            if after is not before:
                self.states.judged(record.partition, key, after)
            told.extend(outgoing)
        return told
