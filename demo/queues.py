"""A queue that a routing rule sends events to, read as it fills."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from demo.arrivals import Delivered, delivered
from schemas import aws

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_AT_ONCE: Final = 10
"""Most messages of one call. Source: SQS API reference, ReceiveMessage."""
_HIDDEN_S: Final = 12 * 60 * 60
"""How long a message that was seen stays out of sight: the most that SQS allows."""


class Queue:
    """An SQS queue whose messages are events."""

    def __init__(self, client: SQSClient, name: str, *, keep: bool = False) -> None:
        """Read `name` through a boto3 `sqs` client; messages are deleted as they are read, or `keep`t for others."""
        self._client, self._name, self._keep = client, name, keep
        self._url = ""
        self._held: list[str] = []

    def new(self) -> list[Delivered]:
        """Return the events that came since the last call.

        Raises:
            UnavailableError: the service can't be reached, or the queue does not exist.
        """
        found: list[Delivered] = []
        try:
            self._url = self._url or self._client.get_queue_url(QueueName=self._name)["QueueUrl"]
            while messages := self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=_HIDDEN_S
            ).get("Messages"):
                now_ms = int(time.time() * 1000)
                found += [delivered(message["Body"], now_ms) for message in messages]
                self._done_with([message["ReceiptHandle"] for message in messages])
        except (BotoCoreError, ClientError) as error:
            raise aws.explained(error, f"SQS (queue {self._name})") from error
        return found

    def release(self) -> None:
        """Let others see the messages again that were kept.

        Raises:
            UnavailableError: the service can't be reached.
        """
        try:
            for first in range(0, len(self._held), _AT_ONCE):
                handles = enumerate(self._held[first : first + _AT_ONCE])
                entries = [{"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0} for n, handle in handles]
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type] # the stub's own dict
        except (BotoCoreError, ClientError) as error:
            raise aws.explained(error, f"SQS (queue {self._name})") from error
        self._held.clear()

    def _done_with(self, handles: list[str]) -> None:
        if self._keep:
            self._held += handles
            return
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type] # as above
