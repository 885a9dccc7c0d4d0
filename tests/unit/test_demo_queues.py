# ruff: noqa: N803 - the fake has the names of boto3
from __future__ import annotations

import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from demo.queues import Queue
from schemas.errors import UnavailableError


def body(number: int) -> str:
    detail = {"value": {"eventDetail": {"notificationId": f"n{number}", "transactionId": f"t{number}"}}}
    return json.dumps({"detail": detail})


class FakeSqs:
    """One queue: what is received is hidden until it is deleted, or made visible again."""

    def __init__(self, *numbers: int) -> None:
        self.visible = {f"handle {number}": body(number) for number in numbers}
        self.hidden: dict[str, str] = {}

    def get_queue_url(self, *, QueueName: str) -> dict[str, str]:
        if QueueName != "cases":
            raise ClientError({"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue"}}, "GetQueueUrl")
        return {"QueueUrl": "http://cases"}

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        VisibilityTimeout: int,
    ) -> dict[str, Any]:
        assert (QueueUrl, VisibilityTimeout) == ("http://cases", 43_200)
        handles = list(self.visible)[:MaxNumberOfMessages]
        found = {handle: self.visible.pop(handle) for handle in handles}
        self.hidden |= found
        messages = [{"ReceiptHandle": handle, "Body": text} for handle, text in found.items()]
        return {"Messages": messages} if messages else {}

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> None:
        assert QueueUrl == "http://cases"
        for entry in Entries:
            del self.hidden[entry["ReceiptHandle"]]

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> None:
        assert QueueUrl == "http://cases"
        assert len({entry["Id"] for entry in Entries}) == len(Entries) <= 10
        for entry in Entries:
            assert entry["VisibilityTimeout"] == 0
            self.visible[entry["ReceiptHandle"]] = self.hidden.pop(entry["ReceiptHandle"])


def queue(sqs: FakeSqs, name: str = "cases", *, keep: bool = False) -> Queue:
    return Queue(cast("Any", sqs), name, keep=keep)


def test_messages_are_deleted_as_they_are_read() -> None:
    sqs = FakeSqs(*range(25))
    reader = queue(sqs)
    assert [event.notification_id for event in reader.new()] == [f"n{n}" for n in range(25)]
    assert reader.new() == []
    assert (sqs.visible, sqs.hidden) == ({}, {})


def test_messages_that_are_kept_are_read_once_and_visible_again_afterwards() -> None:
    sqs = FakeSqs(*range(25))
    reader = queue(sqs, keep=True)
    assert len(reader.new()) == 25
    assert reader.new() == []
    reader.release()
    reader.release()
    assert (len(sqs.visible), sqs.hidden) == (25, {})


def test_a_queue_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnavailableError, match="queue other"):
        queue(FakeSqs(), "other").new()
