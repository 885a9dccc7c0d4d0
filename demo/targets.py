"""Where the ledger looks for events: at the targets of the rule for suspicious activities, as its file has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from demo.arrivals import Arrivals, Look
from demo.log_group import LogGroup
from demo.queues import Queue
from eventbus.subscribers import Subscriber, Target
from schemas import aws
from schemas.errors import UserError

RULE: Final = "suspicious-activity"


class Watch:
    """Finds events: in log groups and queues where AWS_* says, at the webhook through `webhook`, if it is known."""

    def __init__(self, webhook: Look | None, *, keep: bool = False) -> None:
        """Delete messages of queues as they are counted, or `keep` them for others, hidden until `close`.

        Dead letters are always kept.
        """
        self._webhook, self._keep = webhook, keep
        self._logs, self._sqs = aws.client("logs"), aws.client("sqs")
        self._queues: list[Queue] = []

    def targets(self, subscribers: Iterable[Subscriber]) -> list[Arrivals]:
        """Return what to look at, in the order of the file.

        Raises:
            UserError: no file makes the rule.
        """
        for each in subscribers:
            if each.rule == RULE:
                return [found for target in each.targets if (found := self._arrivals(target))]
        raise UserError(f"no file in infra/eventbridge makes the rule {RULE!r}: restore {RULE}.json")

    def close(self) -> None:
        """Let others see the messages that were kept."""
        for queue in self._queues:
            queue.release()

    def _arrivals(self, target: Target) -> Arrivals | None:
        dead = self._queue(target.deadLetterQueue, keep=True) if target.deadLetterQueue else list
        name = named(target.id)
        if target.logGroup:
            return Arrivals(name, LogGroup(self._logs, target.logGroup).new, dead)
        if target.queue:
            return Arrivals(name, self._queue(target.queue, keep=self._keep), dead, timed=False)
        if target.webhook and self._webhook:
            return Arrivals(name, self._webhook, dead)
        return None  # it can't be seen from here

    def _queue(self, name: str, *, keep: bool) -> Look:
        self._queues.append(Queue(self._sqs, name, keep=keep))
        return self._queues[-1].new


def named(target_id: str) -> str:
    """Return a target's id as it is shown to people."""
    return target_id.replace("-", " ")
