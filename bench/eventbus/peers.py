"""The three buses, and how each is started: always a new process, on loopback, its data in a new folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from bench.eventbus.put import ACCOUNT, REGION, SECRET
from bench.places import program
from demo.broker import poll
from demo.process import HOST, Child, free_port

CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": REGION}
_START_S: Final = 120.0
_OUTSIDE: Final = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Peer:
    """How to start a bus, and what is known of it beforehand."""

    name: str
    title: str
    argv: Callable[[int, Path], list[str]]
    """Command for a port and a folder for data."""
    env: Callable[[int], Mapping[str, str]]
    ready: str
    """Path that answers 200 once it can be used."""
    share: int = 1
    """It gets the n-th part of the events: moto's queue costs more with every message that waits in it."""
    own_queue: bool = True
    """Whether it delivers to queues of its own; else to ministack's, in another process."""


@dataclass(frozen=True, slots=True)
class Running:
    """A bus that answers."""

    peer: Peer
    child: Child
    url: str


OURS: Final = Peer(
    name="ours",
    title="eventbus",
    argv=lambda port, data: [
        *(sys.executable, "-m", "eventbus", "serve"),
        *("--host", HOST, "--port", str(port), "--data", str(data)),
    ],
    env=lambda _: {"EVENTBUS_SUBSCRIBERS": "none", "LOG_LEVEL": "WARNING"},
    ready="/_bus/health",
    own_queue=False,
)
MOTO: Final = Peer(
    name="moto",
    title="moto server",
    argv=lambda port, _: [str(program("moto_server")), "-H", HOST, "-p", str(port)],
    env=lambda _: {"MOTO_EVENTS_INVOKE_HTTP": "true"},
    ready="/moto-api/",
    share=20,
)
MINISTACK: Final = Peer(
    name="ministack",
    title="ministack",
    argv=lambda _port, _data: [str(program("ministack"))],
    env=lambda port: {"GATEWAY_PORT": str(port), "BIND_HOST": HOST, "LOG_LEVEL": "WARNING"},
    ready="/_ministack/health",
)
PEERS: Final = {peer.name: peer for peer in (OURS, MOTO, MINISTACK)}


@contextmanager
def running(peer: Peer, folder: Path, **more: str) -> Iterator[Running]:
    """Start a bus with `more` environment, wait until it answers, and end it afterwards."""
    port = free_port()
    url = f"http://{HOST}:{port}"
    data = folder / f"{peer.name}-data"
    data.mkdir(parents=True, exist_ok=True)
    env = {name: os.environ[name] for name in _OUTSIDE if name in os.environ}
    env |= {**CREDENTIALS, **peer.env(port), **more}
    child = Child(peer.title, peer.argv(port, data), env=env, log=folder / f"{peer.name}.log")
    try:
        poll(lambda: answers(url + peer.ready), child, _START_S)
        yield Running(peer, child, url)
    finally:
        child.stop()


def answers(url: str) -> bool:
    """Say whether a GET of `url` is answered with success."""
    try:
        with urlopen(url, timeout=2):
            return True
    except (URLError, OSError):
        return False
