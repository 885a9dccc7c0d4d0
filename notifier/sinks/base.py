"""What a sink is, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from notifier.envelope import Entry
from schemas.errors import BadRecordError, UnavailableError

STAGE: Final = "TASK_PUT"
"""Kafka Connect's name of the stage in which a sink is given records."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An entry is on the bus."""

    event_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry isn't: the sink's code and message."""

    code: str
    message: str


Result = Accepted | Refused


class CallRefusedError(BadRecordError):
    """The sink won't take these entries, whatever the reason is in them: too large, malformed."""

    def __init__(self, reason: str) -> None:
        """Remember the reason."""
        super().__init__(reason, stage=STAGE)


class ThrottledError(UnavailableError):
    """The sink is given more than it takes: all should slow down."""


class Sink(Protocol):
    """Where entries go. Called by several threads at once."""

    def check(self) -> None:
        """Look, without putting anything, whether it would work.

        Raises:
            UserError: it never will: the message names the cause.
            UnavailableError: not now.
        """

    def put(self, entries: Sequence[Entry]) -> list[Result]:
        """Put entries; return a result for each, in order.

        Raises:
            CallRefusedError: the whole call is refused because of what is in it.
            UserError: it is refused because of who calls, or what the target is.
            UnavailableError: it failed, perhaps after some entries were taken; `ThrottledError`: for too many of them.
        """


class TimedSink:
    """A sink whose calls to `put` are made inside a context, such as a timer."""

    def __init__(self, sink: Sink, around: Callable[[], AbstractContextManager[None]]) -> None:
        """Put to `sink`, within what `around()` returns."""
        self._sink = sink
        self._around = around

    def check(self) -> None:
        """Check the sink."""
        self._sink.check()

    def put(self, entries: Sequence[Entry]) -> list[Result]:
        """Put to the sink."""
        with self._around():
            return self._sink.put(entries)
