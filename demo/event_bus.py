"""The event bus on this machine, as a process: `python -m eventbus` with the subscribers of infra/eventbridge."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from demo.broker import poll
from demo.process import HOST, Child, free_port
from demo.supervise import Service
from demo.targets import RULE, named
from eventbus.subscribers import FOLDER
from schemas.errors import UnavailableError

ENDPOINT: Final = "AWS_ENDPOINT_URL_EVENTBRIDGE"
_START_TIMEOUT_S: Final = 240.0
_ANSWER_TIMEOUT_S: Final = 5.0


class EventBus:
    """A bus on a free loopback port; after a crash `launch` brings it back with the same port and data."""

    def __init__(self, folder: Path, env: Mapping[str, str], subscribers: Path = FOLDER) -> None:
        """Keep log and data under `folder`, reach the targets through `env`, and load the files in `subscribers`."""
        self._folder, self._env = folder, env
        self.port = free_port()
        args = ("--host", HOST, "--port", str(self.port), "--data", str(self._data), "--subscribers", str(subscribers))
        self.service = Service("event bus", ("eventbus", *args))
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """Its process.

        Raises:
            UnavailableError: not started.
        """
        if self._child is None:
            raise UnavailableError("the event bus has not been started")
        return self._child

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    @property
    def _data(self) -> Path:
        return self._folder / "eventbus"

    def start(self) -> None:
        """Start it and return once it answers; as `launch` and `wait`."""
        self.launch()
        self.wait()

    def launch(self) -> Child:
        """Start it and return at once."""
        argv = [sys.executable, "-m", *self.service.args]
        self._child = Child(self.service.name, argv, env=self._env, log=self._folder / "eventbus.log")
        return self._child

    def wait(self) -> None:
        """Return once it answers, its subscribers loaded.

        Raises:
            UnavailableError: it ends or stays silent.
        """
        poll(self._healthy, self.child, _START_TIMEOUT_S)

    def stop(self) -> None:
        """End it and delete its data, in which keys of webhooks are."""
        if self._child is not None:
            self._child.stop()
        shutil.rmtree(self._data, ignore_errors=True)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_bus/health", timeout=_ANSWER_TIMEOUT_S) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False


def retried(url: str) -> dict[str, int]:
    """Return how many attempts came after a first one, for each target of the rule by its name.

    Empty when the bus doesn't answer: it is a figure to look at, and the ledger doesn't count on it.
    """
    try:
        with urllib.request.urlopen(f"{url}/_bus/targets", timeout=_ANSWER_TIMEOUT_S) as answer:
            found: list[dict[str, Any]] = json.load(answer)["targets"]
    except (OSError, ValueError):
        return {}
    return {named(each["target"]): int(each["retried"]) for each in found if each["rule"] == RULE}
