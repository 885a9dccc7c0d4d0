"""The lazy features and the shared pass against the definition: every figure written down as plainly as possible."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.detect import Judge, Judged, noisy_or
from analyzer.core.features import Features, Span
from analyzer.core.model import DAY_MS, HOUR_MS, MINUTE_MS, Finding, Place, RecentTransaction, Transaction
from analyzer.core.window import CardWindow, Country, Device
from analyzer.wire import checked
from tests.analyzer_input import NOON_MS, judge, record


@dataclass
class Plainly:
    """What `Features` says of a transaction, computed at once and by definition from all that came before."""

    window: CardWindow
    one: Transaction
    now: RecentTransaction = field(init=False)

    def __post_init__(self) -> None:
        self.now, self.device_id = self.one.recent(), self.one.device_id
        at = self.one.event_time_ms
        known = [seen for seen in self.window.recent if seen.event_time_ms <= at]
        self.before = tuple(seen for seen in known if seen.event_time_ms > at - DAY_MS)
        self.day, self.hour, self.ten_minutes = (
            Span((*[seen for seen in known if seen.event_time_ms > at - width], self.now))
            for width in (DAY_MS, HOUR_MS, 10 * MINUTE_MS)
        )
        self.habit, self.judged = self.window.habit, self.window.judged
        self.flags, self.silence = self.window.flags, self.window.silence
        self.newest_ms = max((seen.event_time_ms for seen in self.window.recent), default=None)
        self.day_count = self.day.count
        present = [seen for seen in self.before if seen.card_present and seen.place]
        self.previous = self.before[-1] if self.before else None
        self.previous_present = present[-1] if present else None
        self.country: Country | None = {seen.name: seen for seen in self.window.countries}.get(self.one.country)
        self.device: Device | None = {seen.name: seen for seen in self.window.devices}.get(self.device_id or "")
        self.country_age_ms = self.age_ms([seen.name for seen in self.window.countries], self.country, self.one.country)
        self.device_age_ms = self.age_ms([seen.name for seen in self.window.devices], self.device, self.device_id)

    def age_ms(self, names: list[str], known: Country | Device | None, name: str | None) -> int | None:
        if not names or name is None or names[0] == name:
            return None
        return max(0, self.one.event_time_ms - known.since_ms) if known else 0


def plain_findings(by: Judge, window: CardWindow, one: Transaction) -> list[Finding]:
    seen = cast("Features", Plainly(window, one))
    found = [finding for rule in by.rules if (finding := rule.check(seen, one))]
    return sorted(found, key=lambda finding: (-finding.score, finding.rule))


_names = itertools.count()
STEPS = st.one_of(
    st.integers(-HOUR_MS, 2 * HOUR_MS),
    st.sampled_from([0, 1, 10 * MINUTE_MS, HOUR_MS, DAY_MS, 8 * DAY_MS, 30 * DAY_MS]),
)
USES = st.fixed_dictionaries(
    {
        "amountMinor": st.sampled_from([150, 1_000, 2_000, 9_000, 60_000]),
        "country": st.sampled_from(["DE", "DE", "BR"]),
        "deviceId": st.sampled_from([None, "phone", "other"]),
        "channel": st.sampled_from(["CARD_PRESENT", "CARD_NOT_PRESENT"]),
        "merchantCategory": st.sampled_from(["5411", "5815"]),
        "latitude": st.sampled_from([52.5, 52.6, -10.0]),
        "approved": st.sampled_from([True, True, False]),
    }
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(STEPS, USES), min_size=1, max_size=40))
def test_the_shared_pass_finds_what_the_definition_finds(uses: list[tuple[int, dict[str, object]]]) -> None:
    by, window, at_ms = judge(alert_threshold=0.4), CardWindow(), NOON_MS
    for offset, (step_ms, use) in enumerate(uses):
        at_ms += step_ms
        one = checked(record(transactionId=f"t-{next(_names)}", eventTime=at_ms, **use))
        findings = plain_findings(by, window, one)
        window, outcome = by.judge(window, one, offset)
        if isinstance(outcome, Judged):
            assert list(outcome.verdict.findings) == findings
            assert outcome.verdict.score == noisy_or(tuple(findings))
            assert outcome.verdict.flagged == (noisy_or(tuple(findings)) >= 0.4)


DEGREES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(DEGREES, DEGREES, st.floats(0, 21_000))
def test_what_can_not_be_beyond_a_distance_is_not(
    here: tuple[float, float], there: tuple[float, float], km: float
) -> None:
    one, other = Place(*here), Place(*there)
    if not one.may_be_beyond(km, other):
        assert one.km_to(other) <= km


def test_neighbours_are_known_to_be_near_without_computing_the_distance() -> None:
    assert not Place(52.52, 13.405).may_be_beyond(100, Place(52.39, 13.06))
    assert Place(52.52, 13.405).km_to(Place(52.39, 13.06)) == pytest.approx(27.5, abs=0.5)
