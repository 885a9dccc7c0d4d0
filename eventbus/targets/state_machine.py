"""Step Functions state machines."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from eventbus.arn import Arn
from eventbus.model import Rule, Target
from eventbus.ports import DELIVERED, Outcome, Outgoing
from eventbus.targets.aws import AwsSender
from eventbus.targets.base import Kind

_NAMES: Final = uuid.UUID("6f1a1c0e-50a4-5a0c-9d6e-7d5c4a0f3b21")
"""Namespace of the second half of an execution's name. Never changed: names would."""


class StateMachineSender(AwsSender):
    """Starts an execution an event."""

    service = "stepfunctions"
    batch = 1
    concurrency = 4

    def deliver(
        self, client: Any, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        """Start the execution. One of that name is of an attempt whose answer was lost."""
        for outgoing in batch:
            try:
                client.start_execution(
                    stateMachineArn=arn.text, name=execution_name(rule, target, outgoing), input=outgoing.payload
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "ExecutionAlreadyExists":
                    raise
        return [DELIVERED] * len(batch)


def execution_name(rule: Rule, target: Target, outgoing: Outgoing) -> str:
    """Return the same name for the same event and target, so that a second attempt starts nothing twice.

    73 characters of the 80 that Step Functions takes; the event's id comes first.
    """
    event = outgoing.event
    return f"{event.id}_{uuid.uuid5(_NAMES, f'{rule.arn} {target.id} {event.replay}')}"


KIND: Final = Kind(
    name="Step Functions state machine",
    serves=lambda arn: arn.service == "states" and arn.resource.startswith("stateMachine:"),
    sender=StateMachineSender,
    needs_role=True,
)
