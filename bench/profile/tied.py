"""Runs a module in a process that dies with the one that started it: `python -m bench.profile.tied MODULE WORDS`.

Not through `demo/tether.py` as others are: that replaces the program, and py-spy loses sight of it.
"""

from __future__ import annotations

import os
import runpy
import sys

from demo.tether import tie

if __name__ == "__main__":
    tie(os.getppid())
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
