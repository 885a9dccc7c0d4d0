"""One measurement: put so many events on a bus, and wait until they are at the target or nothing more comes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.eventbus import put
from bench.eventbus.figures import Figures, Puts, figures
from bench.eventbus.peers import Running, answers
from bench.eventbus.put import Load
from bench.eventbus.targets import Both, Queue, Target, Webhook, client, make_rule
from bench.memory import cpu_s
from bench.places import ROOT
from demo.broker import poll
from demo.process import HOST, Child, free_port

QUIET_S: Final = 30.0
"""A run is over when nothing new has arrived for so long."""
_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Setting:
    """How events are put, and where to they go."""

    target: str
    """`sqs`, `webhook`, or `both`: two targets of one rule."""
    connections: int
    per_request: int

    @property
    def title(self) -> str:
        """Connections x entries of a request."""
        return f"{self.connections} x {self.per_request}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it."""

    figures: Figures
    cpu_us: float
    """CPU time of the bus (and its children) per accepted event."""


@contextmanager
def receiver(folder: Path) -> Iterator[str]:
    """Run the webhook in a process of its own; yields its address."""
    port = free_port()
    url = f"http://{HOST}:{port}"
    argv = [sys.executable, "-m", "bench.eventbus", "receive", "--port", str(port)]
    child = Child("webhook", argv, env={"PYTHONPATH": str(ROOT)}, log=folder / "webhook.log")
    try:
        poll(lambda: answers(f"{url}/count"), child, 30)
        yield url
    finally:
        child.stop()


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are while one bus is measured."""

    bus: Running
    queues_url: str
    webhook_url: str
    folder: Path

    def target(self, kind: str, name: str) -> Target:
        """Make a new target."""
        if kind == "sqs":
            return Queue.make(self.queues_url, name)
        webhook = Webhook.make(client("events", self.bus.url), name, self.webhook_url)
        return webhook if kind == "webhook" else Both(Queue.make(self.queues_url, name), webhook)

    def measure(self, setting: Setting, events: int, first: int = 0, others: Sequence[str] = ()) -> Measured:
        """Make a bus, a rule (and `others` that match nothing) and a target, put the events, count what arrives."""
        name = f"bench-{setting.target}-{setting.connections}-{setting.per_request}-{first}"
        target = self.target(setting.target, name)
        make_rule(client("events", self.bus.url), name, target.arns, others)
        before = cpu_s(self.bus.child.pid)
        puts = self.load(Load(self.bus.url, name, first, events, setting.per_request, setting.connections))
        settle(target, len(puts.accepted))
        used = cpu_s(self.bus.child.pid) - before
        return Measured(figures(puts, target.arrivals()), used * 1e6 / max(1, len(puts.accepted)))

    def load(self, load: Load) -> Puts:
        """Put in a process of its own."""
        file = self.folder / "puts.json"
        options = {"url": load.url, "bus": load.bus, "first": load.first, "events": load.events}
        options |= {"per-request": load.per_request, "connections": load.connections, "out": file}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        subprocess.run([sys.executable, "-m", "bench.eventbus", "put", *words], check=True, cwd=ROOT)  # noqa: S603 - our own
        return put.read(file)


def settle(target: Target, wanted: int) -> None:
    """Return once `wanted` events have arrived, or nothing new has for a while."""
    count, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_S:
        now = target.count()
        if now >= wanted:
            return
        if now != count:
            count, since = now, time.monotonic()
        time.sleep(_LOOK_S)
