"""An intake for tests: it remembers what it took."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eventbus.model import Event


class RecordingIntake:
    """Takes what `eventbus.ports.Intake` takes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.batches: list[list[Event]] = []
        self.failures: list[Exception] = []
        """Raised, one for each call, before anything is taken again."""
        self.on_accept: Callable[[], None] = lambda: None
        """Called after each batch."""

    @property
    def events(self) -> list[Event]:
        """All that was taken, in order."""
        return [event for batch in self.batches for event in batch]

    async def accept(self, events: Sequence[Event]) -> None:
        """Remember the events, or fail as asked."""
        if self.failures:
            raise self.failures.pop(0)
        self.batches.append(list(events))
        self.on_accept()
