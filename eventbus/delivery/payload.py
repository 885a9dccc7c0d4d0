"""What is sent for a delivery. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from eventbus import transform
from eventbus.model import Event, Rule, Target


def payload_of(rule: Rule, target: Target, event: Event) -> str:
    """Return what the target gets: the event, or what its Input, InputPath or InputTransformer makes of it."""
    spec = target.spec
    if "Input" not in spec and "InputPath" not in spec and "InputTransformer" not in spec:
        return event.body
    ingestion_time = datetime.fromtimestamp(event.accepted_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return transform.apply(spec, event.body, rule_name=rule.name, rule_arn=rule.arn, ingestion_time=ingestion_time)
