"""A terminal's window, and judging: one sighting against it, and which transactions are flagged by that.

A verdict of a card never changes; here a sighting that comes late may show that others were part of a surge, which
are flagged then. Which are flagged in the end is a function of the set of sightings, as long as none is late.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from analyzer.core.detect import Duplicate, Late, Replayed
from analyzer.core.model import DAY_MS, Verdict
from analyzer.core.sighting import Sighting
from analyzer.core.terminal_surge import TerminalSurge

RETENTION_MS: Final = 35 * DAY_MS
"""With a virtual clock, partitions may lag each other by days of event time."""
MAX_KEPT: Final = 1_000
"""Sightings kept of a terminal; at about 150 bytes each, its state stays far below a record's 1 MB."""


class Kept(NamedTuple):
    """A sighting that a terminal's window holds."""

    sighting: Sighting
    told: bool = False
    """Whether it was flagged here, or would have been but for the shadow."""


class TerminalWindow(NamedTuple):
    """All that is remembered of one terminal. A tuple, as what it holds: one is made for every sighting."""

    applied_offset: int = -1
    """Offset of the last record that this state contains, in the terminal's partition."""

    seen: int = 0
    """Sightings taken in, ever."""

    flagged: int = 0
    """Transactions flagged here, ever; in the shadow none is."""

    late: int = 0
    duplicate: int = 0

    forgotten: int = 0
    """Sightings dropped before their time, since there were too many."""

    kept: tuple[Kept, ...] = ()
    """In event time; those of one time by transaction id, so that the order of arrival leaves no trace."""

    def newest_ms(self) -> int | None:
        """Return the newest event time taken in, or None for a new terminal."""
        return _time(self.kept[-1]) if self.kept else None

    def contains(self, transaction_id: str) -> bool:
        """Tell whether the window holds that transaction already."""
        for one in self.kept:  # noqa: SIM110 - a loop is twice as fast as any(), and it runs for every sighting
            if one.sighting.transaction_id == transaction_id:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Flagged:
    """A transaction that is flagged now, and why; in the shadow, one that would be."""

    sighting: Sighting
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Seen:
    """The sighting is new and in time."""

    flagged: tuple[Flagged, ...]
    """What it made flagged: itself, others, or nothing; in event time."""

    forgotten: int = 0
    """Sightings that had to make room for it before their time."""


TerminalOutcome = Seen | Late | Duplicate | Replayed


@dataclass(frozen=True, slots=True)
class TerminalJudge:
    """Judges sightings one by one; how strictly is in its fields."""

    rule: TerminalSurge
    """What a terminal's sightings are checked against."""

    alert_threshold: float
    """Score from which a verdict is flagged; above 0."""

    retention_ms: int = RETENTION_MS
    """How much older than its terminal's newest a sighting may be, in event time."""

    shadow: bool = False
    """Whether the rule runs without alerting."""

    max_kept: int = MAX_KEPT
    """Sightings that a terminal remembers at most."""

    def judge(self, window: TerminalWindow, sighting: Sighting, offset: int) -> tuple[TerminalWindow, TerminalOutcome]:
        """Return the terminal's window after the record, and what the record was.

        Args:
            window: what is known of the terminal before.
            sighting: the record's content.
            offset: the record's, in the partition that the window's offset is of.
        """
        if offset <= window.applied_offset:
            return window, Replayed()
        if window.contains(sighting.transaction_id):
            return window._replace(applied_offset=offset, duplicate=window.duplicate + 1), Duplicate()
        newest_ms = window.newest_ms()
        if newest_ms is not None and self._late(window, newest_ms, sighting):
            late = window._replace(applied_offset=offset, late=window.late + 1)
            return late, Late(newest_ms - sighting.event_time_ms)
        return self._seen(window, sighting, offset)

    def verdict(self, sighting: Sighting) -> Verdict:
        """Return what the surge and the card's own rules together say of a transaction found."""
        finding = self.rule.finding(sighting)
        score = 1.0 - (1.0 - finding.score) * (1.0 - sighting.score)
        return Verdict(score, score >= self.alert_threshold, (finding,))

    def _late(self, window: TerminalWindow, newest_ms: int, sighting: Sighting) -> bool:
        # Of the oldest time in a full window, and of those before, a sighting may have been forgotten.
        full = len(window.kept) >= self.max_kept
        forgotten = full and sighting.event_time_ms <= _time(window.kept[0])
        return forgotten or newest_ms - sighting.event_time_ms >= self.retention_ms

    def _seen(self, window: TerminalWindow, sighting: Sighting, offset: int) -> tuple[TerminalWindow, Seen]:
        kept = list(window.kept)
        insort(kept, Kept(sighting), key=_order)
        flagged = self._flagged(kept, sighting.event_time_ms)
        # One window more than may still come: what comes then has all that it needs beside it.
        oldest_ms = _time(kept[-1]) - self.retention_ms - self.rule.window_ms
        needed = kept[bisect_right(kept, oldest_ms, key=_time) :]
        forgotten = max(0, len(needed) - self.max_kept)
        after = TerminalWindow(
            applied_offset=offset,
            seen=window.seen + 1,
            flagged=window.flagged + (0 if self.shadow else len(flagged)),
            late=window.late,
            duplicate=window.duplicate,
            forgotten=window.forgotten + forgotten,
            kept=_with_told(needed[forgotten:], {one.sighting.transaction_id for one in flagged}),
        )
        return after, Seen(flagged, forgotten)

    def _flagged(self, kept: list[Kept], around_ms: int) -> tuple[Flagged, ...]:
        found = self.rule.found([one.sighting for one in kept], around_ms)
        if not found:
            return ()
        new = (one.sighting for one in kept if not (one.told or one.sighting.flagged))
        verdicts = (Flagged(one, self.verdict(one)) for one in new if one.transaction_id in found)
        return tuple(one for one in verdicts if one.verdict.flagged)


def _time(kept: Kept) -> int:
    return kept.sighting.event_time_ms


def _order(kept: Kept) -> tuple[int, str]:
    return kept.sighting.event_time_ms, kept.sighting.transaction_id


def _with_told(kept: Sequence[Kept], told: Collection[str]) -> tuple[Kept, ...]:
    if not told:
        return tuple(kept)
    return tuple(one._replace(told=True) if one.sighting.transaction_id in told else one for one in kept)
