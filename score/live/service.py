"""The loop: read, keep, and now and then say what it comes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from schemas.errors import BadRecordError
from score.as_json import scores_json
from score.core.facts import Fact
from score.core.tally import Tally
from score.live.metrics import Metrics
from score.live.settings import ScoreSettings
from score.live.state import Position, State
from score.live.view import Picture, View

READ_S: Final = 0.2
"""How long to wait for records."""
RESTS: Final = 10
"""Computing scores takes at most one part in so many of the time."""


class Incoming(Protocol):
    """A record as it was read; confluent_kafka's Message is one."""

    def topic(self) -> str | None:
        """Return its topic."""

    def partition(self) -> int | None:
        """Return its partition."""

    def offset(self) -> int | None:
        """Return where it stands in it."""

    def value(self) -> bytes | None:
        """Return its bytes."""


class Facts(Protocol):
    """What makes facts of records; `Reader` does."""

    def read(self, topic: str, value: bytes | None) -> Fact:
        """Return the fact in a record, or raise `BadRecordError`."""


class Source(Protocol):
    """Where records come from; `Follower` is one."""

    @property
    def caught_up(self) -> bool:
        """Whether every partition was read to an end that it had since the start."""

    def read(self, most: int, timeout_s: float) -> Sequence[Incoming]:
        """Return records that have come, `most` at most."""


@dataclass
class Service:
    """Scores as records come."""

    settings: ScoreSettings
    state: State
    reader: Facts
    source: Source
    metrics: Metrics
    view: View
    clock: Callable[[], float] = time.monotonic
    tally: Tally = field(init=False)
    _positions: dict[tuple[str, int], Position] = field(init=False)
    _began_s: float = field(init=False)
    _next_s: float = 0.0

    def __post_init__(self) -> None:
        """Take up what the state knows."""
        self.tally, self._positions = self.state.tally(), self.state.positions()
        self._began_s = self.clock()

    def run(self, stopping: Callable[[], bool], *, once: bool = False) -> Picture:
        """Go on until told to stop, or `once` all is read that was there; return the last scores."""
        while not stopping() and not (once and self.source.caught_up):
            self._take(self.source.read(self.settings.batch, READ_S))
            if self.clock() >= self._next_s:
                self._show()
        return self._show()

    def _take(self, messages: Sequence[Incoming]) -> None:
        facts: list[Fact] = []
        changed = {}
        for message in messages:
            place = message.topic() or "", message.partition() or 0
            offset, bad = message.offset() or 0, self._positions.get(place, Position(0)).unreadable
            try:
                facts.append(self.reader.read(place[0], message.value()))
            except BadRecordError as error:
                bad += 1
                structlog.get_logger().warning(
                    "unreadable", topic=place[0], partition=place[1], offset=offset, reason=error.reason
                )
            self._positions[place] = changed[place] = Position(offset + 1, bad)
        if changed:
            self.state.take(self.tally, facts, changed)

    def _show(self) -> Picture:
        began_s = self.clock()
        scores = self.tally.scores(self.settings.top_k)
        unreadable = sum(at.unreadable for at in self._positions.values())
        self.metrics.show(scores, unreadable)
        self.metrics.caught_up.set(self.source.caught_up)
        picture = Picture(scores_json(scores), self.source.caught_up, unreadable, began_s - self._began_s)
        self.view.show(picture)
        took_s = self.clock() - began_s
        self._next_s = self.clock() + max(self.settings.refresh_s, RESTS * took_s)
        return picture
