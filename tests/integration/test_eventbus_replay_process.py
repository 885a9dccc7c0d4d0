"""A replay in the real process, killed in the middle; and a rule that fires by the real clock."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from eventbus.replay import BATCH, MOST_PENDING
from tests.harness import PATIENCE, RunningService, wait_until

pytestmark = pytest.mark.integration

PUT = MOST_PENDING + 3 * BATCH
"""More than may be pending: the replay can't be over before a first delivery is."""
TIMES = 40
"""Seconds over which the events' own times lie."""
FIRST_TIME_S = 1_767_225_600  # 2026-01-01


class Webhook:
    """A server that remembers what was posted to it."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: set[str] = set()
        self.on_arrival: Callable[[], None] = lambda: None
        """Called before the answer."""
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                webhook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                webhook.paths.add(self.path)
                webhook.on_arrival()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing: the other side was killed."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def arrived(self) -> Counter[str]:
        return Counter(body["id"] for body in self.bodies)


class LocalBus:
    """`python -m eventbus`, its data in `folder`, and a client of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, 0
        self.start()

    def start(self) -> None:
        self.runs += 1
        env = {name: value for name, value in os.environ.items() if not name.startswith(("EVENTBUS_", "AWS_"))}
        data = ("--data", str(self.folder / "data"), "--subscribers", "none")
        self.process = RunningService(("eventbus", "--port", "0", *data), env, self.folder / f"bus-{self.runs}.log")
        self.process.until(lambda log: '"listening"' in log)
        lines = [json.loads(line) for line in self.process.log.splitlines() if line.startswith("{")]
        port = next(line["port"] for line in lines if line["event"] == "listening")
        make: Any = boto3.client
        self.events = make(
            "events",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="eu-central-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",  # noqa: S106 - no secret
        )

    def webhook_target(self, webhook: Webhook, name: str) -> dict[str, Any]:
        auth = {"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key", "ApiKeyValue": "k"}}
        connection = self.events.create_connection(Name=name, AuthorizationType="API_KEY", AuthParameters=auth)
        destination = self.events.create_api_destination(
            Name=name,
            ConnectionArn=connection["ConnectionArn"],
            InvocationEndpoint=f"{webhook.url}/{name}",
            HttpMethod="POST",
            InvocationRateLimitPerSecond=3_000,
        )
        return {"Id": "webhook", "Arn": destination["ApiDestinationArn"], "RoleArn": "arn:aws:iam::123456789012:role/r"}

    def replay(self) -> dict[str, Any]:
        """Return the replay as the database has it."""
        with sqlite3.connect(f"file:{self.folder}/data/eventbus.db?mode=ro", uri=True) as db:
            row = db.execute("SELECT body FROM resource WHERE kind = 'Replay'").fetchone()
        found: dict[str, Any] = json.loads(row[0])
        return found


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    webhook = Webhook()
    yield webhook
    webhook.server.shutdown()
    webhook.server.server_close()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[LocalBus]:
    bus = LocalBus(tmp_path)
    yield bus
    bus.process.kill()


def put(bus: LocalBus, count: int) -> set[str]:
    """Put events, not in the order of their times, and return their ids."""
    ids: set[str] = set()
    for start in range(0, count, 10):
        entries = [
            {
                "Source": "shop",
                "DetailType": "Sold",
                "Detail": json.dumps({"number": number}),
                "Time": datetime.fromtimestamp(FIRST_TIME_S + number * 7 % TIMES, UTC),
            }
            for number in range(start, start + 10)
        ]
        ids |= {entry["EventId"] for entry in bus.events.put_events(Entries=entries)["Entries"]}
    return ids


def start_replay(bus: LocalBus, archive_arn: str, *rules: str) -> None:
    bus.events.start_replay(
        ReplayName="again",
        EventSourceArn=archive_arn,
        EventStartTime=FIRST_TIME_S,
        EventEndTime=FIRST_TIME_S + TIMES,
        Destination={
            "Arn": "arn:aws:events:eu-central-1:123456789012:event-bus/default",
            **({"FilterArns": list(rules)} if rules else {}),
        },
    )


def archive(bus: LocalBus) -> str:
    source = "arn:aws:events:eu-central-1:123456789012:event-bus/default"
    return str(bus.events.create_archive(ArchiveName="sold", EventSourceArn=source)["ArchiveArn"])


def test_a_replay_that_is_killed_in_the_middle_leaves_nothing_out(bus: LocalBus, webhook: Webhook) -> None:
    archive_arn = archive(bus)
    ids = put(bus, PUT)
    assert len(ids) == PUT
    rule = bus.events.put_rule(Name="sold", EventPattern='{"source": ["shop"]}')["RuleArn"]
    bus.events.put_rule(Name="other", EventPattern='{"source": ["shop"]}')
    for name in ("sold", "other"):
        bus.events.put_targets(Rule=name, Targets=[bus.webhook_target(webhook, name)])

    arrived, killed = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        killed.wait()

    webhook.on_arrival = hold
    start_replay(bus, archive_arn, rule)
    assert arrived.wait(PATIENCE * 30)
    bus.process.kill()
    killed.set()
    stopped = bus.replay()
    assert stopped["state"] in {"STARTING", "RUNNING"}, "it was over before it could be killed"
    assert (stopped["last_ms"] or 0) < (FIRST_TIME_S + TIMES - 1) * 1000

    bus.start()
    wait_until(lambda: bus.events.describe_replay(ReplayName="again")["State"] == "COMPLETED", what="the replay")
    wait_until(lambda: len(webhook.arrived) >= PUT, what="the deliveries")
    assert set(webhook.arrived) == ids
    assert webhook.paths == {"/sold"}, "the filter names that rule alone"
    assert {body["replay-name"] for body in webhook.bodies} == {"again"}
    assert bus.events.describe_archive(ArchiveName="sold")["EventCount"] == PUT, "what is replayed isn't archived again"
    done = bus.events.describe_replay(ReplayName="again")
    assert done["EventLastReplayedTime"].timestamp() == FIRST_TIME_S + TIMES - 1
    assert done["ReplayEndTime"] >= done["ReplayStartTime"]


def test_a_scheduled_rule_fires_by_the_real_clock_and_tells_its_rule(bus: LocalBus, webhook: Webhook) -> None:
    arn = bus.events.put_rule(Name="minutely", ScheduleExpression="cron(* * * * ? *)")["RuleArn"]
    bus.events.put_targets(Rule="minutely", Targets=[bus.webhook_target(webhook, "minutely")])
    wait_until(lambda: webhook.bodies, timeout_s=90, what="the next minute")
    event = webhook.bodies[0]
    assert (event["source"], event["detail-type"], event["resources"], event["detail"]) == (
        "aws.events",
        "Scheduled Event",
        [arn],
        {},
    )
    assert event["time"].endswith(":00Z")
