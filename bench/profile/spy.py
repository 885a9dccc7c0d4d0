"""py-spy around a service: it starts it, so that it may look at it without being root."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from bench.places import program
from demo.process import Child
from schemas.errors import UnavailableError

_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Look:
    """Where samples go, and how they are taken."""

    out: Path
    per_s: int
    stops: bool
    """Whether the service is held still for each: a millisecond, and far more if it has many threads. If not, some
    stacks are torn, and dropped."""

    def words(self, of: Sequence[str]) -> list[str]:
        """Return what to run as a module instead of `of`."""
        flags = () if self.stops else ("--moving",)
        return ["bench.profile", "--out", str(self.out), "--per-s", str(self.per_s), *flags, "--", *of]


def spied(of: Sequence[str], look: Look) -> int:
    """Run `python -m ...` under py-spy until it ends; its exit code.

    What was seen is in `look.out`, and the CPU seconds that it used in the file beside it.

    Raises:
        UnavailableError: py-spy may not look, or fails.
    """
    service = [sys.executable, "-m", "bench.profile.tied", *of]  # it dies with py-spy, which dies with this process
    out = look.out
    options = ["--format", "speedscope", "--rate", str(look.per_s), "--output", str(out)]
    argv = [str(program("py-spy")), "record", *options, *(() if look.stops else ("--nonblocking",))]
    child = Child("py-spy", [*argv, "--", *service], env=os.environ, log=out.with_suffix(".log"))
    told = _Told()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    cpu_s = 0.0
    while (code := child.wait(_LOOK_S)) is None:
        for process in _children(child.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                cpu_s = max(cpu_s, sum(process.cpu_times()[:2]))
                if told.pending:
                    process.terminate()
                    told.pending = False
    if not out.exists():
        raise UnavailableError(f"py-spy can't look at {of[0]}: {child.last_line()} (on macOS it must be root)")
    out.with_suffix(".cpu").write_text(str(cpu_s))
    return code


class _Told:
    def __init__(self) -> None:
        self.pending = False

    def __call__(self, _number: int, _frame: Any) -> None:
        self.pending = True


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []
