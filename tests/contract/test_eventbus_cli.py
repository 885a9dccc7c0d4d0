"""The AWS CLI drives the bus unchanged: nothing but its endpoint variable points at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.eventbus_server import running_bus
from tests.harness import PATIENCE

Aws = Callable[..., Any]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with running_bus(tmp_path_factory.mktemp("bus"), "--require-signature") as bus:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path_factory.mktemp("home")),
            "AWS_ENDPOINT_URL_EVENTBRIDGE": bus.url,
            "AWS_ACCESS_KEY_ID": "workshop",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }

        def command(*args: str, **variables: str) -> Any:
            ended = subprocess.run(
                [str(Path(sys.executable).with_name("aws")), "events", *args, "--output", "json"],
                env={**env, **variables},
                capture_output=True,
                text=True,
                timeout=PATIENCE * 60,
                check=False,
            )
            return json.loads(ended.stdout or "null") if ended.returncode == 0 else ended.stderr

        yield command


def test_the_aws_cli_makes_a_bus_a_rule_and_puts_events(aws: Aws, tmp_path: Path) -> None:
    arn = aws("create-event-bus", "--name", "orders")["EventBusArn"]
    assert arn == "arn:aws:events:eu-central-1:123456789012:event-bus/orders"
    made = aws("put-rule", "--name", "all", "--event-bus-name", "orders", "--event-pattern", '{"source": ["shop"]}')
    assert made["RuleArn"].endswith(":rule/orders/all")
    entries = tmp_path / "entries.json"
    entry = {"Source": "shop", "DetailType": "order", "Detail": '{"id": "é"}', "EventBusName": "orders", "Time": 1.5e9}
    entries.write_text(json.dumps([entry]))
    put = aws("put-events", "--entries", entries.as_uri())
    assert put["FailedEntryCount"] == 0
    assert put["Entries"][0]["EventId"]
    assert [rule["Name"] for rule in aws("list-rules", "--event-bus-name", "orders")["Rules"]] == ["all"]


def test_the_aws_cli_shows_errors_as_the_services(aws: Aws) -> None:
    assert "(ResourceNotFoundException) when calling the DescribeRule operation: Rule none does not exist on" in (
        aws("describe-rule", "--name", "none")
    )
    wrong = {"AWS_SECRET_ACCESS_KEY": "wrong"}
    assert "(InvalidSignatureException)" in aws("list-rules", **wrong)
