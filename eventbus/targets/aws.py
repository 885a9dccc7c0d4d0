"""What the senders of AWS targets have in common: a blocking call on a thread, and its errors explained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import structlog

from eventbus.arn import Arn, parse
from eventbus.model import Rule, Target
from eventbus.ports import Outcome, Outgoing
from eventbus.targets.base import Tools
from eventbus.targets.outcomes import INTERNAL_ERROR, NO_RESOURCE, failed, from_error

_log = structlog.get_logger(__name__)


class AwsSender(ABC):
    """Delivers through one operation of an AWS service. Subclasses say which; see `eventbus.ports.Sender`."""

    service: ClassVar[str]
    """boto3's name of it."""
    batch: int = 10
    batch_bytes: int = 256 * 1024
    concurrency: int = 4

    def __init__(self, tools: Tools) -> None:
        """Call through the tools' clients, on their threads."""
        self._tools = tools

    def delay_s(self, target: Target) -> float:  # noqa: ARG002 - AWS services say themselves when it is too much
        """Return 0: no rate is kept."""
        return 0.0

    async def send(self, rule: Rule, target: Target, batch: Sequence[Outgoing], *, troubled: bool) -> Sequence[Outcome]:
        """Send a batch in one call; see `eventbus.ports.Sender`."""
        arn = parse(target.arn)
        if arn is None:
            return [failed(NO_RESOURCE, f"{target.arn} is no ARN", retry=False)] * len(batch)
        return await self._tools.threads.run(partial(self._attempt, rule, target, arn, batch), troubled=troubled)

    def _attempt(self, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        try:
            return self.deliver(self._tools.clients.of(self.service, arn.region), rule, target, arn, batch)
        except Exception as error:  # noqa: BLE001 - a target's trouble must never become the bus's
            outcome = from_error(error)
            if outcome.error_code == INTERNAL_ERROR:
                _log.exception("delivery failed unexpectedly", target=target.arn)
            return [outcome] * len(batch)

    @abstractmethod
    def deliver(
        self, client: Any, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        """Make the call, on a thread; return an outcome for each of the batch, or raise what boto3 raises."""
