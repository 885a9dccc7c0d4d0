"""What py-spy has seen: stacks and how long each was there; and the sums over them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.places import ROOT
from bench.profile.parts import OTHER, Part

_IMPORT: Final = "importlib._bootstrap"
_WAITING: Final = {"selectors.py:select", "thread.py:_worker", "threading.py:wait", "runners.py:run"}
"""Where threads wait. py-spy leaves out those that sleep; now and then the system is late to say so."""
_LIBRARY: Final = re.compile(r".*/(?:site-packages|lib/python3\.\d+)/")


@dataclass(frozen=True, slots=True)
class Frame:
    """A function on a stack."""

    file: str
    """As a package has it, such as `analyzer/worker.py`."""
    name: str
    """With its class, and the function around it."""

    @property
    def waits(self) -> bool:
        """Tell whether it is one in which a thread waits."""
        return f"{self.file.rpartition('/')[2]}:{self.name.rpartition('.')[2]}" in _WAITING


@dataclass(frozen=True, slots=True)
class Sample:
    """A stack, and for how long it was there."""

    stack: tuple[Frame, ...]
    """Outermost first."""
    seconds: float


def load(file: Path) -> list[Sample]:
    """Return the samples in a file of py-spy's, of all threads; idle ones are in none."""
    found = json.loads(file.read_text())
    frames = [Frame(short(one["file"] or ""), one["name"]) for one in found["shared"]["frames"]]
    return [
        Sample(tuple(frames[at] for at in stack), weight)
        for profile in found["profiles"]
        for stack, weight in zip(profile["samples"], profile["weights"], strict=True)
        if stack and not frames[stack[-1]].waits
    ]


def short(file: str) -> str:
    """Return a file as its package has it."""
    return _LIBRARY.sub("", file).removeprefix(f"{ROOT}/")


def at_work(samples: Sequence[Sample]) -> list[Sample]:
    """Return them without those in which a module is imported: that is start-up."""
    return [one for one in samples if not any(_IMPORT in frame.file for frame in one.stack)]


def by_part(samples: Sequence[Sample], parts: Sequence[Part]) -> Counter[str]:
    """Return the seconds of each part."""
    found: Counter[str] = Counter()
    for one in samples:
        found[part_of(one, parts)] += one.seconds  # type: ignore[assignment] # a Counter adds floats too
    return found


def part_of(sample: Sample, parts: Sequence[Part]) -> str:
    """Return the part of the innermost frame that has one."""
    for frame in reversed(sample.stack):
        for part in parts:
            if part.has(frame.file, frame.name):
                return part.name
    return OTHER


def by_function(samples: Sequence[Sample]) -> Counter[Frame]:
    """Return the own seconds of each function."""
    found: Counter[Frame] = Counter()
    for one in samples:
        found[one.stack[-1]] += one.seconds  # type: ignore[assignment] # as above
    return found
