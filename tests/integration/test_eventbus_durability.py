"""The bus is killed while it takes and delivers: what it accepted arrives, and nothing that nobody put."""

from __future__ import annotations

import json
import os
import re
import resource
import sqlite3
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from demo.process import free_port
from eventbus.delivery.fate import State
from tests.eventbus_server import Bus
from tests.harness import PATIENCE, RunningService, wait_until

pytestmark = pytest.mark.integration

COUNT = 10_000
KILLS_AT = (2_000, 4_500, 7_000)
"""So many events are accepted when the bus is killed."""


FULL_BYTES = 200_000
"""No file of the bus may grow beyond this while its disk is full."""


class Receiver:
    """A webhook that remembers which events came, under which ids; `busy` answers 503."""

    def __init__(self) -> None:
        self.ids: defaultdict[int, list[str]] = defaultdict(list)
        self.busy = False
        self.refused = 0
        self.url = ""
        self._lock = threading.Lock()

    def take(self, body: bytes) -> int:
        if self.busy:
            with self._lock:
                self.refused += 1
            return 503
        event = json.loads(body)
        with self._lock:
            self.ids[event["detail"]["n"]].append(event["id"])
        return 200


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status = found.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing: the other side was killed."""

    server = Server(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


class Killable:
    """A bus on one port and one folder that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port, self._runs = folder, free_port(), 0
        self.service: RunningService
        self.start()

    def start(self) -> None:
        self._runs += 1
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EVENTBUS_", "LOG_"))}
        args = ("eventbus", "--port", str(self._port), "--data", str(self._folder / "data"))
        env = {**kept, "EVENTBUS_SUBSCRIBERS": "none", "EVENTBUS_RETRY_BASE_S": "0.2", "EVENTBUS_RETRY_CAP_S": "1"}
        self.service = RunningService(args, env, self._folder / f"bus-{self._runs}.log")
        self.service.until(re.compile(r'"event": "listening"').search)

    @property
    def bus(self) -> Bus:
        return Bus(self.service, self._port)

    def target(self) -> dict[str, Any]:
        """Return what the bus says of its one target."""
        targets: list[dict[str, Any]] = self.bus.page("/_bus/targets")["targets"]
        return targets[0]

    def undelivered(self) -> set[str]:
        """Return the ids of the events of whose delivery the disk knows nothing; only while the bus doesn't run."""
        query = "SELECT e.id FROM event e JOIN delivery d ON d.event_seq = e.seq WHERE d.state <> ?"
        with closing(sqlite3.connect(self._folder / "data" / "eventbus.db")) as db:
            return {row[0] for row in db.execute(query, (State.DELIVERED,))}


@contextmanager
def killable(folder: Path) -> Iterator[Killable]:
    made = Killable(folder)
    try:
        yield made
    finally:
        made.service.kill()


def client(bus: Bus) -> Any:
    """Return a client that tries once: what it isn't told was accepted counts as not accepted."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE * 60)
    return boto3.client(
        "events",
        endpoint_url=bus.url,
        region_name="eu-central-1",
        config=config,
        aws_access_key_id="workshop",
        aws_secret_access_key="secret",  # noqa: S106 - of a bus that asks for none
    )


def subscribe(bus: Bus, url: str) -> None:
    events = client(bus)
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key", "ApiKeyValue": "workshop"}}
    connection = events.create_connection(Name="hook", AuthorizationType="API_KEY", AuthParameters=key)
    destination = events.create_api_destination(
        Name="hook",
        ConnectionArn=connection["ConnectionArn"],
        InvocationEndpoint=url,
        HttpMethod="POST",
        InvocationRateLimitPerSecond=100_000,
    )
    events.put_rule(Name="all", EventPattern='{"source": ["durability"]}')
    role = "arn:aws:iam::123456789012:role/events"
    target = {"Id": "hook", "Arn": destination["ApiDestinationArn"], "RoleArn": role}
    assert events.put_targets(Rule="all", Targets=[target])["FailedEntryCount"] == 0


class Putter:
    """Puts numbered events from several threads, again and again new ones, until enough were accepted."""

    def __init__(self, bus: Bus) -> None:
        self.tried: set[int] = set()
        self.accepted: dict[int, str] = {}
        self._events = client(bus)
        self._lock = threading.Lock()

    def run(self, count: int) -> None:
        while len(self.accepted) < count:
            self.put_ten()

    def has(self, count: int) -> Callable[[], bool]:
        """Return a question: are so many accepted?"""
        return lambda: len(self.accepted) >= count

    def put_ten(self) -> None:
        with self._lock:
            numbers = range(len(self.tried), len(self.tried) + 10)
            self.tried.update(numbers)
        entries = [
            {"Source": "durability", "DetailType": "numbered", "Detail": json.dumps({"n": n, "padding": "x" * 500})}
            for n in numbers
        ]
        try:
            answer = self._events.put_events(Entries=entries)
        except (BotoCoreError, ClientError):
            time.sleep(0.05)  # it is being started again
            return
        if "FailedEntryCount" not in answer:
            return  # killed between the head and the body of its answer
        assert answer["FailedEntryCount"] == 0
        with self._lock:
            self.accepted.update((n, entry["EventId"]) for n, entry in zip(numbers, answer["Entries"], strict=True))


def assert_all_arrived(bus: Killable, receiver: Receiver, putter: Putter) -> list[str]:
    """Wait until nothing is pending; return the ids of the events that came again, each as often as it did."""
    wait_until(lambda: bus.target()["pending"] == 0, 120, "all deliveries to end")
    got = dict(receiver.ids)
    assert got.keys() >= putter.accepted.keys(), f"lost: {sorted(putter.accepted.keys() - got.keys())[:10]}"
    assert got.keys() <= putter.tried, f"invented: {sorted(got.keys() - putter.tried)[:10]}"
    for n, ids in got.items():
        assert len(set(ids)) == 1, f"event {n} came under several ids"
        assert putter.accepted.get(n, ids[0]) == ids[0]
    assert bus.target()["delivered"] == len(got), "each event that is on disk counts once"
    return [each for ids in got.values() for each in ids[1:]]


def test_events_survive_kills_while_they_are_put_and_delivered(
    tmp_path: Path, receiver: Receiver, record_property: Callable[[str, object], None]
) -> None:
    with killable(tmp_path) as bus:
        subscribe(bus.bus, receiver.url)
        putter, under_way = Putter(bus.bus), set[str]()
        with ThreadPoolExecutor(4) as pool:
            putting = [pool.submit(putter.run, COUNT) for _ in range(4)]
            for kill_at in KILLS_AT:
                wait_until(putter.has(kill_at), 120, f"{kill_at} events")
                bus.service.kill()
                under_way |= bus.undelivered()
                bus.start()
            for each in putting:
                each.result(PATIENCE * 120)
        assert len(putter.accepted) >= COUNT
        again = assert_all_arrived(bus, receiver, putter)
        record_property("duplicates", len(again))
        print(f"{len(putter.accepted)} accepted, {len(receiver.ids)} arrived, {len(again)} duplicates")  # noqa: T201 - the figure asked for
        done_before = [each for each in again if each not in under_way]
        # The receiver may be so slow that a call is given up, and made again.
        assert len(done_before) <= bus.target()["retried"], "a crash repeats what was under way, not what was done"


def test_events_that_wait_for_a_busy_target_survive_a_kill(tmp_path: Path, receiver: Receiver) -> None:
    with killable(tmp_path) as bus:
        subscribe(bus.bus, receiver.url)
        receiver.busy = True
        putter = Putter(bus.bus)
        putter.run(200)
        wait_until(lambda: bus.target()["error_code"] and receiver.refused > 5, 30, "failed attempts")
        bus.service.kill()
        bus.start()
        wait_until(lambda: bus.target()["pending"] == len(putter.accepted), 30, "all to be pending again")
        wait_until(lambda: bus.target()["retried"] > 0, 30, "attempts after the first ones")
        receiver.busy = False
        assert_all_arrived(bus, receiver, putter)


def test_a_stop_lets_sends_end_so_that_nothing_comes_twice(tmp_path: Path, receiver: Receiver) -> None:
    with killable(tmp_path) as bus:
        subscribe(bus.bus, receiver.url)
        putter = Putter(bus.bus)
        putter.run(1000)
        bus.service.terminate()
        assert bus.service.wait() == 0
        bus.start()
        again = assert_all_arrived(bus, receiver, putter)
        assert len(again) <= bus.target()["retried"], "only a call that was given up is made again"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit the files of a running process")
def test_a_full_disk_is_said_and_when_there_is_room_again_the_bus_goes_on(tmp_path: Path, receiver: Receiver) -> None:
    with killable(tmp_path) as bus:
        subscribe(bus.bus, receiver.url)
        putter = Putter(bus.bus)
        putter.run(100)
        unlimited = resource.prlimit(bus.service.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(bus.service.pid, resource.RLIMIT_FSIZE, (FULL_BYTES, unlimited[1]))
        entry = {
            "Source": "durability",
            "DetailType": "never kept",
            "Detail": json.dumps({"n": -1, "x": "x" * FULL_BYTES}),
        }
        with pytest.raises(ClientError, match="Is the disk full") as refused:
            client(bus.bus).put_events(Entries=[entry])
        assert refused.value.response["Error"]["Code"] == "InternalException"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.INTERNAL_SERVER_ERROR
        resource.prlimit(bus.service.pid, resource.RLIMIT_FSIZE, unlimited)
        putter.run(200)
        assert_all_arrived(bus, receiver, putter)
