"""Targets of rules: put, list, remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from eventbus import targets, transform
from eventbus.api.context import Answer, Call, Operation, Request
from eventbus.api.errors import invalid, limit_exceeded
from eventbus.api.paging import page
from eventbus.arn import parse
from eventbus.model import Rule, Target

MOST: Final = 5
"""Most targets of a rule. Source: EventBridge quotas."""


async def put_targets(call: Call, request: Request) -> Answer:
    """Add targets to a rule; one of an id that is there replaces it."""
    async with call.catalogue.changing:
        rule = call.rule(request["Rule"], call.bus(request.get("EventBusName"), "events:PutTargets"))
        owner = parse(rule.arn)
        account = owner.account if owner else None
        require_valid(request["Targets"], account)
        put = {target.id: target for target in rule.targets}
        put |= {spec["Id"]: Target(spec["Id"], spec["Arn"], spec) for spec in request["Targets"]}
        if len(put) > MOST:
            raise limit_exceeded()
        await call.catalogue.save(replace(rule, targets=tuple(put.values())))
    return {"FailedEntryCount": 0, "FailedEntries": []}


def require_valid(specs: Sequence[Mapping[str, Any]], account: str | None) -> None:
    """Refuse targets that can't work; `account` is the rule's.

    Raises:
        ApiError: ValidationException, for the first of them.
    """
    for spec in specs:
        problem = targets.problem(spec, account) or transform.problem(spec)
        if problem:
            raise invalid(problem)


async def remove_targets(call: Call, request: Request) -> Answer:
    """Remove targets; what waits for them isn't sent any more."""
    ids = set(request["Ids"])
    async with call.catalogue.changing:
        rule = call.rule(request["Rule"], call.bus(request.get("EventBusName"), "events:RemoveTargets"))
        missing = [each for each in request["Ids"] if rule.target(each) is None]
        if len(missing) < len(ids):
            kept = tuple(target for target in rule.targets if target.id not in ids)
            await call.catalogue.save(replace(rule, targets=kept))
    return {"FailedEntryCount": len(missing), "FailedEntries": [_missing(rule, each) for each in missing]}


async def list_targets_by_rule(call: Call, request: Request) -> Answer:
    """List the targets of a rule by id."""
    rule = call.rule(request["Rule"], call.bus(request.get("EventBusName"), "events:ListTargetsByRule"))
    found = sorted(rule.targets, key=lambda target: target.id)
    shown, more = page("ListTargetsByRule", found, lambda target: target.id, request)
    return {"Targets": [dict(target.spec) for target in shown], **more}


def _missing(rule: Rule, target_id: str) -> dict[str, Any]:
    return {
        "TargetId": target_id,
        "ErrorCode": "ResourceNotFoundException",
        "ErrorMessage": f"Rule '{rule.name}' does not have a target with the Id '{target_id}'.",
    }


OPERATIONS: Final[Mapping[str, Operation]] = {
    "PutTargets": put_targets,
    "RemoveTargets": remove_targets,
    "ListTargetsByRule": list_targets_by_rule,
}
