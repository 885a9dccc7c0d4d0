"""Many seeds, each in one process from its first transaction to its scores, as many at a time as there are cores."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Any, Final

from schemas.errors import UnavailableError
from score.offline import child
from score.offline.play import Play, Played
from score.offline.rules import Choice
from score.offline.settings import OfflineSettings
from score.offline.source import BATCH, Source, elsewhere, generated, here

LOOK_S: Final = 0.5
"""Between looks at how far the processes are."""

Progress = Callable[[int, int], None]
"""Is told how many transactions are judged, and of how many."""

_judged: Any = None


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be judged, and by what."""

    settings: OfflineSettings
    choice: Choice

    @property
    def seeds(self) -> range:
        """The seeds, one after the other."""
        return range(self.settings.seed, self.settings.seed + self.settings.seeds)

    @property
    def transactions(self) -> int:
        """Of all seeds together."""
        return self.settings.seeds * self.settings.transactions


def play_all(work: Work, progress: Progress) -> list[Played]:
    """Play every seed and return what came of each, in their order.

    Raises:
        UserError: a rule or the rules file is wrong.
        UnavailableError: a process was ended, for want of memory for example.
    """
    processes = work.settings.processes or os.cpu_count() or 1
    work.choice.judges()  # what is wrong with it is said once, here
    if work.settings.seeds > 1 and processes > 1:
        return _side_by_side(work, progress, processes)
    return [_alone(work, seed, progress, second=processes > 1) for seed in work.seeds]


def _alone(work: Work, seed: int, progress: Progress, *, second: bool) -> Played:
    before = (seed - work.settings.seed) * work.settings.transactions
    source = generated(work.settings, seed)
    return play(work, source, lambda done: progress(before + done, work.transactions), second=second)


def _side_by_side(work: Work, progress: Progress, processes: int) -> list[Played]:
    context = get_context("spawn")
    judged = context.Value(ctypes.c_int64, 0)
    workers = min(processes, work.settings.seeds)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(judged,)) as pool:
        futures = [pool.submit(_one, work, seed) for seed in work.seeds]
        _watch(futures, lambda: progress(judged.value, work.transactions))
        try:
            return [future.result() for future in futures]
        except BrokenProcessPool:
            raise UnavailableError(
                "a process that judges has been ended: memory? Choose fewer --transactions or --processes"
            ) from None


def _watch(futures: list[Future[Played]], look: Callable[[], None]) -> None:
    left = set(futures)
    while left:
        done, left = wait(left, timeout=LOOK_S)
        look()
        if any(future.exception() for future in done):
            for future in left:
                future.cancel()


def _begin(judged: Any) -> None:
    global _judged  # noqa: PLW0603 - a pool's process has no other way to keep what it was started with
    _judged = judged
    child.behave()


def _one(work: Work, seed: int) -> Played:
    counted = 0

    def count(done: int) -> None:
        nonlocal counted
        with _judged.get_lock():
            _judged.value += done - counted
        counted = done

    return play(work, generated(work.settings, seed), count, second=False)


def play(work: Work, source: Source, told: Callable[[int], None], *, second: bool) -> Played:
    """Judge a stream, which a `second` process makes if asked to; `told` learns how many transactions are judged.

    Raises:
        UserError: the source, a rule or the rules file can't be used.
        UnavailableError: the second process was ended.
    """
    judged, done = Play(work.choice.judges()), 0
    stream = elsewhere(source) if second else here(source)
    # The collector of cycles would look at all windows again and again, and they hold none.
    gc.collect()
    gc.disable()
    try:
        while batch := list(islice(stream, BATCH)):
            judged.take(batch)
            done += len(batch)
            told(done)
    finally:
        gc.enable()
    return judged.result(work.settings.top_k)
