"""What integration tests drive: a broker, a local AWS, and services as real processes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import KafkaError, Message, Producer

from demo import broker as brokers
from demo.event_bus import ENDPOINT, EventBus
from demo.local_aws import LocalAws
from demo.process import HOST, Child
from demo.provision import provision
from demo.records import read_to_end
from demo.webhook import KEY, URL, Receiver, serving
from schemas import aws
from schemas.dead_letter import Header
from schemas.errors import UserError
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings

LOG_GROUP: Final = "/aws/events/cardwatch"
OWN_VARIABLES: Final = (
    *("KAFKA_", "REGISTRY_", "PRODUCER_", "ANALYZER_", "NOTIFIER_", "EVENTBUS_", "OPS_", "LOG_", "FAUST_"),
    *("SCORE_", "CARDWATCH_WEBHOOK_"),
)
WEBHOOK_KEY: Final = "of the tests"
ROOT: Final = Path(__file__).parents[1]
PATIENCE: Final = 4
"""By which each deadline of a test is longer than an idle machine needs at most: it ends what hangs, and judges no
speed, which on a shared machine says nothing."""


def wait_until(predicate: Callable[[], object], timeout_s: float = 60, what: str = "it") -> None:
    """Return once `predicate()` is true; fail with `what` when `timeout_s` seconds and some patience pass first."""
    deadline = time.monotonic() + PATIENCE * timeout_s
    while not predicate():
        assert time.monotonic() < deadline, f"waited {PATIENCE * timeout_s:g} s in vain for {what}"
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Produced:
    """Where a record came to stand."""

    topic: str
    partition: int
    offset: int


class RunningService:
    """`python -m ...` as a process."""

    def __init__(self, args: tuple[str, ...], env: Mapping[str, str], log: Path) -> None:
        """Start it from the project's root."""
        argv = [sys.executable, "-m", *args]
        self._child = Child(" ".join(args), argv, env={**env, "PYTHONPATH": str(ROOT)}, log=log)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def log(self) -> str:
        """What it has written to stdout and stderr so far, in whole lines: the last one may still be on its way."""
        text = self._child.text()
        return text[: text.rfind("\n") + 1]

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self._child.kill()

    def terminate(self) -> None:
        """SIGTERM."""
        self._child.terminate()

    def wait(self, timeout: float = 30) -> int:
        """Return its exit code; fail with its log when it still runs after `timeout` seconds and some patience."""
        code = self._child.wait(PATIENCE * timeout)
        assert code is not None, (
            f"{self._child.name} still runs after {PATIENCE * timeout:g} s; its log:\n{self._child.text()}"
        )
        return code

    def until(self, predicate: Callable[[str], object], timeout: float = 60) -> None:
        """Return once `predicate(log)` is true; fail with the log when it ends or time passes first."""
        deadline = time.monotonic() + PATIENCE * timeout
        while not predicate(self.log):
            ended = self._child.exit_code
            if ended is not None and not predicate(self.log):
                pytest.fail(f"{self._child.name} ended with {ended}; its log:\n{self._child.text()}")
            assert time.monotonic() < deadline, (
                f"{self._child.name}: {PATIENCE * timeout:g} s in vain; its log:\n{self._child.text()}"
            )
            time.sleep(0.05)


@dataclass
class Stack:
    """A fresh broker with topics, a local AWS with schemas, log group and queues, and a webhook.

    The event bus is started for tests that use the fixture `bus`.
    """

    broker: brokers.LocalBroker
    aws: LocalAws
    bus: EventBus
    webhook: Receiver
    folder: Path
    env: dict[str, str]
    kafka: KafkaSettings
    registry: GlueRegistry
    services: list[RunningService] = field(default_factory=list)

    def start(self, *args: str, **env: str) -> RunningService:
        """Run `python -m ARGS` with the stack's environment and `env` on top; it is killed after the test."""
        log = self.folder / f"{len(self.services)}-{args[0]}.log"
        service = RunningService(args, {**self.env, **env}, log)
        self.services.append(service)
        return service

    def kill(self) -> None:
        """Kill what was started."""
        for service in self.services:
            service.kill()

    def produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[Header] = (),
        partition: int | None = None,
    ) -> Produced:
        """Write one record and return where the broker put it."""
        done: list[Produced] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            assert error is None, error
            done.append(Produced(topic, message.partition() or 0, message.offset() or 0))

        producer = Producer({**self.kafka.librdkafka(), "partitioner": "murmur2_random", "linger.ms": 0})
        where = -1 if partition is None else partition
        producer.produce(topic, value, key, where, on_delivery=delivered, headers=list(headers))
        assert producer.flush(PATIENCE * 30) == 0, f"{topic}: the broker has not acknowledged"
        return done[0]

    def records(self, topic: str) -> list[Message]:
        """Return everything in a topic, from the beginning to its ends as they are now."""
        return list(read_to_end(self.kafka, topic))

    def log_events(self) -> list[dict[str, Any]]:
        """Return the events delivered to the log group, parsed."""
        pages = aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=LOG_GROUP)
        return [json.loads(event["message"]) for page in pages for event in page["events"]]


@contextmanager
def running_stack(local_aws: LocalAws, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Start broker and webhook, empty the local AWS and fill it; end every process afterwards."""
    with ExitStack() as ending:
        broker = make_broker(folder / "broker")
        ending.callback(broker.stop)
        local_aws.reset()
        webhook = Receiver(WEBHOOK_KEY)
        keys = {URL: ending.enter_context(serving(webhook, HOST)), KEY: WEBHOOK_KEY}
        bus = EventBus(folder, service_environment(local_aws, "") | keys)
        ending.callback(bus.stop)
        broker.start()
        env = service_environment(local_aws, broker.bootstrap_servers) | keys | {ENDPOINT: bus.url}
        for name in set(os.environ) - set(env):
            monkeypatch.delenv(name)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        provision()
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        stack = Stack(broker, local_aws, bus, webhook, folder, env, kafka, GlueRegistry(aws.client("glue")))
        ending.callback(stack.kill)
        yield stack


def make_broker(folder: Path) -> brokers.LocalBroker:
    """Return the broker that CARDWATCH_TEST_BROKER names (`embedded` unless set); skip when it can't run here."""
    choice = os.environ.get("CARDWATCH_TEST_BROKER", brokers.EMBEDDED)
    try:
        broker = brokers.make(choice, folder)
    except UserError as error:
        pytest.skip(str(error))
    assert isinstance(broker, brokers.LocalBroker), "CARDWATCH_TEST_BROKER is embedded or apache"
    return broker


def service_environment(local_aws: LocalAws, bootstrap_servers: str) -> dict[str, str]:
    """Return the complete environment of a service process, free of the developer's own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    return local_aws.environment(clean) | {"KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers}
