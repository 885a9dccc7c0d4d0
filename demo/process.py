"""Child processes that never outlive the demo, and never get its Ctrl-C.

Each runs in a session of its own, writes stdout and stderr to one log file, and is tied to the process
that started it (`demo/tether.py`). Signals go to that one process id alone.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas.errors import UnavailableError

HOST: Final = "127.0.0.1"
_TETHER: Final = Path(__file__).with_name("tether.py")
_PORTS: Final = range(20_000, 32_000)
"""Below what systems hand out to outgoing connections, so that none of them takes a port between look and use."""
_RESERVED: Final[list[socket.socket]] = []


class Child:
    """A running process."""

    def __init__(self, name: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path) -> None:
        """Start `argv` with exactly the environment `env`, appending its output to `log`."""
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        tether = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid())]
        with log.open("ab") as output:
            self._popen = subprocess.Popen(  # noqa: S603 - the commands are this project's own
                [*tether, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id, also of the command: the tether becomes it."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; the negative signal number when a signal ended it."""
        return self._popen.poll()

    def text(self) -> str:
        """Return what it has written so far."""
        return self.log.read_text(errors="replace")

    def last_line(self) -> str:
        """Return the last line it has written that isn't empty."""
        return next((line for line in reversed(self.text().splitlines()) if line.strip()), "(its log is empty)")

    def require_running(self) -> None:
        """Raise UnavailableError when it has ended."""
        if self.exit_code is not None:
            raise UnavailableError(f"the {self.name} has ended: {self.last_line()} (log: {self.log})")

    def pause(self) -> None:
        """Stop it where it is (SIGSTOP)."""
        self._popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._popen.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL) and wait until it is gone."""
        self._popen.kill()
        self._popen.wait()

    def wait(self, timeout_s: float) -> int | None:
        """Return its exit code, or None when it still runs after `timeout_s` seconds."""
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, timeout_s: float = 5.0) -> int:
        """Ask it to end, insist after `timeout_s` seconds, and return its exit code."""
        self.terminate()
        self.resume()
        if self.wait(timeout_s) is None:
            self.kill()
        return self._popen.wait()


def free_port() -> int:
    """Return a TCP port of the loopback interface on which nothing listens, and that no other caller gets.

    A child listens on it only later, and again after a crash. So that another demo doesn't take it meanwhile,
    this process holds the UDP port of the same number until it ends: nothing else here uses UDP.

    Raises:
        UnavailableError: none of many tries was free.
    """
    for port in random.sample(_PORTS, 100):
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        with socket.socket() as probe:
            try:
                reservation.bind((HOST, port))
                probe.bind((HOST, port))
            except OSError:
                reservation.close()
                continue
        _RESERVED.append(reservation)
        return port
    raise UnavailableError(f"no free port between {_PORTS.start} and {_PORTS.stop}")


def listens(port: int) -> bool:
    """Say whether something accepts connections on this loopback port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
