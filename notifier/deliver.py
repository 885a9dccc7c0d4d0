"""What to do with what a sink answers: done, again, or dead letter.

| answer                                        | then                                               |
|-----------------------------------------------|----------------------------------------------------|
| entry accepted                                | done                                               |
| entry refused, the code says it is temporary  | again, after a wait                                |
| entry refused otherwise                       | dead letter                                        |
| call refused for what is in it (HTTP 413)     | each entry alone; one that is alone is dead letter |
| call failed (5xx, timeout, away, throttled)   | again, after a wait, for as long as it takes       |
| throttled, the call or an entry of it         | and half as many calls at once, of all             |
| call refused for who calls, or the target     | `UserError`: the worker stops                      |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from notifier.envelope import Entry
from notifier.pace import Pace
from notifier.sinks.base import STAGE, Accepted, CallRefusedError, Refused, Result, Sink, ThrottledError
from schemas.errors import BadRecordError, UnavailableError

THROTTLED: Final = "ThrottlingException"
"""Code of an entry that came too fast."""
TEMPORARY: Final = frozenset({"InternalException", "InternalFailure", THROTTLED})
"""Codes of a refused entry that are documented as worth another try."""

Outcome = Accepted | BadRecordError
"""How an entry ended."""


class StoppedError(Exception):
    """The worker was told to stop before an entry was settled; it will be read again."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: a wait is drawn from 0 to a limit that doubles up to a cap, in s."""

    base_s: float
    cap_s: float

    def limit_s(self, attempt: int) -> float:
        """Return the longest wait before retry number `attempt`, counted from 0."""
        return float(min(self.cap_s, self.base_s * 2 ** min(attempt, 62)))


@dataclass(frozen=True, slots=True)
class Waiting:
    """How waits are made: `pause(seconds)` says False when the worker stops; `draw(most)` picks from 0 to most."""

    backoff: Backoff
    pause: Callable[[float], bool]
    draw: Callable[[float], float]

    def before_retry(self, attempt: int) -> None:
        """Wait before retry number `attempt`, counted from 0.

        Raises:
            StoppedError: the worker stops.
        """
        if not self.pause(self.draw(self.backoff.limit_s(attempt))):
            raise StoppedError


class Watch:
    """Told what happens, for metrics and health; this one listens to nothing."""

    def answered(self, accepted: int) -> None:
        """Learn that a call was answered, and how many entries it took."""

    def retried(self, entries: int, reason: str) -> None:
        """Learn that entries are to be put again."""


Settle = Callable[[Sequence[tuple[int, Outcome]]], None]
"""Told the index and the outcome of each entry of a call that ended, as soon as it is known."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Puts batches to one sink."""

    sink: Sink
    waiting: Waiting
    watch: Watch
    pace: Pace = field(default_factory=lambda: Pace(1))

    def deliver(self, entries: Sequence[Entry], settle: Settle) -> None:
        """Put entries until each is settled.

        Raises:
            StoppedError: the worker stops; entries that were not settled will be read again.
            UserError: the sink refuses for a reason that is not in the entries.
        """
        pending = list(range(len(entries)))
        attempt = 0
        while pending:
            try:
                left = self._put(entries, pending, settle)
            except CallRefusedError as error:
                self._one_by_one(entries, pending, settle, error)
                return
            if left:
                attempt = 0 if len(left) < len(pending) else attempt
                self.waiting.before_retry(attempt)
                attempt += 1
            pending = left

    def _put(self, entries: Sequence[Entry], pending: list[int], settle: Settle) -> list[int]:
        """Make one call; return the indices to put again."""
        try:
            results = self.sink.put([entries[index] for index in pending])
        except UnavailableError as error:
            if isinstance(error, ThrottledError):
                self.pace.throttled()
            self.watch.retried(len(pending), str(error))
            return pending
        if any(isinstance(result, Refused) and result.code == THROTTLED for result in results):
            self.pace.throttled()
        else:
            self.pace.answered()
        left, outcomes = _sorted(pending, results)
        self.watch.answered(sum(isinstance(outcome, Accepted) for _, outcome in outcomes))
        settle(outcomes)
        if left:
            self.watch.retried(len(left), "refused for now")
        return left

    def _one_by_one(
        self, entries: Sequence[Entry], pending: list[int], settle: Settle, error: CallRefusedError
    ) -> None:
        """Find the entry for which a call was refused: each goes alone, and alone it is to blame."""
        if len(pending) == 1:
            self.watch.answered(0)
            settle([(pending[0], error)])
            return
        for index in pending:
            self.deliver([entries[index]], _settle_as(index, settle))


def _settle_as(index: int, settle: Settle) -> Settle:
    return lambda outcomes: settle([(index, outcome) for _, outcome in outcomes])


def _sorted(pending: list[int], results: list[Result]) -> tuple[list[int], list[tuple[int, Outcome]]]:
    """Return the indices to put again, and what is settled."""
    again: list[int] = []
    outcomes: list[tuple[int, Outcome]] = []
    for index, result in zip(pending, results, strict=True):
        if isinstance(result, Accepted):
            outcomes.append((index, result))
        elif result.code in TEMPORARY:
            again.append(index)
        else:
            outcomes.append((index, BadRecordError(f"refused as {result.code}: {result.message}", stage=STAGE)))
    return again, outcomes
