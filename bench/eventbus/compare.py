"""Several buses side by side: in turn, each time in a new process, so that a slow minute of the machine hits all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.eventbus.measure import Bench, Measured, Setting, receiver
from bench.eventbus.peers import MINISTACK, Peer, running
from bench.memory import Memory, memory

SETTINGS: Final = tuple(
    Setting(target, connections, entries)
    for target in ("sqs", "webhook", "both")
    for connections, entries in ((1, 1), (4, 10))
)
ONE_BY_ONE: Final = 10
"""With one connection and one entry a request, the n-th part of the events."""
WEBHOOK: Final = 2
"""To the webhook too: it is slower for all."""


@dataclass(slots=True)
class Series:
    """What was measured of one bus, run after run."""

    peer: Peer
    measured: dict[Setting, list[Measured]] = field(default_factory=dict)
    at_start: list[Memory] = field(default_factory=list)
    soak: list[tuple[int, Memory]] = field(default_factory=list)
    """Events that the webhook has got so far, and the memory then."""


@contextmanager
def started(peer: Peer, folder: Path) -> Iterator[Bench]:
    """Start a bus, a webhook, and queues when it has none of its own."""
    with receiver(folder) as webhook:
        if peer.own_queue:
            with running(peer, folder) as bus:
                yield Bench(bus, bus.url, webhook, folder)
        else:
            with (
                running(MINISTACK, folder / "queues") as queues,
                running(peer, folder, AWS_ENDPOINT_URL=queues.url) as bus,
            ):
                yield Bench(bus, queues.url, webhook, folder)


def events_for(setting: Setting, events: int, share: int) -> int:
    """Return how many events a setting gets of `events`, for a bus with this share: at least ten."""
    parts = share * (ONE_BY_ONE if setting.per_request == 1 else 1) * (WEBHOOK if setting.target != "sqs" else 1)
    return max(10, events // parts)


def compare(peers: Sequence[Peer], events: int, runs: int, folder: Path, say: Callable[[str], None]) -> list[Series]:
    """Measure each setting `runs` times per bus, the buses taking turns."""
    series = {peer.name: Series(peer) for peer in peers}
    for run in range(runs):
        for peer in peers:
            one = series[peer.name]
            with started(peer, folder / f"{run}-{peer.name}") as bench:
                one.at_start.append(memory(bench.bus.child.pid))
                for setting in SETTINGS:
                    say(f"run {run + 1} of {runs}: {peer.title}, {setting.target}, {setting.title}")
                    measured = bench.measure(setting, events_for(setting, events, peer.share))
                    one.measured.setdefault(setting, []).append(measured)
    return list(series.values())


def soak(series: Series, events: int, steps: int, folder: Path, say: Callable[[str], None]) -> None:
    """Send `events` to the webhook, and look at the memory `steps` times meanwhile, each time when all have arrived."""
    setting = Setting("webhook", 4, 10)
    with started(series.peer, folder / f"soak-{series.peer.name}") as bench:
        series.soak.append((0, memory(bench.bus.child.pid)))
        arrived = 0
        for step in range(steps):
            say(f"memory: {series.peer.title}, {step * events // steps} of {events} events")
            measured = bench.measure(setting, events // steps, first=step * events // steps)
            arrived += measured.figures.arrived
            series.soak.append((arrived, memory(bench.bus.child.pid)))
