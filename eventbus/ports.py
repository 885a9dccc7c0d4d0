"""What the parts of the bus ask of one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eventbus.model import Event, Rule, Target


class Intake(Protocol):
    """The one way onto a bus: for PutEvents, forwarded, replayed and scheduled events alike."""

    async def accept(self, events: Sequence[Event]) -> None:
        """Match, keep and hand over for delivery; return once all of it is on disk.

        Raises:
            StorageError: the disk is full or fails; nothing of it was kept.
        """


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event on its way to one target."""

    event: Event
    payload: str
    """What the target gets: the event, or what Input, InputPath or InputTransformer made of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery."""

    error_code: str = ""
    """Empty: delivered. Else the target's own code, or one of EventBridge's, such as NO_PERMISSIONS."""
    error_message: str = ""
    retry: bool = True
    """Whether another attempt could help; without, the event goes to the dead-letter queue at once."""
    retry_after_s: float | None = None
    """Seconds that the target asked to be left alone."""

    @property
    def delivered(self) -> bool:
        """Whether the target has it."""
        return not self.error_code


DELIVERED = Outcome()


class Sender(Protocol):
    """Delivers to one kind of target. A file each in `eventbus/targets/`."""

    batch: int
    """Most events in one `send`."""
    batch_bytes: int
    """Most bytes of payloads in one `send`; a single larger one is sent alone."""
    concurrency: int
    """Most sends under way at once for one target."""

    def delay_s(self, target: Target) -> float:
        """Return the seconds to wait until the next send may start (a rate limit); 0: now, and that send is counted."""

    async def send(self, rule: Rule, target: Target, batch: Sequence[Outgoing], *, troubled: bool) -> Sequence[Outcome]:
        """Send, and return an outcome for each of the batch, in order. Never raises for a target's trouble.

        `troubled` says that the last attempt at this target failed: blocking calls then run where they can't
        hold up the targets that work.
        """


class Senders(Protocol):
    """Finds the sender of a target."""

    def of(self, target: Target) -> Sender | None:
        """Return the sender for this target's ARN, or None when the bus has none."""

    async def dead_letter(self, queue_arn: str, event: Event, attributes: dict[str, str]) -> Outcome:
        """Send the event to an SQS queue, with these message attributes."""
