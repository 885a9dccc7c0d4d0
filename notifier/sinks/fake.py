"""A sink for tests: it records what it is given and answers what it is told to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from notifier.envelope import Entry
from notifier.sinks.base import Accepted, Result

Answer = list[Result] | Exception | None
"""Results, an error to raise, or None: take everything."""


class FakeSink:
    """Answers call after call from a list, and takes everything once that is used up."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        """Answer `answers`, one a call."""
        self._answers = list(answers)
        self._ids = count(1)
        self.calls: list[list[Entry]] = []

    def check(self) -> None:
        """Find nothing wrong."""

    def put(self, entries: Sequence[Entry]) -> list[Result]:
        """Record the call and answer it."""
        self.calls.append(list(entries))
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer if answer is not None else [Accepted(str(next(self._ids))) for _ in entries]
