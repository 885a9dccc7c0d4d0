"""Other event buses of this process: of the same account and region, or of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from eventbus import policy
from eventbus.arn import Arn, parse
from eventbus.model import Bus, Event, Rule, Target
from eventbus.ports import DELIVERED, Outcome, Outgoing
from eventbus.store import StorageError
from eventbus.targets import event_path
from eventbus.targets.base import Kind, Tools
from eventbus.targets.outcomes import (
    INTERNAL_ERROR,
    NO_PERMISSIONS,
    NO_RESOURCE,
    THIRD_ACCOUNT_HOP_DETECTED,
    THIRD_REGION_HOP_DETECTED,
    failed,
)


class EventBusSender:
    """Puts the event on the other bus as it is: id, account, region and time stay; see `eventbus.ports.Sender`."""

    batch: int = 100
    batch_bytes: int = 1024 * 1024
    concurrency: int = 2

    def __init__(self, tools: Tools) -> None:
        """Put through the tools' intake."""
        self._tools = tools

    def delay_s(self, target: Target) -> float:  # noqa: ARG002 - within a process no rate is kept
        """Return 0: no rate is kept."""
        return 0.0

    async def send(self, rule: Rule, target: Target, batch: Sequence[Outgoing], *, troubled: bool) -> Sequence[Outcome]:
        """Put the events that may go there together; what a transformer made of them is not for buses."""
        del troubled
        bus = self._tools.directory.bus(target.arn)
        if bus is None:
            return [failed(NO_RESOURCE, f"event bus {target.arn} does not exist", retry=False)] * len(batch)
        outcomes = [_refusal(bus, rule, outgoing.event) or DELIVERED for outgoing in batch]
        now_ms = self._tools.clock_ms()
        events = [
            _forwarded(outgoing.event, bus.arn, now_ms)
            for outgoing, outcome in zip(batch, outcomes, strict=True)
            if outcome.delivered
        ]
        try:
            if events:
                await self._tools.intake().accept(events)
        except StorageError as error:
            away = failed(INTERNAL_ERROR, str(error), retry=True)
            return [away if outcome.delivered else outcome for outcome in outcomes]
        return outcomes


def _forwarded(event: Event, bus_arn: str, now_ms: int) -> Event:
    return replace(event, bus_arn=bus_arn, hops=event.hops + 1, accepted_ms=now_ms, only_rules=None)


def _refusal(bus: Bus, rule: Rule, event: Event) -> Outcome | None:
    """Return why an event may not go to the bus."""
    here, there = parse(rule.bus_arn), parse(bus.arn)
    if here is None or there is None:
        return failed(NO_RESOURCE, f"{bus.arn} is no event bus's ARN", retry=False)
    if event.hops:
        code = THIRD_ACCOUNT_HOP_DETECTED if here.region == there.region else THIRD_REGION_HOP_DETECTED
        message = f"the event was forwarded to {here.name} already, and goes on to no third bus"
        return failed(code, message, retry=False)
    if here.account == there.account:
        return None
    if policy.allows(bus.policy, here.account, "events:PutEvents", bus.arn, _facts(rule, here, event)):
        return None
    message = f"the policy of {bus.arn} lets account {here.account} put no such event: see PutPermission"
    return failed(NO_PERMISSIONS, message, retry=False)


def _facts(rule: Rule, here: Arn, event: Event) -> dict[str, str]:
    return {
        "aws:SourceArn": rule.arn,
        "aws:SourceAccount": here.account,
        "events:source": event_path.text("$.source", event),
        "events:detail-type": event_path.text("$.detail-type", event),
    }


KIND: Final = Kind(
    name="event bus",
    serves=lambda arn: arn.service == "events" and arn.resource.startswith("event-bus/"),
    sender=EventBusSender,
)
