"""An explanation of an event as lines for a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def told(found: Mapping[str, Any]) -> str:
    """Return what `Why.explain` found as text."""
    return "\n".join(line for each in found["occurrences"] for line in _occurrence(found["event"], each))


def _occurrence(event_id: str, found: Mapping[str, Any]) -> Iterator[str]:
    yield f"event {event_id} on bus {found['bus']}, accepted {found['accepted']}"
    yield f"  source {found['source']}, detail-type {found['detail-type']}"
    if found["replay"]:
        yield f"  put again by replay {found['replay']}"
    if found["forwarded"]:
        yield "  forwarded by another bus: it goes on to no third one"
    yield f"  {found['verdict']}"
    for rule in found["rules"]:
        yield from _rule(rule)


def _rule(rule: Mapping[str, Any]) -> Iterator[str]:
    since = " (the rule was changed after the event came)" if rule["changed_since"] else ""
    yield f"  rule {rule['rule']}: {rule['result']}{since}"
    for each in rule["why"]:
        yield f"    {each['field']}: wants {each['wanted']}, found {each['found']}"
    for target in rule["targets"]:
        yield f"    target {target['target']}: {_state(target)}"
        if target["error_code"]:
            yield f"      {target['error_code']}: {target['error_message'] or ''}"


def _state(target: Mapping[str, Any]) -> str:
    said = f"{target['state']}, {target['attempts']} attempt(s)"
    if target["exhausted"]:
        said += f", {target['exhausted']} reached"
    if target["settled"]:
        return f"{said}, {target['settled']}"
    if target["paused_until"]:
        said += f", its target is left alone until {target['paused_until']}"
    return f"{said}, next one {target['next_attempt'] or 'as soon as it is its turn'}"
