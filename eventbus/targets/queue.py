"""SQS queues, standard and FIFO, and dead-letter queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eventbus.arn import Arn, parse
from eventbus.model import Event, Rule, Target
from eventbus.ports import DELIVERED, Outcome, Outgoing
from eventbus.targets.aws_json import CallFailedError
from eventbus.targets.base import Kind, Spec, Tools
from eventbus.targets.outcomes import NO_RESOURCE, failed, from_code

LONGEST_GROUP_ID: Final = 100
"""Source: EventBridge API reference, SqsParameters."""


class QueueSender:
    """Sends with SendMessageBatch; see `eventbus.ports.Sender`."""

    batch: int = 10
    batch_bytes: int = 250_000
    """Below 256 KiB: some servers count what stands around a message, too."""
    concurrency: int = 4

    def __init__(self, tools: Tools) -> None:
        """Ask for a queue's URL once."""
        self._aws = tools.aws
        self._urls: dict[str, str] = {}

    def delay_s(self, target: Target) -> float:  # noqa: ARG002 - SQS says itself when it is too much
        """Return 0: no rate is kept."""
        return 0.0

    async def send(self, rule: Rule, target: Target, batch: Sequence[Outgoing], *, troubled: bool) -> Sequence[Outcome]:
        """Send up to ten messages; SQS answers for each of them."""
        del rule, troubled  # nothing here blocks
        group = target.spec.get("SqsParameters", {}).get("MessageGroupId")
        fair = {"MessageGroupId": group} if group else {}
        entries = [{"Id": str(n), "MessageBody": outgoing.payload, **fair} for n, outgoing in enumerate(batch)]
        try:
            answer = await self._call(target.arn, "SendMessageBatch", {"Entries": entries})
        except CallFailedError as error:
            return [error.outcome] * len(batch)
        outcomes = [DELIVERED] * len(batch)
        for refused in answer.get("Failed", ()):
            outcomes[int(refused["Id"])] = from_code(
                refused["Code"], refused.get("Message", ""), sender_fault=refused.get("SenderFault", True)
            )
        return outcomes

    async def dead_letter(self, queue_arn: str, event: Event, attributes: Mapping[str, str]) -> Outcome:
        """Send an event as it came, with these message attributes; empty ones are left out, as SQS takes none."""
        said = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items() if text}
        try:
            await self._call(queue_arn, "SendMessage", {"MessageBody": event.body, "MessageAttributes": said})
        except CallFailedError as error:
            return error.outcome
        return DELIVERED

    async def _call(self, queue_arn: str, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call with the queue's URL. A queue made anew may have another one, so an error forgets it."""
        arn = parse(queue_arn)
        if arn is None or arn.service != "sqs":
            message = f"{queue_arn} is not the ARN of an SQS queue"
            raise CallFailedError(failed(NO_RESOURCE, message, retry=False))
        url = self._urls.get(queue_arn)
        if url is None:
            named = {"QueueName": arn.resource, "QueueOwnerAWSAccountId": arn.account}
            url = str((await self._aws.call("sqs", arn.region, "GetQueueUrl", named))["QueueUrl"])
            self._urls[queue_arn] = url
        try:
            return await self._aws.call("sqs", arn.region, operation, {"QueueUrl": url, **arguments})
        except CallFailedError:
            self._urls.pop(queue_arn, None)
            raise


class FifoQueueSender(QueueSender):
    """One call at a time, so that messages stay in order as long as none fails."""

    concurrency = 1


def _group_problem(spec: Spec) -> str | None:
    group = spec.get("SqsParameters", {}).get("MessageGroupId")
    if group is not None and not 1 <= len(group) <= LONGEST_GROUP_ID:
        return f"Parameter MessageGroupId is not valid. Reason: it must have 1 to {LONGEST_GROUP_ID} characters."
    return None


def _fifo_problem(spec: Spec) -> str | None:
    if not spec.get("SqsParameters"):
        return f"Parameter(s) SqsParameters must be specified for target: {spec['Id']}."
    if not spec["SqsParameters"].get("MessageGroupId"):
        return f"Parameter(s) MessageGroupId must be specified for target: {spec['Id']}."
    return _group_problem(spec)


def is_fifo(arn: Arn) -> bool:
    """Whether an SQS ARN names a FIFO queue."""
    return arn.resource.endswith(".fifo")


KIND: Final = Kind(
    name="SQS queue",
    serves=lambda arn: arn.service == "sqs" and not is_fifo(arn),
    sender=QueueSender,
    parameters=frozenset({"SqsParameters"}),
    problem=_group_problem,
)
FIFO: Final = Kind(
    name="SQS FIFO queue",
    serves=lambda arn: arn.service == "sqs" and is_fifo(arn),
    sender=FifoQueueSender,
    parameters=frozenset({"SqsParameters"}),
    problem=_fifo_problem,
)
