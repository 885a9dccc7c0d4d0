"""Why an event arrived or didn't: its bus, each rule's verdict on it, and how far each delivery came. Pure.

Rules are judged as they are now; where one was changed after the event came, that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

from eventbus.metrics import bus_name, names
from eventbus.model import Bus, Rule
from eventbus.pattern import Fields, InvalidPatternError, parse_event, why_not
from eventbus.router import compiled

Row = Mapping[str, Any]
Report = dict[str, Any]

STATES: Final = ("waiting", "waiting for its dead-letter queue", "delivered", "dead-lettered", "given up", "removed")
"""Names of a delivery's states, by their number."""

_NO_TARGETS: Final = "matched, but has no targets"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the catalogue has about an event's bus."""

    bus: Bus | None
    rules: Sequence[Rule]
    bus_names: Sequence[str]
    """Of all buses of the same account and region."""


def explained(event: Row, around: Surroundings) -> Report:
    """Return what became of an event; `event` is a row of `journal.find`.

    Its deliveries have two times besides, each None where there is none: `next_ms`, when the next attempt is due, and
    `paused_ms`, until when their target is left alone.
    """
    fields = parse_event(event["body"])
    made = _by_rule(event["made"])
    rules = [_rule(rule, event, fields, made.pop(rule.arn, [])) for rule in around.rules]
    rules += [_gone(rule_arn, deliveries) for rule_arn, deliveries in made.items()]
    rules.sort(key=lambda rule: not rule["targets"])
    return {
        "bus": bus_name(event["bus_arn"]),
        "bus_arn": event["bus_arn"],
        "accepted": iso(event["accepted_ms"]),
        "source": fields.get("source"),
        "detail-type": fields.get("detail-type"),
        "verdict": _verdict(rules, around, event, fields),
        "forwarded": event["hops"] > 0,
        "replay": fields.get("replay-name"),
        "rules": rules,
        "body": event["body"],
    }


def unmatched(event: Row, around: Surroundings) -> Report:
    """Return why an event went nowhere, with the rule that came nearest."""
    fields = parse_event(event["body"])
    rules = [_rule(rule, event, fields, []) for rule in around.rules]
    missed = [(rule, found) for rule, found in zip(around.rules, rules, strict=True) if found["why"]]
    nearest = max(missed, key=lambda each: _nearness(each[0], each[1]["why"]), default=(None, None))[1]
    return {
        "event": event["id"],
        "bus": bus_name(event["bus_arn"]),
        "accepted": iso(event["accepted_ms"]),
        "source": fields.get("source"),
        "detail-type": fields.get("detail-type"),
        "verdict": _verdict(rules, around, event, fields),
        "nearest": nearest and {"rule": nearest["rule"], "why": nearest["why"]},
    }


def iso(time_ms: int | None) -> str | None:
    """Return a time as text, to the millisecond."""
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rule(rule: Rule, event: Row, fields: Fields, deliveries: Sequence[Row]) -> Report:
    why = [] if deliveries else _why(rule, fields)
    return {
        "rule": rule.name,
        "result": "matched" if deliveries else _result(rule, why, event),
        "why": why,
        "changed_since": rule.modified_ms > event["accepted_ms"],
        "targets": [_target(delivery, rule) for delivery in deliveries],
    }


def _result(rule: Rule, why: Sequence[Report], event: Row) -> str:
    if not rule.enabled:
        return "disabled"
    if rule.pattern is None:
        return "fires on its schedule, has no pattern"
    if why:
        return "not matched"
    if rule.modified_ms > event["accepted_ms"]:
        return "would match now, but was changed after the event came"
    return "matched" if rule.targets else _NO_TARGETS


def _why(rule: Rule, fields: Fields) -> list[Report]:
    if rule.pattern is None:
        return []
    try:
        mismatches = why_not(compiled(rule.pattern), fields)
    except InvalidPatternError as error:
        return [{"field": "", "wanted": rule.pattern, "found": str(error)}]
    return [{"field": each.path, "wanted": each.wanted, "found": each.found} for each in mismatches]


def _nearness(rule: Rule, why: Sequence[Report]) -> tuple[int, int, int]:
    """Return how near a rule came, for comparison: one for the event's source first, then by fields that matched."""
    failed = {path for each in why for path in each["field"].split(", ")}
    try:
        wanted = {field.path for each in compiled(rule.pattern or "{}").alternatives for field in each.by_name}
    except InvalidPatternError:
        return -1, 0, 0
    matched = wanted - failed
    return ("source" in matched) - ("source" in failed), len(matched), -len(failed)


def _gone(rule_arn: str, deliveries: Sequence[Row]) -> Report:
    targets = [_target(delivery, None) for delivery in deliveries]
    result = "matched, and was removed since"
    return {"rule": names(rule_arn)[1], "result": result, "why": [], "changed_since": True, "targets": targets}


def _target(delivery: Row, rule: Rule | None) -> Report:
    target = rule.target(delivery["target_id"]) if rule else None
    state = delivery["state"]
    return {
        "target": delivery["target_id"],
        "arn": target.arn if target else None,
        "state": STATES[state],
        "attempts": delivery["attempts"],
        "next_attempt": iso(delivery["next_ms"]),
        "paused_until": iso(delivery["paused_ms"]),
        "settled": iso(delivery["settled_ms"]),
        "error_code": delivery["error_code"],
        "error_message": delivery["error_message"],
        "exhausted": delivery["exhausted"],
    }


def _by_rule(deliveries: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for delivery in deliveries:
        found.setdefault(delivery["rule_arn"], []).append(delivery)
    return found


def _verdict(rules: Sequence[Report], around: Surroundings, event: Row, fields: Fields) -> str:
    if around.bus is None:
        return _no_bus(bus_name(event["bus_arn"]), around.bus_names)
    targets = [target for rule in rules for target in rule["targets"]]
    if targets:
        counts = {state: sum(target["state"] == state for target in targets) for state in STATES}
        return f"{len(targets)} target(s): {', '.join(f'{n} {state}' for state, n in counts.items() if n)}"
    if not rules:
        return f"bus {around.bus.name} has no rules, so the event went nowhere"
    if others := [rule["rule"] for rule in rules if rule["result"] == "matched"]:
        return f"{', '.join(others)} would take the event, but {_meant_for(fields)}, so it went nowhere"
    if idle := [rule["rule"] for rule in rules if rule["result"] == _NO_TARGETS]:
        return f"{', '.join(idle)} matched, but has no targets, so the event went nowhere: add one with PutTargets"
    return f"none of the {len(rules)} rule(s) of bus {around.bus.name} took the event, so it went nowhere"


def _meant_for(fields: Fields) -> str:
    """Say why rules that match were left out: the event was put for others, by name."""
    replay = fields.get("replay-name")
    return f"replay {replay} was only for the rules in its FilterArns" if replay else "it was put for one rule alone"


def _no_bus(name: str, there: Sequence[str]) -> str:
    nearest = get_close_matches(name, there, n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    told = f"There is no bus {name} in this account and region, so the event went nowhere, as on AWS."
    return f"{told} There are: {', '.join(there)}.{hint}"
