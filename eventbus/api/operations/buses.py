"""Event buses: create, describe, list, update, delete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from eventbus.api.context import Answer, Call, Operation, Request, given, present
from eventbus.api.errors import already_exists, invalid, invalid_parameter, no_such_bus, require_arn
from eventbus.api.operations.tags import as_mapping
from eventbus.api.paging import page
from eventbus.api.times import seconds
from eventbus.arn import DEFAULT_BUS
from eventbus.model import Bus

_SPEC: Final = ("KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")


async def create_event_bus(call: Call, request: Request) -> Answer:
    """Make a bus."""
    name = request["Name"]
    _require_dead_letter_queue(request)
    if "EventSourceName" in request:
        raise invalid_parameter("EventSourceName", "Partner event sources are not offered by this event bus.")
    if "/" in name:
        raise invalid_parameter("Name", "Event bus name must not contain '/'.")
    async with call.catalogue.changing:
        arn = call.scope.bus(name)
        if call.catalogue.bus(arn):
            raise already_exists(f"Event bus {name} already exists.")
        now = call.parts.now_ms()
        bus = Bus(arn, name, now, now, request.get("Description", ""), None, given(request, *_SPEC))
        await call.catalogue.save(bus)
        if request.get("Tags"):
            await call.catalogue.tag(arn, as_mapping(request["Tags"]))
    return present(EventBusArn=arn, Description=bus.description, **bus.spec)


async def describe_event_bus(call: Call, request: Request) -> Answer:
    """Show a bus, its policy as JSON text."""
    bus = call.bus(request.get("Name"), "events:DescribeEventBus")
    return {**_shown(bus), **bus.spec}


async def list_event_buses(call: Call, request: Request) -> Answer:
    """List buses by name."""
    found = [bus for bus in call.catalogue.buses(call.scope) if bus.name.startswith(request.get("NamePrefix", ""))]
    shown, more = page("ListEventBuses", found, lambda bus: bus.name, request)
    return {"EventBuses": [_shown(bus) for bus in shown], **more}


async def update_event_bus(call: Call, request: Request) -> Answer:
    """Change a bus; what isn't given stays."""
    _require_dead_letter_queue(request)
    async with call.catalogue.changing:
        bus = call.bus(request.get("Name"), "events:UpdateEventBus")
        changed = replace(
            bus,
            description=request.get("Description", bus.description),
            spec={**bus.spec, **given(request, *_SPEC)},
            modified_ms=call.parts.now_ms(),
        )
        await call.catalogue.save(changed)
    return present(Arn=bus.arn, Name=bus.name, Description=changed.description, **changed.spec)


async def delete_event_bus(call: Call, request: Request) -> Answer:
    """Remove a bus without rules; one that isn't there is as good as removed."""
    name = request["Name"]
    if name == DEFAULT_BUS:
        raise invalid("Cannot delete event bus default.")
    async with call.catalogue.changing:
        bus = call.catalogue.bus(call.scope.bus(name))
        if bus is None:
            return {}
        if call.catalogue.rules_of(bus.arn):
            raise invalid("Event bus can't be deleted since it has rules.")
        await call.catalogue.remove(bus)
    return {}


async def save_policy(call: Call, bus: Bus, policy: Mapping[str, Any] | None) -> None:
    """Keep a bus's policy; the caller holds `changing`."""
    if call.catalogue.bus(bus.arn) is None:
        raise no_such_bus(bus.arn)
    await call.catalogue.save(replace(bus, policy=policy, modified_ms=call.parts.now_ms()))


def _require_dead_letter_queue(request: Request) -> None:
    require_arn("DeadLetterConfig.Arn", request.get("DeadLetterConfig", {}).get("Arn"), "sqs")


def _shown(bus: Bus) -> dict[str, Any]:
    return present(
        Name=bus.name,
        Arn=bus.arn,
        Description=bus.description,
        Policy=json.dumps(bus.policy) if bus.policy else None,
        CreationTime=seconds(bus.created_ms),
        LastModifiedTime=seconds(bus.modified_ms),
    )


OPERATIONS: Final[Mapping[str, Operation]] = {
    "CreateEventBus": create_event_bus,
    "DescribeEventBus": describe_event_bus,
    "ListEventBuses": list_event_buses,
    "UpdateEventBus": update_event_bus,
    "DeleteEventBus": delete_event_bus,
}
