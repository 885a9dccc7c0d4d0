"""Who else may use a bus: PutPermission and RemovePermission change its resource policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from eventbus import policy
from eventbus.api.context import Answer, Call, Operation, Request
from eventbus.api.errors import ApiError, invalid, invalid_parameter, not_found
from eventbus.api.operations.buses import save_policy
from eventbus.model import Bus

_ACTION: Final = "events:PutEvents"


async def put_permission(call: Call, request: Request) -> Answer:
    """Add one statement to the policy, or replace the policy as a whole."""
    async with call.catalogue.changing:
        bus = call.bus(request.get("EventBusName"))
        changed = _document(request["Policy"]) if "Policy" in request else _with_statement(bus, request)
        if len(json.dumps(changed).encode()) > policy.MAX_BYTES:
            raise ApiError("PolicyLengthExceededException", "The policy is longer than 10240 bytes.")
        await save_policy(call, bus, changed)
    return {}


async def remove_permission(call: Call, request: Request) -> Answer:
    """Remove one statement, or all of them."""
    async with call.catalogue.changing:
        bus = call.bus(request.get("EventBusName"))
        if request.get("RemoveAllPermissions"):
            await save_policy(call, bus, None)
            return {}
        if "StatementId" not in request:
            raise invalid_parameter("StatementId", "StatementId is required unless all permissions are removed.")
        if not policy.has_statement(bus.policy, request["StatementId"]):
            raise not_found("Statement with the provided id does not exist.")
        await save_policy(call, bus, policy.without_statement(bus.policy, request["StatementId"]))
    return {}


def _document(text: str) -> Mapping[str, Any]:
    problem = policy.problem(text)
    if problem:
        raise invalid_parameter("Policy", problem)
    document: Mapping[str, Any] = json.loads(text)
    return document


def _with_statement(bus: Bus, request: Request) -> Mapping[str, Any]:
    for name in ("Action", "Principal", "StatementId"):
        if name not in request:
            raise invalid_parameter(name, f"{name} is a required argument when Policy is not given.")
    if request["Action"] != _ACTION:
        raise invalid("Provided value in parameter 'action' is not supported.")
    added = policy.statement(
        request["StatementId"], request["Action"], request["Principal"], bus.arn, request.get("Condition")
    )
    return policy.with_statement(bus.policy, added)


OPERATIONS: Final[Mapping[str, Operation]] = {
    "PutPermission": put_permission,
    "RemovePermission": remove_permission,
}
