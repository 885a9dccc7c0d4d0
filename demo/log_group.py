"""The log group where the routing rule sends events, read as it grows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from schemas import aws

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

NAME: Final = "/aws/events/cardwatch"
_OVERLAP_MS: Final = 2_000
"""How far back each look goes: events come in any order within this."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One event in the log group."""

    notification_id: str
    transaction_id: str
    time_ms: int
    """When it was ingested, in ms since 1970."""


class LogGroup:
    """A log group, read from where the last look ended."""

    def __init__(self, client: CloudWatchLogsClient, name: str = NAME) -> None:
        """Read `name` through a boto3 `logs` client."""
        self._client = client
        self._name = name
        self._seen: set[str] = set()
        self._newest_ms = 0

    def new(self) -> list[Delivered]:
        """Return the events that came since the last call.

        Raises:
            UnavailableError: the service can't be reached.
        """
        start = max(0, self._newest_ms - _OVERLAP_MS)
        pages = self._client.get_paginator("filter_log_events").paginate(logGroupName=self._name, startTime=start)
        found = []
        try:
            for page in pages:
                for event in page["events"]:
                    if event["eventId"] not in self._seen:
                        self._seen.add(event["eventId"])
                        self._newest_ms = max(self._newest_ms, int(event["timestamp"]))
                        found.append(delivered(event["message"], int(event["ingestionTime"])))
        except (BotoCoreError, ClientError) as error:
            raise aws.explained(error, "CloudWatch Logs") from error
        return found


def delivered(message: str, time_ms: int) -> Delivered:
    """Return what an event says of itself; ids are empty when it is no suspicious activity."""
    value = (json.loads(message).get("detail") or {}).get("value")
    detail = value.get("eventDetail") or {} if isinstance(value, dict) else {}
    return Delivered(str(detail.get("notificationId", "")), str(detail.get("transactionId", "")), time_ms)
