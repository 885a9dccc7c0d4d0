"""CloudWatch Logs groups."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from eventbus.arn import Arn, parse
from eventbus.model import Rule, Target
from eventbus.ports import DELIVERED, Outcome, Outgoing
from eventbus.targets import event_path
from eventbus.targets.aws import AwsSender
from eventbus.targets.base import Kind
from eventbus.targets.outcomes import INVALID_PARAMETER, failed

OLDEST_MS: Final = 14 * 86_400_000
NEWEST_MS: Final = 2 * 3_600_000
"""How far from now a log event may lie. Source: CloudWatch Logs API reference, PutLogEvents."""
SPAN_MS: Final = 86_400_000
"""Log events of one call lie in 24 hours. Source: as above."""


@dataclass(frozen=True, slots=True)
class _Entry:
    place: int
    """In the batch."""
    timestamp: int
    message: str


class LogGroupSender(AwsSender):
    """Sends with PutLogEvents, to one stream for each target of a rule."""

    service = "logs"
    batch = 1_000
    batch_bytes = 1_048_576 - 26 * 1_000
    """1 MiB a call, of which each log event takes 26 bytes. Source: CloudWatch Logs API reference, PutLogEvents."""
    concurrency = 1

    def deliver(
        self, client: Any, rule: Rule, target: Target, arn: Arn, batch: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        """Put log events; the stream is made when it isn't there, the group never."""
        where = {"logGroupName": group_name(arn), "logStreamName": stream_name(rule, target)}
        now_ms = self._tools.clock_ms()
        shaped = "InputTransformer" in target.spec
        entries = [_entry(place, outgoing, now_ms, shaped=shaped) for place, outgoing in enumerate(batch)]
        outcomes = [DELIVERED] * len(batch)
        for day in _by_day(entries):
            events = [{"timestamp": entry.timestamp, "message": entry.message} for entry in day]
            answer = _put(client, where, events)
            for place, outcome in _refused(day, answer.get("rejectedLogEventsInfo", {})):
                outcomes[place] = outcome
        return outcomes


def group_name(arn: Arn) -> str:
    """Return the name in `log-group:NAME` or `log-group:NAME:*`."""
    return arn.resource.split(":")[1]


def stream_name(rule: Rule, target: Target) -> str:
    """Return the same name for a target at each start."""
    bus = parse(rule.bus_arn)
    return f"{bus.name if bus else ''}/{rule.name}/{target.id}"


def _put(client: Any, where: dict[str, str], events: Sequence[dict[str, Any]]) -> Any:
    try:
        return client.put_log_events(**where, logEvents=events)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
            raise
    try:
        client.create_log_stream(**where)  # raises for want of a group: that one is the user's to make
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceAlreadyExistsException":
            raise
    return client.put_log_events(**where, logEvents=events)


def _entry(place: int, outgoing: Outgoing, now_ms: int, *, shaped: bool) -> _Entry:
    at: Any = event_path.text("$.time", outgoing.event)
    message = outgoing.payload
    if shaped and isinstance(template := _json(outgoing.payload), dict) and "message" in template:
        # EventBridge asks this of a transformer for a log group: {"timestamp": ..., "message": ...}
        at = template.get("timestamp", at)
        said = template["message"]
        message = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    timestamp = _milliseconds(at)
    if timestamp is None or not now_ms - OLDEST_MS < timestamp < now_ms + NEWEST_MS:
        timestamp = now_ms
    return _Entry(place, timestamp, message)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _milliseconds(at: Any) -> int | None:
    """Return a number as it is, and an ISO 8601 time (UTC when it names no zone) since 1970."""
    if isinstance(at, int):
        return at
    try:
        moment = datetime.fromisoformat(at)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return None


def _by_day(entries: Sequence[_Entry]) -> list[list[_Entry]]:
    """Return the entries in order of time, cut where a call would span more than a day."""
    days: list[list[_Entry]] = []
    for entry in sorted(entries, key=lambda entry: entry.timestamp):
        if not days or entry.timestamp - days[-1][0].timestamp >= SPAN_MS:
            days.append([])
        days[-1].append(entry)
    return days


def _refused(entries: Sequence[_Entry], told: dict[str, int]) -> list[tuple[int, Outcome]]:
    """Return the places in the batch of those that are too old or too new for the group."""
    first = max(told.get("tooOldLogEventEndIndex", 0), told.get("expiredLogEventEndIndex", 0))
    last = told.get("tooNewLogEventStartIndex", len(entries))
    outcome = failed(INVALID_PARAMETER, "CloudWatch Logs finds the event too old or too new", retry=False)
    return [(entry.place, outcome) for n, entry in enumerate(entries) if n < first or n >= last]


KIND: Final = Kind(
    name="CloudWatch Logs group",
    serves=lambda arn: arn.service == "logs" and arn.resource.startswith("log-group:") and bool(group_name(arn)),
    sender=LogGroupSender,
)
