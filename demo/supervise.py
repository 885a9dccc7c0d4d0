"""Runs the services as processes, starts those again that crash, and ends them in order."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from demo.process import Child
from schemas.errors import EXIT_USER_ERROR, UnavailableError, UserError

STOP_TIMEOUT_S: Final = 15.0
"""How long a service may take to drain; then it is killed."""
_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits before each start after a crash; one crash more in a row gives up."""
_HEALTHY_S: Final = 30.0
"""A crash after this long is the first of a new row."""


class Process(Protocol):
    """What the supervisor needs of a process; `demo.process.Child` is one."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""

    @property
    def log(self) -> Path:
        """Where its output goes."""

    def last_line(self) -> str:
        """Return the last line of its output."""

    def stop(self, timeout_s: float) -> int:
        """End it within `timeout_s` seconds and return its exit code."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service to run as `python -m ARGS`."""

    name: str
    args: tuple[str, ...]
    restarted: bool = True
    """Whether a crash starts it again; without, its end with 0 is fine and any other ends the run."""


@dataclass(slots=True)
class _Running:
    service: Service
    process: Process
    started: float
    crashes: int = 0
    restarts: int = 0
    start_again: float | None = field(default=None)


class Supervisor:
    """Call `check` often."""

    def __init__(
        self,
        spawn: Callable[[Service], Process],
        *,
        say: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start services with `spawn`; `say` gets a line for each crash; `now` is in seconds."""
        self._spawn = spawn
        self._say = say
        self._now = now
        self._running: dict[str, _Running] = {}

    def start(self, *services: Service) -> None:
        """Start these, in this order."""
        for service in services:
            self._running[service.name] = _Running(service, self._spawn(service), self._now())

    def adopt(self, service: Service, process: Process) -> None:
        """Look after a service that runs already."""
        self._running[service.name] = _Running(service, process, self._now())

    def check(self) -> None:
        """Notice what has ended, and start again what is due.

        Raises:
            UserError: a service ended with a mistake of the user.
            UnavailableError: a service can't be kept alive.
        """
        for running in self._running.values():
            if running.start_again is not None:
                self._start_again(running)
            elif running.process.exit_code is not None:
                self._ended(running, running.process.exit_code)

    def finished(self, name: str) -> bool:
        """Say whether a service that isn't restarted has ended well."""
        return self._running[name].process.exit_code == 0

    def restarts(self) -> dict[str, int]:
        """Return how often each service was started again."""
        return {name: running.restarts for name, running in self._running.items()}

    def pids(self) -> dict[str, int]:
        """Return the process ids of the services that run."""
        alive = {name: running.process for name, running in self._running.items() if running.start_again is None}
        return {name: process.pid for name, process in alive.items() if process.exit_code is None}

    def stop(self, *names: str, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End these services (none named: all), one after the other in the order they were started in."""
        for name in names or tuple(self._running):
            running = self._running.get(name)
            if running is not None and running.process.exit_code is None:
                running.process.stop(timeout_s)

    def _ended(self, running: _Running, code: int) -> None:
        name, process = running.service.name, running.process
        if code == EXIT_USER_ERROR:
            raise UserError(f"{name}: {process.last_line().removeprefix('error: ')}")
        if not running.service.restarted:
            if code == 0:
                return
            raise UnavailableError(f"{name} {_how(code)}: {process.last_line()} (log: {process.log})")
        running.crashes = running.crashes + 1 if self._now() - running.started < _HEALTHY_S else 1
        if running.crashes > len(_BACKOFF_S):
            raise UnavailableError(
                f"{name} {_how(code)} {running.crashes} times in a row: {process.last_line()} (log: {process.log})"
            )
        wait = _BACKOFF_S[running.crashes - 1]
        self._say(f"{name} {_how(code)}; starting it again in {wait:g} s")
        running.start_again = self._now() + wait

    def _start_again(self, running: _Running) -> None:
        if running.start_again is not None and self._now() >= running.start_again:
            running.process = self._spawn(running.service)
            running.started, running.start_again = self._now(), None
            running.restarts += 1


def python_module(env: Mapping[str, str], folder: Path) -> Callable[[Service], Child]:
    """Return a function that runs a service with `env`, logging to `folder`/<name>.log."""

    def spawn(service: Service) -> Child:
        argv = [sys.executable, "-m", *service.args]
        return Child(service.name, argv, env=env, log=folder / f"{service.name}.log")

    return spawn


def _how(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
