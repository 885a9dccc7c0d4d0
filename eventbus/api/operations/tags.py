"""Tags of buses, rules and other resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eventbus.api.context import Answer, Call, Operation, Request
from eventbus.api.errors import invalid, no_such_bus, no_such_rule, not_found
from eventbus.arn import DEFAULT_BUS, parse
from eventbus.model import Resource

MOST: Final = 50
"""Most tags of a resource. Source: EventBridge quotas."""


async def tag_resource(call: Call, request: Request) -> Answer:
    """Set tags; others that the resource has stay."""
    arn = request["ResourceARN"]
    async with call.catalogue.changing:
        _require_resource(call, arn)
        added = as_mapping(request["Tags"])
        if len({*call.catalogue.tags(arn), *added}) > MOST:
            raise invalid(f"A resource can have {MOST} tags at most.")
        await call.catalogue.tag(arn, added)
    return {}


async def untag_resource(call: Call, request: Request) -> Answer:
    """Remove tags; keys that the resource doesn't have are no error."""
    async with call.catalogue.changing:
        _require_resource(call, request["ResourceARN"])
        await call.catalogue.untag(request["ResourceARN"], request["TagKeys"])
    return {}


async def list_tags_for_resource(call: Call, request: Request) -> Answer:
    """Show the tags by key."""
    _require_resource(call, request["ResourceARN"])
    tags = sorted(call.catalogue.tags(request["ResourceARN"]).items())
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags]}


def as_mapping(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags of a request by key.

    Raises:
        ApiError: a key stands there twice, or is reserved.
    """
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) < len(keys):
        raise invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    return {tag["Key"]: tag["Value"] for tag in tags}


def _require_resource(call: Call, arn: str) -> None:
    """Raise the error that fits the kind of resource when there is none with this ARN."""
    found = parse(arn)
    if found is None or found.service != "events":
        raise invalid(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
    if found.resource.startswith("event-bus/"):
        if call.catalogue.bus(arn) is None:
            raise no_such_bus(arn)
    elif found.resource.startswith("rule/"):
        if call.catalogue.rule(arn) is None:
            bus, _, name = found.name.rpartition("/")
            raise no_such_rule(name, found.scope.bus(bus or DEFAULT_BUS))
    elif not any(find(arn) for find in _others(call)):
        raise not_found(f"Resource {arn} does not exist.")


def _others(call: Call) -> tuple[Callable[[str], Resource | None], ...]:
    return call.catalogue.connection, call.catalogue.destination, call.catalogue.archive, call.catalogue.replay


OPERATIONS: Final[Mapping[str, Operation]] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
