"""Rules: put, describe, list, enable, disable, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from eventbus.api.context import Answer, Call, Operation, Request, present, rule_arn
from eventbus.api.errors import ApiError, invalid, require_arn
from eventbus.api.operations.tags import as_mapping
from eventbus.api.paging import page
from eventbus.arn import DEFAULT_BUS, parse
from eventbus.model import Bus, Rule
from eventbus.pattern import InvalidPatternError, compile_pattern
from eventbus.schedule import InvalidScheduleError
from eventbus.schedule import parse as parse_schedule


async def put_rule(call: Call, request: Request) -> Answer:
    """Make a rule, or change one: what isn't given is then set back; its targets stay."""
    name = request["Name"]
    async with call.catalogue.changing:
        bus = call.bus(request.get("EventBusName"), "events:PutRule")
        _require_valid(bus, request)
        arn = rule_arn(bus, name)
        before = call.catalogue.rule(arn)
        rule = Rule(
            arn,
            name,
            bus.arn,
            before.created_ms if before else call.parts.now_ms(),
            pattern=request.get("EventPattern"),
            schedule=request.get("ScheduleExpression"),
            state=request.get("State", "ENABLED"),
            description=request.get("Description"),
            role_arn=request.get("RoleArn"),
            targets=before.targets if before else (),
        )
        await call.catalogue.save(rule)
        if before is None and request.get("Tags"):
            await call.catalogue.tag(arn, as_mapping(request["Tags"]))
    return {"RuleArn": arn}


def check_pattern(text: str) -> None:
    """Refuse an event pattern that isn't one.

    Raises:
        ApiError: InvalidEventPatternException, with the reason.
    """
    try:
        compile_pattern(text)
    except InvalidPatternError as error:
        reason = str(error)
        if not reason.startswith("Event pattern is not valid"):
            reason = f"Event pattern is not valid. Reason: {reason}"
        raise ApiError("InvalidEventPatternException", reason) from None


def _require_valid(bus: Bus, request: Request) -> None:
    schedule = request.get("ScheduleExpression")
    require_arn("RoleArn", request.get("RoleArn"), "iam")
    if not request.get("EventPattern") and not schedule:
        raise invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if "EventPattern" in request:
        check_pattern(request["EventPattern"])
    if schedule is None:
        return
    if bus.name != DEFAULT_BUS:
        raise invalid("ScheduleExpression is supported only on the default event bus.")
    try:
        parse_schedule(schedule)
    except InvalidScheduleError as error:
        raise invalid(str(error)) from None


async def describe_rule(call: Call, request: Request) -> Answer:
    """Show a rule."""
    bus = call.bus(request.get("EventBusName"), "events:DescribeRule")
    rule = call.rule(request["Name"], bus)
    owner = parse(rule.arn)
    return {**_shown(rule, bus), "CreatedBy": owner.account if owner else call.scope.account}


async def list_rules(call: Call, request: Request) -> Answer:
    """List the rules of a bus by name."""
    bus = call.bus(request.get("EventBusName"), "events:ListRules")
    prefix = request.get("NamePrefix", "")
    found = [rule for rule in call.catalogue.rules_of(bus.arn) if rule.name.startswith(prefix)]
    shown, more = page("ListRules", found, lambda rule: rule.name, request)
    return {"Rules": [_shown(rule, bus) for rule in shown], **more}


async def list_rule_names_by_target(call: Call, request: Request) -> Answer:
    """List the rules of a bus that have a target with this ARN."""
    bus = call.bus(request.get("EventBusName"), "events:ListRuleNamesByTarget")
    wanted = request["TargetArn"]
    found = [rule.name for rule in call.catalogue.rules_of(bus.arn) if any(each.arn == wanted for each in rule.targets)]
    shown, more = page("ListRuleNamesByTarget", found, str, request)
    return {"RuleNames": shown, **more}


async def enable_rule(call: Call, request: Request) -> Answer:
    """Let a rule see events, or run on its schedule."""
    return await _set_state(call, request, "ENABLED")


async def disable_rule(call: Call, request: Request) -> Answer:
    """Let a rule see no more events."""
    return await _set_state(call, request, "DISABLED")


async def _set_state(call: Call, request: Request, state: Literal["ENABLED", "DISABLED"]) -> Answer:
    action = "events:EnableRule" if state == "ENABLED" else "events:DisableRule"
    async with call.catalogue.changing:
        rule = call.rule(request["Name"], call.bus(request.get("EventBusName"), action))
        await call.catalogue.save(replace(rule, state=state))
    return {}


async def delete_rule(call: Call, request: Request) -> Answer:
    """Remove a rule without targets; one that isn't there is as good as removed."""
    async with call.catalogue.changing:
        bus = call.bus(request.get("EventBusName"), "events:DeleteRule")
        rule = call.catalogue.rule(rule_arn(bus, request["Name"]))
        if rule is None:
            return {}
        if rule.targets:
            raise invalid("Rule can't be deleted since it has targets.")
        await call.catalogue.remove(rule)
    return {}


def _shown(rule: Rule, bus: Bus) -> dict[str, Any]:
    return present(
        Name=rule.name,
        Arn=rule.arn,
        EventPattern=rule.pattern,
        ScheduleExpression=rule.schedule,
        State=rule.state,
        Description=rule.description,
        RoleArn=rule.role_arn,
        EventBusName=bus.name,
    )


OPERATIONS: Final[Mapping[str, Operation]] = {
    "PutRule": put_rule,
    "DescribeRule": describe_rule,
    "ListRules": list_rules,
    "ListRuleNamesByTarget": list_rule_names_by_target,
    "EnableRule": enable_rule,
    "DisableRule": disable_rule,
    "DeleteRule": delete_rule,
}
