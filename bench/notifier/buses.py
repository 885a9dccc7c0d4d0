"""Where events are put to: an endpoint that does nothing, or eventbus/ without a rule; and what each says of them."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.request import Request, urlopen

from bench.eventbus import peers
from bench.places import ROOT
from demo.broker import poll
from demo.process import HOST, Child, free_port

NULL: Final = "null"
EVENTBUS: Final = "eventbus"
_NS: Final = 1e9
_ENTRIES: Final = re.compile(r"PutEventsEntriesCount(?:_total)?\{[^}]*\} (\S+)")


@dataclass(frozen=True, slots=True)
class Seen:
    """Entries taken so far, and when the first and the last of them came, in s since 1970."""

    entries: int
    first_s: float
    last_s: float


class Bus(Protocol):
    """A bus that is measured through."""

    @property
    def url(self) -> str:
        """Its address."""

    def seen(self) -> Seen:
        """Look."""


class Null:
    """The endpoint that does nothing, and that every contender asks for the schema."""

    def __init__(self, url: str) -> None:
        """Ask the endpoint at `url`."""
        self.url = url

    def seen(self) -> Seen:
        """Ask for the counts."""
        found = self._call("GET", "/count")
        return Seen(found["entries"], found["first_ns"] / _NS, found["last_ns"] / _NS)

    def calls(self) -> tuple[int, int]:
        """Return how many calls came, and how many were open at once at most."""
        found = self._call("GET", "/count")
        return found["calls"], found["most_open"]

    def arrivals(self) -> list[dict[str, str]]:
        """Return every entry, in the order they came."""
        return [entry for _, entry in self._call("GET", "/arrivals")]

    def forget(self) -> None:
        """Begin anew."""
        self._call("DELETE", "/")

    def _call(self, method: str, path: str) -> Any:
        with urlopen(Request(self.url + path, method=method), timeout=60) as answer:
            return json.load(answer)


class EventBus:
    """eventbus/, new for each run, with no rule: events are taken, kept and counted."""

    def __init__(self, url: str) -> None:
        """Ask the bus at `url`."""
        self.url = url
        self._first_s = 0.0

    def seen(self) -> Seen:
        """Read its metrics; times are those of the look."""
        with urlopen(f"{self.url}/_bus/metrics", timeout=60) as answer:
            found = _ENTRIES.search(answer.read().decode())
        entries = int(float(found.group(1))) if found else 0
        now = time.time()
        if entries and not self._first_s:
            self._first_s = now
        return Seen(entries, self._first_s, now)


@contextmanager
def null_bus(folder: Path, answer_ms: float) -> Iterator[Null]:
    """Run the endpoint; it answers PutEvents after `answer_ms`."""
    port = free_port()
    bus = Null(f"http://{HOST}:{port}")
    argv = [sys.executable, "-m", "bench.notifier", "endpoint", "--port", str(port), "--answer-ms", str(answer_ms)]
    child = Child("null endpoint", argv, env={"PYTHONPATH": str(ROOT)}, log=folder / "endpoint.log")
    try:
        poll(lambda: peers.answers(f"{bus.url}/count"), child, 30)
        yield bus
    finally:
        child.stop()


@contextmanager
def event_bus(folder: Path) -> Iterator[EventBus]:
    """Run eventbus/ with empty data."""
    with peers.running(peers.OURS, folder) as running:
        yield EventBus(running.url)
