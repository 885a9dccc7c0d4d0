"""Judging many cards together: their states move on in arrays, and what a screen points at goes to the core."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from analyzer.batch.columns import BoolArray, FloatArray, country_name
from analyzer.batch.familiar import Familiar, Uses, meet
from analyzer.batch.figures import Figures
from analyzer.batch.log import objects
from analyzer.batch.moment import Moments
from analyzer.batch.outcome import Kind
from analyzer.batch.past import Past, settle
from analyzer.batch.rounds import Habits, learn
from analyzer.batch.screens import pointed
from analyzer.batch.silences import Silences, silences
from analyzer.batch.work import Work
from analyzer.core.detect import Judge
from analyzer.core.features import Features
from analyzer.core.model import Transaction
from analyzer.core.sighting import Sight
from analyzer.core.window import CardWindow, Flag


@dataclass(eq=False)
class Together:
    """One batch's records that are in order, linked into the log."""

    judge_: Judge
    sight: Sight | None
    work: Work
    past: Past
    _judges: dict[int, Judge] = field(default_factory=dict)

    def judge(self) -> None:
        """Judge them, let their cards' states move on, and put down what came of each."""
        rows, cards, outcome = self.past.rows, self.work.store.cards, self.work.outcome
        uses = self._uses()
        after = Habits(cards.count[rows.slots].astype(np.int64), cards.mean[rows.slots], cards.m2[rows.slots])
        habit = learn(rows, after, uses.ln_amount, uses.approved)
        familiar = meet(rows, uses, cards, self.work.store.countries, self.work.store.devices)
        quiet = silences(rows, self.past.event_time_ms, cards)
        amount_z, sighted = self._sighted(habit, uses.ln_amount)
        outcome.kind[rows.at] = Kind.JUDGED
        outcome.sighted[rows.at] = sighted
        outcome.amount_z[rows.at[sighted]] = amount_z[sighted]
        moments = Moments(self.work, self.past, habit, familiar, quiet, sighted)
        self._ask(moments)
        self._move_on(after, familiar, quiet, sighted)

    def _uses(self) -> Uses:
        columns, at = self.work.columns, self.past.rows.at
        devices = objects(columns.device_ids)[at]
        used = np.array([one is not None for one in devices.tolist()], np.bool_)
        return Uses(
            self.past.event_time_ms, columns.ln_amount[at], columns.approved[at], columns.country[at], devices, used
        )

    def _sighted(self, habit: Habits, ln_amount: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Return the z-score of each record, (n,), and which ones are sighted, as `Sight.sight` has it."""
        sight = self.sight
        if sight is None:
            return np.full(len(ln_amount), np.nan), np.zeros(len(ln_amount), np.bool_)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (ln_amount - habit.mean) / np.maximum(habit.sd(), sight.least_sd)
        seen = self.work.columns.at_terminal[self.past.rows.at] | sight.online
        return z, (habit.count >= sight.least_history) & seen & ~(z < sight.least_z)

    def _ask(self, moments: Moments) -> None:
        """Let the core judge what screens point at, in the order of each card's records."""
        rows, flags = self.past.rows, self.work.store.flags
        found = pointed(self.judge_.rules, self._figures(moments))
        slots = rows.slots[rows.card[found.at]]
        for row, slot, place, by in zip(
            found.at.tolist(), slots.tolist(), rows.at[found.at].tolist(), found.by.tolist(), strict=True
        ):
            asked = by
            if by & found.once_flagged and not self._alike(flags.get(slot, ()), place):
                asked &= ~found.once_flagged
            if asked:
                transaction = self.work.read(place)
                self._judge_one(moments.features(row, transaction), transaction, slot, place, asked)

    def _alike(self, flags: tuple[Flag, ...], place: int) -> bool:
        """Tell whether the record at an index has the country or the device of one of the flags."""
        if not flags:
            return False
        name, country = self.work.columns.device_ids[place], country_name(int(self.work.columns.country[place]))
        device = None if name is None else name.decode()
        return any(one.country == country or (device is not None and one.device_id == device) for one in flags)

    def _judge_one(self, seen: Features, transaction: Transaction, slot: int, place: int, asked: int) -> None:
        """Judge by the rules of the bits `asked`: the others find nothing."""
        judge = self._judges.get(asked) or self._judges.setdefault(asked, self._judge_by(asked))
        verdict = judge.verdict(seen, transaction)
        if not verdict.findings and not verdict.shadow:
            return
        self.work.outcome.verdicts[place] = verdict
        self.work.store.cards.flagged[slot] += verdict.flagged
        if judge.on_its_own(verdict):
            self.work.store.flags[slot] = CardWindow(flags=self.work.store.flags.get(slot, ())).flags_with(
                seen.now, seen.device_id
            )

    def _judge_by(self, asked: int) -> Judge:
        return replace(self.judge_, rules=tuple(rule for bit, rule in enumerate(self.judge_.rules) if asked >> bit & 1))

    def _figures(self, moments: Moments) -> Figures:
        columns, rows = self.work.columns, self.past.rows
        at = rows.at
        return Figures(
            event_time_ms=self.past.event_time_ms,
            amount_minor=columns.amount_minor[at],
            ln_amount=columns.ln_amount[at],
            card_present=columns.card_present[at],
            approved=columns.approved[at],
            has_place=columns.has_place[at],
            latitude=columns.latitude[at],
            longitude=columns.longitude[at],
            habit=moments.habit,
            judged=self.work.store.cards.judged[rows.slots][rows.card] + rows.rank,
            country_age_ms=moments.familiar.countries.age_ms,
            device_age_ms=moments.familiar.devices.age_ms,
            device_habit=moments.familiar.device_before,
            silence_from_ms=moments.silences.from_ms,
            silence_until_ms=moments.silences.until_ms,
            log=self.work.store.log,
            pairs=self.past.pairs,
        )

    def _move_on(self, habit: Habits, familiar: Familiar, quiet: Silences, sighted: BoolArray) -> None:
        rows, cards = self.past.rows, self.work.store.cards
        slots, lasts = rows.slots, rows.lasts
        cards.applied_offset[slots] = self.work.columns.offsets[rows.at[lasts]]
        cards.judged[slots] += rows.counts
        cards.sighted[slots] += np.bincount(rows.card[sighted], minlength=len(slots))
        cards.count[slots], cards.mean[slots], cards.m2[slots] = habit.count, habit.mean, habit.m2
        cards.silence_from_ms[slots], cards.silence_until_ms[slots] = quiet.from_ms[lasts], quiet.until_ms[lasts]
        cards.country[slots], cards.country_since_ms[slots] = familiar.country.name, familiar.country.since_ms
        cards.device[slots], cards.device_since_ms[slots] = familiar.device.name, familiar.device.since_ms
        bought = familiar.first_device_after
        cards.device_count[slots], cards.device_mean[slots] = bought.count, bought.mean
        cards.device_m2[slots] = bought.m2
        self._count_others(familiar)
        cards.dirty[slots] = True
        settle(self.past, self.work.store, self.judge_.allowed_lateness_ms)

    def _count_others(self, familiar: Familiar) -> None:
        others = self.work.store.cards.others
        for changed, known in (
            (familiar.countries.changed, self.work.store.countries),
            (familiar.devices.changed, self.work.store.devices),
        ):
            for slot in changed:
                others[slot] = max(others[slot], len(known[slot]))
