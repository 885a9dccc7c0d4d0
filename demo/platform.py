"""What the services run on: a broker, a local AWS, and all that they must find there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo import broker as brokers
from demo.local_aws import LocalAws
from demo.process import Child
from demo.provision import provision
from demo.records import read_to_end
from demo.signals import deaf
from schemas import topics
from schemas.errors import UserError
from schemas.settings import KafkaSettings, load

_ANOTHER_KAFKA: Final = ("KAFKA_",)
"""Variables that belong to a broker of the user's, not to one that is started here."""
_THRIFT: Final = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Makes glibc give memory back: tens of MB less for the services together, at this load for nothing."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A broker and a local AWS that answer, and the environment that leads to them."""

    broker: str
    env: Mapping[str, str]
    children: tuple[Child, ...]


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
        provision()
        if broker.child is None:
            _refuse_records(broker.bootstrap_servers)
        children = tuple(child for child in (broker.child, aws.child) if child is not None)
        yield Platform(broker.name, env, children)
    finally:
        with deaf():
            _become(before)
            aws.stop()
            broker.stop()
            shutil.rmtree(temporary, ignore_errors=True)


def _environment(broker: brokers.Broker, aws: LocalAws, base: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in base.items() if broker.child is None or not name.startswith(_ANOTHER_KAFKA)}
    return aws.environment(kept) | {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers}


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
