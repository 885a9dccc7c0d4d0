"""Workers of a run and what they tell: started, waited for, ended; and when each notification was read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bench.analyzer.engine import OURS, Place
from bench.analyzer.ground import Ground, Tail
from bench.analyzer.run import Known, Stand, start
from bench.recovery.cards import WORK
from demo.process import Child
from schemas.codec import Decoder
from schemas.errors import UnavailableError

_LOOK_S: Final = 0.02
_PATIENCE_S: Final = 120.0
_END_S: Final = 15.0


@dataclass(slots=True)
class Ears:
    """Reads notifications, and knows when it read each."""

    tail: Tail
    at_ms: list[float] = field(default_factory=list)
    """By this machine's clock, of each that the tail has."""

    def listen(self) -> int:
        """Take what has come within a moment; return how many there are."""
        count = self.tail.read(_LOOK_S)
        self.at_ms += [time.time() * 1_000] * (count - len(self.at_ms))
        return count


@dataclass(frozen=True, slots=True)
class Hand:
    """A worker."""

    child: Child
    began_ms: float
    told_before: int
    """Notifications that were there when it started."""

    def ready(self) -> dict[str, Any] | None:
        """Return what it logged when it was last ready to judge: `partitions`, `states`, `seconds`."""
        lines = [line for line in self.child.text().splitlines() if '"event": "ready"' in line]
        return json.loads(lines[-1]) if lines else None


@dataclass(slots=True)
class Scene:
    """Where it happens."""

    stand: Stand
    where: Ground
    folder: Path
    ears: Ears
    hands: list[Hand] = field(default_factory=list)

    def hire(self) -> Hand:
        """Start a worker."""
        engine = replace(OURS, name=f"worker-{len(self.hands) + 1}", env=_talking)
        told = self.ears.listen()
        began_ms = time.time() * 1_000
        self.hands.append(Hand(start(self.stand, engine, self.where, WORK, self.folder), began_ms, told))
        return self.hands[-1]

    def until(self, what: str, holds: Callable[[], bool], *hands: Hand) -> None:
        """Listen until something holds, while all of these workers run.

        Raises:
            UnavailableError: it doesn't come, or one has ended.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not holds():
            self.ears.listen()
            for one in hands:
                one.child.require_running()
            if time.monotonic() > deadline:
                raise UnavailableError(f"{what} did not come within {_PATIENCE_S:g} s")

    def first_told_s(self, hand: Hand) -> float:
        """Return how long after its start the first notification after that was read, in seconds."""
        self.until("a notification", lambda: len(self.ears.at_ms) > hand.told_before, hand)
        return (self.ears.at_ms[hand.told_before] - hand.began_ms) / 1_000

    def dismiss(self, hand: Hand) -> None:
        """Tell a worker to end, and listen until it has.

        Raises:
            UnavailableError: it ended with an error.
        """
        hand.child.terminate()
        deadline = time.monotonic() + _END_S
        while hand.child.exit_code is None and time.monotonic() < deadline:
            self.ears.listen()
        if code := hand.child.stop(0):
            raise UnavailableError(f"{hand.child.name} ended with {code}: {hand.child.last_line()} ({hand.child.log})")

    def listen_for(self, seconds: float) -> None:
        """Listen for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.ears.listen()

    def all_committed(self) -> bool:
        """Say whether the workers have committed everything that was written."""
        return self.where.committed() >= sum(self.where.ends.values())

    def told_ms(self) -> dict[str, float]:
        """Return when the notification of each transaction was read first."""
        read = Decoder(Known(self.stand.versions), logical_types=False).decode
        names = [read(value)["eventDetail"]["transactionId"] for value in self.ears.tail.values]
        return dict(reversed(list(zip(names, self.ears.at_ms, strict=True))))

    def end(self) -> None:
        """End every worker that still runs."""
        for one in self.hands:
            if one.child.exit_code is None:
                one.child.kill()


def _talking(place: Place) -> dict[str, str]:
    return {**OURS.env(place), "LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}
