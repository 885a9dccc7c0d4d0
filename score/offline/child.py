"""Manners of a process that works for another: it ends when that one ends, and at Ctrl-C says nothing."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
from typing import Final

_ORPHANED: Final = 1


def behave() -> None:
    """Call this first in a child of multiprocessing."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(_ORPHANED)
