"""One run of one engine: started on a topic that is filled, watched until all of it is done, and ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from bench.analyzer.engine import Engine, Place
from bench.analyzer.ground import Ground, Tail, ground
from bench.analyzer.records import Load, differences
from bench.analyzer.work import Work, as_json, as_toml
from bench.memory import Meter
from bench.screen import Say
from demo.process import Child
from schemas.codec import Decoder, definition
from schemas.errors import UnavailableError
from schemas.topics import NOTIFICATIONS

STALLED_S: Final = 120.0
"""An engine that commits nothing new for so long is given up."""
_LOOK_S: Final = 0.1
_END_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Stand:
    """What all runs share."""

    choice: str
    """The broker, as the demo takes it."""
    versions: Mapping[str, UUID]
    aws: Mapping[str, str]
    say: Say


@dataclass(frozen=True, slots=True)
class Run:
    """What was seen of one part of a run: the one with few records, or the one with all."""

    records: int
    notifications: int
    wall_s: float
    """From the start of the process until its last record was committed."""
    cpu_s: float
    peak_rss: int
    wrong: list[str] = field(default_factory=list)
    """Where its verdicts are not those of the scalar core; or what else went wrong."""


class Known:
    """A registry of the bench's own schemas: no server is asked."""

    def __init__(self, versions: Mapping[str, UUID]) -> None:
        """Know the notifications."""
        self._id = versions[NOTIFICATIONS]

    def definition(self, version_id: UUID) -> str:
        """Return the schema of notifications."""
        if version_id != self._id:
            raise UnavailableError(f"a notification of schema version {version_id}, not {self._id}")
        return definition("notification")


def run(stand: Stand, engine: Engine, load: Load, work: Work, folder: Path) -> Run:
    """Let an engine do its work on a new broker.

    Raises:
        UnavailableError: a broker doesn't start, or the engine ends by itself.
    """
    with ground(stand.choice, folder, stand.say) as where:
        where.fill(load.values)
        tail = Tail(where.kafka)
        child = start(stand, engine, where, work, folder)
        try:
            meter = Meter(child.pid)
            began = time.monotonic()
            problem = watch(where, tail, child, meter, len(load.expected[work]))
            wall_s = time.monotonic() - began
        finally:
            child.stop(_END_S)
        tail.read(1.0)
        tail.close()
    read = Decoder(Known(stand.versions), logical_types=False).decode
    wrong = differences(load.expected[work], map(read, tail.values))
    return Run(
        len(load.values), len(tail.values), wall_s, meter.cpu_s, meter.peak_rss, [problem, *wrong] if problem else wrong
    )


def start(stand: Stand, engine: Engine, where: Ground, work: Work, folder: Path) -> Child:
    """Start an engine."""
    place = Place(
        bootstrap_servers=where.kafka.bootstrap_servers,
        rules=folder / "rules.json",
        rules_toml=folder / "rules.toml",
        records=sum(where.ends.values()),
        state=folder / "state",
        aws=stand.aws,
    )
    place.state.mkdir(parents=True, exist_ok=True)
    place.rules.write_text(as_json(work, stand.versions))
    place.rules_toml.write_text(as_toml(work))
    env = {**place.environment(), **engine.env(place)}
    return Child(engine.title, engine.argv(), env=env, log=folder / f"{engine.name}.log")


def watch(where: Ground, tail: Tail, child: Child, meter: Meter, expected: int) -> str:
    """Return when everything is done, "", or when nothing goes on, with what is missing."""
    records, done, since = sum(where.ends.values()), -1, time.monotonic()
    while True:
        told = tail.read(_LOOK_S)
        meter.look()
        child.require_running()
        committed = where.committed()
        if committed >= records and told >= expected:
            return ""
        if committed > done:
            done, since = committed, time.monotonic()
        elif time.monotonic() - since > STALLED_S:
            return f"stands still at {committed:,} of {records:,} records with {told:,} of {expected:,} notifications"
