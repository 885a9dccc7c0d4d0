"""Judging: one record against its card's window, and what becomes of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Final, NamedTuple

from analyzer.core.features import Features, features
from analyzer.core.model import HOUR_MS, Finding, Transaction, Verdict
from analyzer.core.rules.base import Rule
from analyzer.core.rules.follow_up import FollowUp
from analyzer.core.window import MAX_RECENT, CardWindow


class Judged(NamedTuple):
    """The transaction is new and in time; this is what was found."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Late:
    """It is older than what its card remembers all of; it is counted and otherwise skipped."""

    behind_ms: int
    """How much older than the card's newest it is."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Its transaction is in the window already; it is counted and otherwise skipped."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The window contains this very record already; nothing changes."""


NOTHING_FOUND: Final = Verdict(0.0, flagged=False, findings=())
Outcome = Judged | Late | Duplicate | Replayed


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges records one by one; how strictly is in its fields."""

    rules: tuple[Rule, ...]
    """What a transaction is checked against."""

    alert_threshold: float
    """Score from which a verdict is flagged; above 0."""

    allowed_lateness_ms: int = HOUR_MS
    """How much older than its card's newest a transaction may be, in event time."""

    max_recent: int = MAX_RECENT
    """Transactions that a card remembers at most."""

    shadow: frozenset[str] = frozenset()
    """Names of the rules that run without alerting."""

    def judge(self, window: CardWindow, transaction: Transaction, offset: int) -> tuple[CardWindow, Outcome]:
        """Return the card's window after the record, and what the record was.

        Args:
            window: what is known of the card before.
            transaction: the record's content.
            offset: the record's, in the partition that the window's offset is of.
        """
        if offset <= window.applied_offset:
            return window, Replayed()
        if window.contains(transaction.transaction_id):
            return window.with_duplicate(offset), Duplicate()
        newest_ms = window.newest_ms()
        if newest_ms is not None and self._late(window, newest_ms, transaction):
            return window.with_late(offset), Late(newest_ms - transaction.event_time_ms)
        seen = features(window, transaction)
        verdict = self.verdict(seen, transaction)
        after = window.with_transaction(
            seen.now,
            seen.device_id,
            offset,
            flagged=verdict.flagged,
            on_its_own=self.on_its_own(verdict),
            allowed_lateness_ms=self.allowed_lateness_ms,
            max_recent=self.max_recent,
        )
        return after, Judged(verdict)

    def _late(self, window: CardWindow, newest_ms: int, transaction: Transaction) -> bool:
        # Of the oldest time in a full window, and of those before, a transaction may have been forgotten:
        # whether this one was judged already can't be told.
        full = len(window.recent) >= self.max_recent
        forgotten = full and transaction.event_time_ms <= window.recent[0].event_time_ms
        return forgotten or newest_ms - transaction.event_time_ms > self.allowed_lateness_ms

    def verdict(self, seen: Features, transaction: Transaction) -> Verdict:
        """Return what all rules together say."""
        found = []
        for rule in self.rules:
            finding = rule.check(seen, transaction)
            if finding is not None:
                found.append(finding)
        return self._weighed(found) if found else NOTHING_FOUND

    def on_its_own(self, verdict: Verdict) -> bool:
        """Tell whether it is flagged, and not only for being like something flagged.

        That must not make the next one like it: it would never end.
        """
        if not verdict.flagged:
            return False
        own = tuple(one for one in verdict.findings if one.rule != FollowUp.name)
        return noisy_or(own) >= self.alert_threshold

    def _weighed(self, found: list[Finding]) -> Verdict:
        counted = strongest_first(one for one in found if one.rule not in self.shadow)
        shadow = strongest_first(one for one in found if one.rule in self.shadow)
        score = noisy_or(counted)
        flagged = score >= self.alert_threshold
        shadow_flagged = noisy_or((*counted, *shadow)) >= self.alert_threshold if shadow else flagged
        return Verdict(score, flagged, counted, shadow, shadow_flagged)


def counting_shadow(verdict: Verdict) -> Verdict:
    """Return what the verdict would be if the shadow's findings counted too."""
    findings = strongest_first((*verdict.findings, *verdict.shadow))
    return Verdict(noisy_or(findings), verdict.shadow_flagged, findings, (), verdict.shadow_flagged)


def strongest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order in which they are told."""
    return tuple(sorted(findings, key=lambda finding: (-finding.score, finding.rule)))


def noisy_or(findings: tuple[Finding, ...]) -> float:
    """Return 1 - (1 - s1)(1 - s2)...: each finding alone may be enough, and each more makes it surer."""
    return 1.0 - prod(1.0 - finding.score for finding in findings)
