"""Kinesis data streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eventbus.arn import Arn
from eventbus.model import Rule, Target
from eventbus.ports import Outcome, Outgoing
from eventbus.targets import event_path
from eventbus.targets.aws import AwsSender
from eventbus.targets.base import Kind, Spec
from eventbus.targets.outcomes import of_records

LONGEST_KEY: Final = 256
"""Characters of a partition key. Source: Kinesis API reference, PutRecordsRequestEntry."""


class StreamSender(AwsSender):
    """Sends with PutRecords."""

    service = "kinesis"
    batch = 500
    batch_bytes = 4 * 1024 * 1024
    concurrency = 2

    def deliver(
        self, client: Any, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        """Put up to 500 records; Kinesis answers for each of them, in order."""
        del rule
        path = target.spec.get("KinesisParameters", {}).get("PartitionKeyPath")
        records = [{"Data": outgoing.payload.encode(), "PartitionKey": _key(outgoing, path)} for outgoing in batch]
        answer = client.put_records(StreamARN=arn.text, Records=records)
        return of_records(answer["Records"])


def _key(outgoing: Outgoing, path: str | None) -> str:
    """Return the value at `path` in the event; without one, the event's id."""
    value = event_path.text(path, outgoing.event) if path else ""
    return value[:LONGEST_KEY] or outgoing.event.id


def _problem(spec: Spec) -> str | None:
    if "KinesisParameters" in spec and not spec["KinesisParameters"].get("PartitionKeyPath"):
        return f"Parameter(s) PartitionKeyPath must be specified for target: {spec['Id']}."
    return None


KIND: Final = Kind(
    name="Kinesis stream",
    serves=lambda arn: arn.service == "kinesis" and arn.resource.startswith("stream/"),
    sender=StreamSender,
    needs_role=True,
    parameters=frozenset({"KinesisParameters"}),
    problem=_problem,
)
