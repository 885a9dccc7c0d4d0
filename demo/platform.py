"""What the services run on: a broker, a local AWS, the event bus, a webhook, and all that they must find there."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar
from uuid import UUID

from demo import broker as brokers
from demo.event_bus import ENDPOINT, EventBus
from demo.local_aws import LocalAws
from demo.process import HOST, Child
from demo.records import read_to_end
from demo.signals import deaf
from demo.supervise import Service
from demo.webhook import KEY, URL, Receiver, serving
from eventbus.subscribers import FOLDER, Subscriber
from eventbus.subscribers import load as load_subscribers
from schemas import topics
from schemas.errors import EXIT_USER_ERROR, UnavailableError, UserError
from schemas.registry import UnknownSchemaError
from schemas.settings import KafkaSettings, load

_SET_UP_TIMEOUT_S: Final = 120.0
_ANOTHER_KAFKA: Final = ("KAFKA_",)
"""Variables that belong to a broker of the user's, not to one that is started here."""
_THRIFT: Final = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Makes glibc give memory back: tens of MB less for the services together, at this load for nothing."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The schemas that were registered on the platform: to read its records without asking the registry."""

    schemas: Mapping[UUID, str]

    def definition(self, version_id: UUID) -> str:
        """Return the schema behind an id.

        Raises:
            UnknownSchemaError: it was registered by somebody else.
        """
        try:
            return self.schemas[version_id]
        except KeyError:
            raise UnknownSchemaError(f"schema version {version_id} is none of the platform's") from None


@dataclass(frozen=True, slots=True)
class Platform:
    """All of it, up, and the environment that leads services to it."""

    broker: str
    env: Mapping[str, str]
    children: tuple[Child, ...]
    """Processes that must not end: broker and local AWS."""
    bus: EventBus
    webhook: Receiver
    subscribers: Sequence[Subscriber]
    registered: Registered

    def spawning(self, spawn: Callable[[Service], Child]) -> Callable[[Service], Child]:
        """Return `spawn`, but for the bus: it comes back with its own environment, on its port, to its data."""
        return lambda service: self.bus.launch() if service is self.bus.service else spawn(service)


@contextmanager
def running_platform(choice: str, folder: Path, say: Callable[[str], None]) -> Iterator[Platform]:
    """Start everything, make topics, schemas, log groups and queues, and end everything afterwards.

    While the body runs, this process's own environment is the services' too.

    Raises:
        UserError: the broker can't be had, its topics already hold records, or a subscriber's file is wrong.
        UnavailableError: one of them does not come up.
    """
    subscribers, before, ending = load_subscribers(FOLDER, os.environ), dict(os.environ), ExitStack()
    broker = brokers.make(choice, folder / "broker", say=say)
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    try:
        ending.callback(shutil.rmtree, temporary, ignore_errors=True)
        webhook = Receiver(key := secrets.token_urlsafe(24))
        aws = ending.enter_context(_launched(LocalAws(folder)))
        own = aws.environment(before) | {"TMPDIR": str(temporary), **_THRIFT}
        keys = {URL: ending.enter_context(serving(webhook, HOST)), KEY: key}
        bus = ending.enter_context(_launched(EventBus(folder, own | keys)))
        ending.callback(broker.stop)
        broker.start()
        aws.wait()
        bus.wait()
        env = _for_services(broker, own) | {ENDPOINT: bus.url}
        _become(env)
        registered = _provisioned(env, folder)
        if broker.child is None:
            _refuse_records(broker.bootstrap_servers)
        children = tuple(child for child in (broker.child, aws.child) if child is not None)
        yield Platform(broker.name, env, children, bus, webhook, subscribers, registered)
    finally:
        with deaf():
            _become(before)
            ending.close()


class _Launched(Protocol):
    """What runs as a process of its own."""

    def launch(self) -> object:
        """Start it and return at once."""

    def stop(self) -> None:
        """End it."""


_L = TypeVar("_L", bound=_Launched)


@contextmanager
def _launched(it: _L) -> Iterator[_L]:
    try:
        it.launch()
        yield it
    finally:
        it.stop()


def _for_services(broker: brokers.Broker, base: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in base.items() if broker.child is None or not name.startswith(_ANOTHER_KAFKA)}
    return kept | {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers}


def _provisioned(env: Mapping[str, str], folder: Path) -> Registered:
    """Make everything in a process of its own: the AWS clients for it would cost this one 10 MB for good."""
    child = Child("set-up", [sys.executable, "-m", "demo", "provision", "--json"], env=env, log=folder / "set-up.log")
    try:
        code = child.wait(_SET_UP_TIMEOUT_S)
    finally:
        child.kill()
    if code != 0:
        message = child.last_line().removeprefix("error: ")
        raise UserError(message) if code == EXIT_USER_ERROR else UnavailableError(f"{message} (log: {child.log})")
    return Registered({UUID(version): text for version, text in json.loads(child.last_line()).items()})


def _become(env: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)


def _refuse_records(bootstrap_servers: str) -> None:
    """A run's ledger counts whole topics, so they must be empty; a local AWS that starts empty can't match old ones."""
    kafka = load(KafkaSettings)
    filled = [topic for topic in topics.load() if next(read_to_end(kafka, topic), None) is not None]
    if filled:
        raise UserError(
            f"topics on {bootstrap_servers} already hold records ({', '.join(filled)}), and a run counts whole topics:"
            " delete these topics, or choose another broker"
        )
