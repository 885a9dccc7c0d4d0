"""Replays: put archived events again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from eventbus.api.context import Answer, Call, Operation, Request, present
from eventbus.api.errors import ApiError, already_exists, invalid_parameter, no_such_bus, not_found
from eventbus.api.paging import page
from eventbus.api.times import seconds
from eventbus.model import Archive, Replay


async def start_replay(call: Call, request: Request) -> Answer:
    """Begin to put the events of a time range again."""
    name = request["ReplayName"]
    async with call.catalogue.changing:
        arn = call.scope.arn(f"replay/{name}")
        if call.catalogue.replay(arn):
            raise already_exists(f"Replay {name} already exists.")
        archive = _source(call, request)
        if request["EventStartTime"] >= request["EventEndTime"]:
            raise invalid_parameter("EventEndTime", "EventStartTime must be before EventEndTime.")
        _require_filters(call, request["Destination"])
        replay = await call.parts.replays.start(
            Replay(
                arn=arn,
                name=name,
                archive_arn=archive.arn,
                destination=request["Destination"],
                from_ms=request["EventStartTime"],
                until_ms=request["EventEndTime"],
                state="STARTING",
                started_ms=call.parts.now_ms(),
                description=request.get("Description"),
            )
        )
    return {"ReplayArn": arn, "State": replay.state, "ReplayStartTime": seconds(replay.started_ms)}


async def describe_replay(call: Call, request: Request) -> Answer:
    """Show a replay and how far it is."""
    replay = _find(call, request["ReplayName"])
    more = present(ReplayArn=replay.arn, Description=replay.description, Destination=dict(replay.destination))
    return {**_listed(replay), **more}


async def list_replays(call: Call, request: Request) -> Answer:
    """List replays by name."""
    found = [
        each
        for each in call.catalogue.all(Replay, call.scope)
        if each.name.startswith(request.get("NamePrefix", ""))
        and request.get("State", each.state) == each.state
        and request.get("EventSourceArn", each.archive_arn) == each.archive_arn
    ]
    shown, more = page("ListReplays", found, lambda each: each.name, request)
    return {"Replays": [_listed(each) for each in shown], **more}


async def cancel_replay(call: Call, request: Request) -> Answer:
    """Stop a replay; what it has put stays put."""
    async with call.catalogue.changing:
        replay = _find(call, request["ReplayName"])
        if replay.state not in {"STARTING", "RUNNING"}:
            message = f"Replay {replay.name} is not in a valid state for this operation."
            raise ApiError("IllegalStatusException", message)
        stopped = await call.parts.replays.cancel(replay)
    return present(ReplayArn=stopped.arn, State=stopped.state, StateReason=stopped.reason)


def _find(call: Call, name: str) -> Replay:
    found = call.catalogue.replay(call.scope.arn(f"replay/{name}"))
    if found is None:
        raise not_found(f"Replay {name} does not exist.")
    return found


def _source(call: Call, request: Request) -> Archive:
    """Return the archive; it can be replayed to the bus that it archives, and to no other."""
    bus_arn = request["Destination"]["Arn"]
    if call.catalogue.bus(bus_arn) is None:
        raise no_such_bus(bus_arn)
    source = request["EventSourceArn"]
    archive = call.catalogue.archive(source)
    if archive is None or not source.startswith(call.scope.arn("")):
        name = source.rpartition("/")[2]
        raise invalid_parameter("EventSourceArn", f"Archive {name} does not exist.")
    if archive.bus_arn != bus_arn:
        raise invalid_parameter("Destination.Arn", "Cross event bus replay is not permitted.")
    return archive


def _require_filters(call: Call, destination: Mapping[str, Any]) -> None:
    for arn in destination.get("FilterArns", ()):
        rule = call.catalogue.rule(arn)
        if rule is None or rule.bus_arn != destination["Arn"]:
            raise invalid_parameter("Destination.FilterArns", f"{arn} is no rule of the event bus.")


def _listed(replay: Replay) -> dict[str, Any]:
    times = {
        "EventStartTime": replay.from_ms,
        "EventEndTime": replay.until_ms,
        "EventLastReplayedTime": replay.last_ms,
        "ReplayStartTime": replay.started_ms,
        "ReplayEndTime": replay.ended_ms,
    }
    return {
        **present(
            ReplayName=replay.name, EventSourceArn=replay.archive_arn, State=replay.state, StateReason=replay.reason
        ),
        **{name: seconds(time) for name, time in times.items() if time is not None},
    }


OPERATIONS: Final[Mapping[str, Operation]] = {
    "StartReplay": start_replay,
    "DescribeReplay": describe_replay,
    "ListReplays": list_replays,
    "CancelReplay": cancel_replay,
}
