"""Lambda functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eventbus.arn import Arn
from eventbus.model import Rule, Target
from eventbus.ports import DELIVERED, Outcome, Outgoing
from eventbus.targets.aws import AwsSender
from eventbus.targets.base import Kind


class FunctionSender(AwsSender):
    """Invokes asynchronously: the event is delivered once Lambda has it, whatever the function makes of it."""

    service = "lambda"
    batch = 1
    concurrency = 8

    def deliver(
        self, client: Any, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        """Invoke the function (or the version or alias that the ARN names) with one event."""
        del rule, target
        for outgoing in batch:
            client.invoke(FunctionName=arn.text, InvocationType="Event", Payload=outgoing.payload.encode())
        return [DELIVERED] * len(batch)


KIND: Final = Kind(
    name="Lambda function",
    serves=lambda arn: arn.service == "lambda" and arn.resource.startswith("function:"),
    sender=FunctionSender,
)
