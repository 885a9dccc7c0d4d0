"""SNS topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eventbus.arn import Arn
from eventbus.model import Rule, Target
from eventbus.ports import DELIVERED, Outcome, Outgoing
from eventbus.targets.aws import AwsSender
from eventbus.targets.base import Kind
from eventbus.targets.outcomes import from_code


class TopicSender(AwsSender):
    """Sends with PublishBatch."""

    service = "sns"

    def deliver(
        self, client: Any, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        """Publish up to ten messages; SNS answers for each of them."""
        del rule, target
        entries = [{"Id": str(number), "Message": outgoing.payload} for number, outgoing in enumerate(batch)]
        answer = client.publish_batch(TopicArn=arn.text, PublishBatchRequestEntries=entries)
        outcomes = [DELIVERED] * len(batch)
        for refused in answer.get("Failed", ()):
            outcomes[int(refused["Id"])] = from_code(
                refused["Code"], refused.get("Message", ""), sender_fault=refused.get("SenderFault", True)
            )
        return outcomes


KIND: Final = Kind(
    name="SNS topic",
    serves=lambda arn: arn.service == "sns",
    sender=TopicSender,
)
