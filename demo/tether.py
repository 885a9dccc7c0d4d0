"""Runs a command that dies with the process that started it, even when that one is killed.

    python tether.py PARENT_PID COMMAND ARGUMENT...

Linux sends the signal by itself (prctl PR_SET_PDEATHSIG, kept across exec). Elsewhere the command is run
as it is: it then outlives a parent that was killed with SIGKILL, and nothing else.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie(parent: int) -> None:
    """Tie this process to its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            raise SystemExit(1)


def main() -> None:
    """Tie this process to its parent and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    tie(parent)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is the caller's own
    except OSError as error:
        raise SystemExit(f"error: can't run {command[0]}: {error.strerror}") from None


if __name__ == "__main__":
    main()
