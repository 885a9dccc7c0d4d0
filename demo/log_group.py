"""The log group where the routing rule sends events, read as it grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from demo.arrivals import Delivered, delivered
from schemas import aws

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

NAME: Final = "/aws/events/cardwatch"
_OVERLAP_MS: Final = 2_000
"""How far back a look goes: events come in any order within this, unless their delivery failed at first."""
_WHOLE_S: Final = 10.0
_WHOLE_SHARE: Final = 20
"""A look at the whole group comes after this long, and after so many times as long as the last one took."""


class LogGroup:
    """A log group, read from where the last look ended."""

    def __init__(
        self, client: CloudWatchLogsClient, name: str = NAME, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Read `name` through a boto3 `logs` client; `now` is in seconds."""
        self._client = client
        self._name = name
        self._seen: set[str] = set()
        self._newest_ms = 0
        self._now = now
        self._whole_due = 0.0

    def new(self) -> list[Delivered]:
        """Return the events that came since the last call, late ones now and then: they stand where their time is.

        Raises:
            UnavailableError: the service can't be reached.
        """
        began = self._now()
        whole = began >= self._whole_due
        start = 0 if whole else max(0, self._newest_ms - _OVERLAP_MS)
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
        if whole:
            self._whole_due = self._now() + max(_WHOLE_S, _WHOLE_SHARE * (self._now() - began))
        return found
