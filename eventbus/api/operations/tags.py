"""Tags of buses, rules and other resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eventbus.api.context import Answer, Call, Operation, Request
from eventbus.api.errors import invalid, no_such_rule, not_found
from eventbus.arn import DEFAULT_BUS, parse
from eventbus.model import Resource

MOST: Final = 50
"""Most tags of a resource. Source: EventBridge quotas."""


async def tag_resource(call: Call, request: Request) -> Answer:
    """Set tags; others that the resource has stay."""
    arn = request["ResourceARN"]
    async with call.catalogue.changing:
        _require_resource(call, arn, "events:TagResource")
        added = as_mapping(request["Tags"])
        if len({*call.catalogue.tags(arn), *added}) > MOST:
            raise invalid(f"A resource can have {MOST} tags at most.")
        await call.catalogue.tag(arn, added)
    return {}


async def untag_resource(call: Call, request: Request) -> Answer:
    """Remove tags; keys that the resource doesn't have are no error."""
    async with call.catalogue.changing:
        _require_resource(call, request["ResourceARN"], "events:UntagResource")
        await call.catalogue.untag(request["ResourceARN"], request["TagKeys"])
    return {}


async def list_tags_for_resource(call: Call, request: Request) -> Answer:
    """Show the tags by key."""
    _require_resource(call, request["ResourceARN"], "events:ListTagsForResource")
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


def _require_resource(call: Call, arn: str, action: str) -> None:
    """Raise the error that fits the kind of resource when the caller has none with this ARN.

    Of another account there are buses and their rules alone, as far as the bus's policy allows `action`.
    """
    found = parse(arn)
    if found is None or found.service != "events":
        raise invalid(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
    if found.resource.startswith("event-bus/"):
        call.bus(arn, action)
    elif found.resource.startswith("rule/"):
        bus, _, name = found.name.rpartition("/")
        rule = call.rule(name, call.bus(found.scope.bus(bus or DEFAULT_BUS), action))
        if rule.arn != arn:
            raise no_such_rule(name, rule.bus_arn)
    elif found.scope != call.scope or not any(find(arn) for find in _others(call)):
        raise not_found(f"Resource {arn} does not exist.")


def _others(call: Call) -> tuple[Callable[[str], Resource | None], ...]:
    return call.catalogue.connection, call.catalogue.destination, call.catalogue.archive, call.catalogue.replay


OPERATIONS: Final[Mapping[str, Operation]] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
