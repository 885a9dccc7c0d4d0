"""What the services run on: a broker, a local AWS, and all that they must find there."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from demo import broker as brokers
from demo.local_aws import LocalAws
from demo.process import Child
from demo.records import read_to_end
from demo.signals import deaf
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
    """A broker and a local AWS that answer, and the environment that leads to them."""

    broker: str
    env: Mapping[str, str]
    children: tuple[Child, ...]
    registered: Registered


@contextmanager
def running_platform(choice: str, folder: Path, say: Callable[[str], None]) -> Iterator[Platform]:
    """Start both, make topics, schemas, bus and rules, and end both afterwards.

    While the body runs, this process's own environment is the services' too.

    Raises:
        UserError: the broker can't be had, or its topics already hold records.
        UnavailableError: one of them does not come up.
    """
    broker, aws, before = brokers.make(choice, folder / "broker", say=say), LocalAws(folder), dict(os.environ)
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    try:
        aws.launch()
        broker.start()
        aws.wait()
        env = _environment(broker, aws, before) | {"TMPDIR": str(temporary), **_THRIFT}
        _become(env)
        registered = _provisioned(env, folder)
        if broker.child is None:
            _refuse_records(broker.bootstrap_servers)
        children = tuple(child for child in (broker.child, aws.child) if child is not None)
        yield Platform(broker.name, env, children, registered)
    finally:
        with deaf():
            _become(before)
            aws.stop()
            broker.stop()
            shutil.rmtree(temporary, ignore_errors=True)


def _environment(broker: brokers.Broker, aws: LocalAws, base: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in base.items() if broker.child is None or not name.startswith(_ANOTHER_KAFKA)}
    return aws.environment(kept) | {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers}


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
