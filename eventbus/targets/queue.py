"""SQS queues, standard and FIFO, and dead-letter queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eventbus.arn import Arn, parse
from eventbus.model import Event, Rule, Target
from eventbus.ports import DELIVERED, Outcome, Outgoing
from eventbus.targets.aws import AwsSender
from eventbus.targets.base import Kind, Spec, Tools
from eventbus.targets.outcomes import NO_RESOURCE, failed, from_code, from_error

LONGEST_GROUP_ID: Final = 100
"""Source: EventBridge API reference, SqsParameters."""


class QueueSender(AwsSender):
    """Sends with SendMessageBatch."""

    service = "sqs"

    def __init__(self, tools: Tools) -> None:
        """Ask for a queue's URL once."""
        super().__init__(tools)
        self._urls: dict[str, str] = {}

    def deliver(
        self, client: Any, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        """Send up to ten messages; SQS answers for each of them."""
        del rule
        group = target.spec.get("SqsParameters", {}).get("MessageGroupId")
        fair = {"MessageGroupId": group} if group else {}
        entries = [{"Id": str(n), "MessageBody": outgoing.payload, **fair} for n, outgoing in enumerate(batch)]
        answer = self._calling(client, arn, lambda url: client.send_message_batch(QueueUrl=url, Entries=entries))
        outcomes = [DELIVERED] * len(batch)
        for refused in answer.get("Failed", ()):
            outcomes[int(refused["Id"])] = from_code(
                refused["Code"], refused.get("Message", ""), sender_fault=refused.get("SenderFault", True)
            )
        return outcomes

    async def dead_letter(self, queue_arn: str, event: Event, attributes: Mapping[str, str]) -> Outcome:
        """Send an event as it came, with these message attributes; empty ones are left out, as SQS takes none."""
        arn = parse(queue_arn)
        if arn is None or arn.service != self.service:
            return failed(NO_RESOURCE, f"{queue_arn} is not the ARN of an SQS queue", retry=False)
        said = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items() if text}

        def send() -> Outcome:
            try:
                client = self._tools.clients.of(self.service, arn.region)
                self._calling(
                    client,
                    arn,
                    lambda url: client.send_message(QueueUrl=url, MessageBody=event.body, MessageAttributes=said),
                )
            except Exception as error:  # noqa: BLE001 - as in `AwsSender`
                return from_error(error)
            return DELIVERED

        return await self._tools.threads.run(send, troubled=True)

    def _calling(self, client: Any, arn: Arn, call: Any) -> Any:
        """Call with the queue's URL. A queue made anew may have another one, so an error forgets it."""
        url = self._urls.get(arn.text)
        if url is None:
            url = client.get_queue_url(QueueName=arn.resource, QueueOwnerAWSAccountId=arn.account)["QueueUrl"]
            self._urls[arn.text] = url
        try:
            return call(url)
        except Exception:
            self._urls.pop(arn.text, None)
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
