"""Who puts the events, and how each is started: always a new process with a consumer group of its own."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.places import ROOT
from demo.process import Child
from schemas.errors import UserError

OURS: Final = "ours"
CONNECTOR: Final = "connector"
_OUTSIDE: Final = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of putting."""

    name: str
    title: str
    words: tuple[str, ...]
    """What it runs as a module; the connector's also says how much and where to."""


CONTENDERS: Final = {
    one.name: one
    for one in (
        Contender(OURS, "notifier", ("notifier", "run")),
        Contender(CONNECTOR, "connector's pace", ("bench.notifier", "connector")),
    )
}


def contender(name: str) -> Contender:
    """Return the contender of that name.

    Raises:
        UserError: there is none.
    """
    if name not in CONTENDERS:
        raise UserError(f"--peers: no contender {name!r}; choose of {', '.join(CONTENDERS)}")
    return CONTENDERS[name]


@dataclass(frozen=True, slots=True)
class Where:
    """What a contender reads from and puts to."""

    brokers: str
    registry_url: str
    bus_url: str
    folder: Path


def start(one: Contender, where: Where, *, events: int, group: str, ops_port: int) -> Child:
    """Start it; the connector's loop ends after `events`, the notifier when it is told to."""
    env = {name: os.environ[name] for name in _OUTSIDE if name in os.environ} | {
        "PYTHONPATH": str(ROOT),
        "KAFKA_BOOTSTRAP_SERVERS": where.brokers,
        "AWS_ENDPOINT_URL": where.registry_url,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": where.bus_url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "123456789012",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "NOTIFIER_GROUP": group,
        "NOTIFIER_BUS": "default",
        "NOTIFIER_SESSION_TIMEOUT_S": "6",
        "OPS_PORT": str(ops_port),
        "LOG_LEVEL": "WARNING",
    }
    command = [*one.words]
    if one.name == CONNECTOR:
        command += ["--events", str(events), "--out", str(calls_file(where, group))]
    log = where.folder / f"{group}.log"
    return Child(one.title, [sys.executable, "-m", *command], env=env, log=log)


def calls_file(where: Where, group: str) -> Path:
    """Return where the connector's loop leaves the times of its calls."""
    return where.folder / f"{group}-calls.json"
