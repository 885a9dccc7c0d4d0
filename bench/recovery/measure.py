"""One run: a start, a recovery, a rolling restart, and whether every verdict came."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analyzer.publish import partition_of
from bench.analyzer.ground import Tail, ground
from bench.analyzer.latency import Written, writer
from bench.analyzer.records import differences
from bench.analyzer.run import Known, Stand
from bench.recovery.cards import Cards, Part
from bench.recovery.crew import Ears, Hand, Scene
from demo.process import Child
from schemas.codec import Decoder
from schemas.errors import UnavailableError

PARTITIONS: Final = range(12)
SETTLED_S: Final = 3.0
"""How long two workers work before one of them is restarted."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was seen in one run; seconds."""

    cards: int
    start_s: float = 0.0
    recovered_s: float = 0.0
    """From when the worker was given the partitions until it had all states."""
    recovered_states: int = 0
    restart_s: float = 0.0
    """From the start of the process that has them to recover until its first notification."""
    stalls_s: dict[int, float] = field(default_factory=dict)
    """By partition, in the rolling restart; of those that had a notification to tell."""
    rolled: bool = False
    """Whether both workers were replaced while transactions came."""
    wrong: list[str] = field(default_factory=list)

    @property
    def stall_s(self) -> float:
        """The longest of any partition."""
        return max(self.stalls_s.values(), default=0.0)


def measure(stand: Stand, cards: Cards, rate: int, folder: Path) -> Found:
    """Measure once, on a new broker."""
    with ground(stand.choice, folder, stand.say) as where:
        scene = Scene(stand, where, folder, Ears(Tail(where.kafka)))
        try:
            found = _measure(scene, cards, rate)
        except UnavailableError as error:
            found = Found(cards.count, wrong=[str(error)])
        finally:
            scene.end()
            scene.ears.tail.close()
    if found.wrong:
        return found
    read = Decoder(Known(stand.versions), logical_types=False).decode
    found.wrong.extend(differences(cards.expected, map(read, scene.ears.tail.values)))
    return found


def _measure(scene: Scene, cards: Cards, rate: int) -> Found:
    first, second, third = cards.parts
    scene.where.fill(first.values)
    worker = scene.hire()
    start_s = scene.first_told_s(worker)
    scene.until("the end of the first part", scene.all_committed, worker)
    scene.dismiss(worker)
    scene.where.fill(second.values)
    worker = scene.hire()
    restart_s = scene.first_told_s(worker)
    scene.until("the end of the second part", scene.all_committed, worker)
    ready = worker.ready() or {}
    pair = [worker, scene.hire()]
    scene.until("the second worker", lambda: pair[1].ready() is not None, *pair)
    written, rolled = _roll(scene, pair, third, rate)
    return Found(
        cards=cards.count,
        start_s=start_s,
        recovered_s=ready.get("seconds", 0.0),
        recovered_states=ready.get("states", 0),
        restart_s=restart_s,
        stalls_s=stalls(third, scene.told_ms(), written.began_ms, rate),
        rolled=rolled,
    )


def _roll(scene: Scene, pair: list[Hand], part: Part, rate: int) -> tuple[Written, bool]:
    """Replace both workers while a part is written; return what the writer says, and whether it wrote all the time."""
    argv = writer(scene.where, part.values, rate, scene.folder)
    writes = Child("writer", argv, env=dict(os.environ), log=scene.folder / "writer.log")
    rolled = True
    for at in range(len(pair)):
        scene.listen_for(SETTLED_S)
        scene.dismiss(pair[at])
        pair[at] = scene.hire()
        scene.until("a new worker", lambda: pair[at].ready() is not None, *pair)  # noqa: B023 - called at once
        rolled = rolled and writes.exit_code is None
    scene.until("the end of the writing", lambda: writes.exit_code is not None, *pair)
    if writes.exit_code:
        raise UnavailableError(f"the writer failed: {writes.last_line()}")
    for key, _ in part.values:
        partition = partition_of(key, PARTITIONS)
        scene.where.ends[partition] = scene.where.ends.get(partition, 0) + 1
    scene.until("the end of the last part", scene.all_committed, *pair)
    scene.listen_for(1.0)
    return Written(**json.loads(writes.last_line())), rolled


def stalls(part: Part, told_ms: Mapping[str, float], began_ms: float, rate: int) -> dict[int, float]:
    """Return by partition the longest time from when a transaction was due until its notification, in seconds.

    Args:
        part: what was written at the rate.
        told_ms: when the notification of each flagged transaction was read first.
        began_ms: when the first of the part was due.
        rate: transactions a second.
    """
    found: dict[int, float] = {}
    for number, ((key, _), name) in enumerate(zip(part.values, part.ids, strict=True)):
        if name in told_ms:
            partition = partition_of(key, PARTITIONS)
            waited_s = (told_ms[name] - began_ms) / 1_000 - number / rate
            found[partition] = max(found.get(partition, 0.0), waited_s)
    return found
