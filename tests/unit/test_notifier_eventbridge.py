"""What EventBridge answers at the start."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from notifier.sinks.eventbridge import EventBridgeSink
from schemas.errors import UserError


def test_a_bus_name_that_cannot_be_is_the_settings_fault_not_an_entrys() -> None:
    client = boto3.client("events", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_client_error("describe_event_bus", "ValidationException", "Value 'my bus' failed", 400)
        with pytest.raises(UserError, match=r"NOTIFIER_BUS is 'my bus'.* no such name"):
            EventBridgeSink(client, "my bus").check()
