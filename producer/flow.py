"""Batches on their way: each transaction when it is due, its label once the bank knows."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from producer.batch import Batch, Labels
from producer.pace import Pace
from schemas.topics import LABELS, ORACLE, TRANSACTIONS


class Outlet(Protocol):
    """What is needed of a publisher."""

    def send_all(self, topic: str, keys: Iterable[bytes], values: Iterable[bytes]) -> None:
        """Send records of one topic in order."""


@dataclass(slots=True)
class Held:
    """Labels that wait for their release: those from `at` to `until`."""

    labels: Labels
    at: int
    until: int


class LateLabels:
    """Labels of what was sent, until the virtual clock has passed their release."""

    def __init__(self) -> None:
        """Hold none."""
        self._held: deque[Held] = deque()

    def hold(self, labels: Labels, at: int, until: int) -> None:
        """Keep the labels from `at` to `until`; all are released in the order in which they came."""
        self._held.append(Held(labels, at, until))

    def released(self, now_ms: int | None = None) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Yield keys and values of what is due at an event time; None: of everything."""
        while self._held:
            held = self._held[0]
            labels, due = held.labels, held.until
            if now_ms is not None:
                due = bisect_right(labels.release_ms, now_ms, held.at, held.until)
            if due > held.at:
                yield labels.keys[held.at : due], labels.values[held.at : due]
            held.at = due
            if due < held.until:
                return
            self._held.popleft()


def send(batches: Iterable[Batch], outlet: Outlet, pace: Pace, stopping: Callable[[], bool]) -> None:
    """Send what the batches hold, each transaction when it is due, until they end or a stop.

    The labels of what was sent that are still held back then follow.
    """
    late = LateLabels()
    for batch in batches:
        at = 0
        while at < len(batch.keys) and not stopping():
            until = at + pace.due(batch.event_ms, at)
            outlet.send_all(TRANSACTIONS, batch.keys[at:until], batch.values[at:until])
            frauds = [i for i in batch.oracle if at <= i < until]
            outlet.send_all(ORACLE, [batch.labels.keys[i] for i in frauds], [batch.oracle[i] for i in frauds])
            late.hold(batch.labels, at, until)
            for keys, labels in late.released(batch.event_ms[until - 1]):
                outlet.send_all(LABELS, keys, labels)
            at = until
        if stopping():
            break
    for keys, labels in late.released():
        outlet.send_all(LABELS, keys, labels)
