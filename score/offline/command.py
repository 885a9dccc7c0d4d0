"""What `python -m score offline` does, apart from its options."""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import dataclass, replace
from typing import Any, TextIO

from score.as_json import Json
from score.offline.outcome import Outcome, outcome
from score.offline.rules import Choice
from score.offline.seeds import Work, play, play_all
from score.offline.settings import OfflineSettings
from score.offline.source import Filed


@dataclass
class Meter:
    """Says on `out` how far a run is: a line that is written anew on a terminal, else one now and then."""

    out: TextIO
    every_s: float = 5.0
    _next_s: float = 0.0
    _began_s: float = 0.0

    def __post_init__(self) -> None:
        """Begin now."""
        self._began_s = time.monotonic()
        self._next_s = 0.0 if self.out.isatty() else self.every_s

    @property
    def elapsed_s(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began_s

    def __call__(self, done: int, whole: int) -> None:
        """Say it, if it is time to."""
        terminal = self.out.isatty()
        at_end = 0 < whole <= done
        if self.elapsed_s < self._next_s and not at_end:
            return
        self._next_s = self.elapsed_s + (0.2 if terminal else self.every_s)
        of = f" of {whole:,}" if whole else ""
        line = f"{done:,}{of} transactions judged, {self.elapsed_s:.0f} s"
        self.out.write(f"\r{line}" if terminal else f"{line}\n")
        if terminal and at_end:
            self.out.write("\n")
        self.out.flush()


def generated(settings: OfflineSettings, choice: Choice, meter: Meter) -> tuple[Outcome, Json]:
    """Judge what the generator makes, and return what came of it and what it cost.

    Raises:
        UserError: a rule or the rules file is wrong.
        UnavailableError: a process was ended from outside.
    """
    work = Work(settings, choice)
    played = play_all(work, meter)
    of: dict[str, Any] = {
        "preset": settings.preset,
        "difficulty": settings.difficulty,
        "seeds": list(work.seeds),
        "transactions": settings.transactions,
        "cards": settings.cards,
        "shadow": list(choice.shadow),
    }
    told = outcome(of, played, [str(seed) for seed in work.seeds], choice.off())
    return told, _cost(meter)


def filed(settings: OfflineSettings, choice: Choice, source: Filed, meter: Meter) -> tuple[Outcome, Json]:
    """Judge a file, with the rules that need no more than it has; return what came of it and what it cost.

    Raises:
        UserError: the file, its mapping, a rule or the rules file can't be used.
        UnavailableError: a process was ended from outside.
    """
    chosen = replace(choice, missing=source.pairs().missing)
    second = (settings.processes or os.cpu_count() or 1) > 1
    played = play(Work(settings, chosen), source, lambda done: meter(done, 0), second=second)
    of: dict[str, Any] = {
        "file": str(source.file),
        "mapping": source.mapping,
        "transactions": played.scores.oracle.transactions,
        "shadow": list(choice.shadow),
        "missing": sorted(chosen.missing),
    }
    return outcome(of, [played], [source.file.name], chosen.off()), _cost(meter)


def _cost(meter: Meter) -> Json:
    """Return time by the wall clock and of all cores, and the memory of this process and of its largest child."""
    unit = 1 if sys.platform == "darwin" else 1024
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(meter.elapsed_s, 1),
        "cpu_seconds": round(sum(used.ru_utime + used.ru_stime for used in (own, children)), 1),
        "own_peak_bytes": own.ru_maxrss * unit,
        "largest_child_peak_bytes": children.ru_maxrss * unit,
    }


def title(told: Outcome) -> str:
    """Return in a line what was judged."""
    of = told.of
    if "file" in of:
        return f"{of['file']}: {of['transactions']:,} transactions"
    seeds = of["seeds"]
    which = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}, 95 % intervals"
    each = f"{len(seeds)} x {of['transactions']:,}" if len(seeds) > 1 else f"{of['transactions']:,}"
    return f"{each} transactions, preset {of['preset']}, difficulty {of['difficulty']:g}, {which}"
