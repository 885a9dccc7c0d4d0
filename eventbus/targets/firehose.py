"""Firehose delivery streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eventbus.arn import Arn
from eventbus.model import Rule, Target
from eventbus.ports import Outcome, Outgoing
from eventbus.targets.aws import AwsSender
from eventbus.targets.base import Kind
from eventbus.targets.outcomes import of_records


class FirehoseSender(AwsSender):
    """Sends with PutRecordBatch."""

    service = "firehose"
    batch = 500
    batch_bytes = 4 * 1024 * 1024
    concurrency = 2

    def deliver(
        self, client: Any, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        """Put up to 500 records; Firehose answers for each of them, in order."""
        del rule, target
        records = [{"Data": outgoing.payload.encode()} for outgoing in batch]
        answer = client.put_record_batch(DeliveryStreamName=arn.name, Records=records)
        return of_records(answer["RequestResponses"])


KIND: Final = Kind(
    name="Firehose delivery stream",
    serves=lambda arn: arn.service == "firehose" and arn.resource.startswith("deliverystream/"),
    sender=FirehoseSender,
    needs_role=True,
)
