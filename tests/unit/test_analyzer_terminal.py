"""Sightings, terminals' windows, and that the order in which sightings arrive changes nothing in the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from analyzer.analyst import Analyst
from analyzer.by_record import ByRecord
from analyzer.core.detect import Duplicate, Judged, Late, Outcome, Replayed
from analyzer.core.model import DAY_MS, HOUR_MS, Verdict
from analyzer.core.sighting import Sight, Sighting
from analyzer.core.terminal import Flagged, Seen, TerminalJudge, TerminalOutcome, TerminalWindow
from analyzer.core.terminal_surge import TerminalSurge
from analyzer.core.window import CardWindow
from analyzer.desk import Notifier, TerminalDesk
from analyzer.metrics import TerminalMetrics
from analyzer.ports import Outgoing
from analyzer.states import WindowStates
from analyzer.terminal_wire import SightingReader, TerminalCodec, sighting_record
from analyzer.wire import checked, notification_id
from schemas.codec import Decoder, Encoder
from schemas.errors import BadRecordError
from schemas.registry import FakeRegistry
from schemas.topics import NOTIFICATIONS, SHADOW, SIGHTINGS, TERMINALS_CHANGELOG
from tests.analyzer_input import NOON_MS, batch, judge, record, sight, surge, terminal_judge

HOURLY = surge(limit_cards=3, window_hours=10)


def sighting(number: int = 0, hours: float = 0, card: object = None, **changes: Any) -> Sighting:
    """Return a sighting `hours` after noon, of a card of its own unless `card` says otherwise."""
    one = Sighting(
        transaction_id=f"t-{number:03}",
        card_id=f"card-{number if card is None else card}",
        card_last_four="4242",
        user_id="user",
        event_time_ms=NOON_MS + round(hours * HOUR_MS),
        amount_minor=12_500,
        currency="EUR",
        merchant_id="merchant",
        merchant_name="Corner Shop",
        merchant_category="5411",
        country="DE",
        terminal_id="ter_1",
        amount_z=1.5,
        score=0.0,
        flagged=False,
    )
    return one._replace(**changes)


def judged(
    sightings: Iterable[Sighting], judge: TerminalJudge, window: TerminalWindow | None = None
) -> tuple[TerminalWindow, list[TerminalOutcome]]:
    """Judge them in this order and return the window after them and what each was."""
    window, outcomes = window or TerminalWindow(), []
    for offset, one in enumerate(sightings, start=window.applied_offset + 1):
        window, outcome = judge.judge(window, one, offset)
        outcomes.append(outcome)
    return window, outcomes


def flagged(outcomes: Iterable[TerminalOutcome]) -> list[Flagged]:
    return [one for outcome in outcomes if isinstance(outcome, Seen) for one in outcome.flagged]


def ids(outcomes: Iterable[TerminalOutcome]) -> list[str]:
    return [one.sighting.transaction_id for one in flagged(outcomes)]


def each(outcomes: Iterable[TerminalOutcome]) -> list[list[str]]:
    return [ids([outcome]) for outcome in outcomes]


def test_the_card_that_is_one_too_many_is_flagged_with_those_before_it_in_the_window() -> None:
    sightings = [sighting(number, hours=number) for number in range(5)]
    _, outcomes = judged(sightings, terminal_judge(rule=HOURLY))
    assert each(outcomes) == [[], [], [], ["t-000", "t-001", "t-002", "t-003"], ["t-004"]]


def test_without_looking_back_only_what_ends_a_full_window_is_flagged() -> None:
    sightings = [sighting(number, hours=number) for number in range(5)]
    _, outcomes = judged(sightings, terminal_judge(rule=replace(HOURLY, look_back=False)))
    assert each(outcomes) == [[], [], [], ["t-003"], ["t-004"]]


def test_a_card_counts_once_however_often_it_is_sighted() -> None:
    sightings = [sighting(number, hours=number / 10, card=number % 3) for number in range(30)]
    assert ids(judged(sightings, terminal_judge(rule=HOURLY))[1]) == []


@pytest.mark.parametrize(("hours", "surge"), [(9.999, True), (10, False)])
def test_a_window_holds_what_is_younger_than_its_length(hours: float, *, surge: bool) -> None:
    sightings = [sighting(0), sighting(1, 1), sighting(2, 2), sighting(3, hours)]
    assert bool(ids(judged(sightings, terminal_judge(rule=HOURLY))[1])) == surge


def test_amounts_below_the_rules_own_threshold_do_not_count() -> None:
    sightings = [sighting(number, hours=number, amount_z=1.4) for number in range(9)]
    assert ids(judged(sightings, terminal_judge(rule=replace(HOURLY, least_z=1.5)))[1]) == []


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0)])
def test_smaller_amounts_do_not_count_but_are_found_where_too_many_that_count_are(order: tuple[int, ...]) -> None:
    small = {1: 0.9, 4: 0.4}
    sightings = [sighting(number, hours=number, amount_z=small.get(number, 1.5)) for number in range(5)]
    judge = terminal_judge(rule=replace(HOURLY, least_z_found=0.5, limit_cards=2))
    assert ids(judged([sightings[n] for n in order if n != 3], judge)[1]) == []
    assert sorted(ids(judged([sightings[n] for n in order], judge)[1])) == ["t-000", "t-001", "t-002", "t-003"]


def test_a_sighting_that_arrives_last_flags_the_later_ones_whose_window_holds_it() -> None:
    on_time = [sighting(number, hours=3 + number) for number in range(3)]
    _, outcomes = judged([*on_time, sighting(9, hours=1)], terminal_judge(rule=replace(HOURLY, look_back=False)))
    assert each(outcomes) == [[], [], [], ["t-002"]]


def test_what_the_cards_own_rules_flagged_is_evidence_and_is_not_told_again() -> None:
    sightings = [sighting(number, hours=number, flagged=number < 3, score=0.8) for number in range(4)]
    window, outcomes = judged(sightings, terminal_judge(rule=HOURLY))
    assert ids(outcomes) == ["t-003"]
    assert window.flagged == 1


def test_the_surge_and_the_cards_own_findings_weigh_together() -> None:
    weak = terminal_judge(rule=replace(HOURLY, score=0.4))
    sightings = [sighting(number, hours=number, score=0.3 if number == 2 else 0.0) for number in range(4)]
    (told,) = flagged(judged(sightings, weak)[1])
    assert told.sighting.transaction_id == "t-002"
    assert told.verdict.score == pytest.approx(1 - 0.6 * 0.7)


def test_the_evidence_names_the_terminal_and_the_limit() -> None:
    told = flagged(judged([sighting(number) for number in range(7)], terminal_judge(rule=HOURLY))[1])
    (evidence,) = {one.verdict.findings[0].evidence for one in told}
    assert evidence == (
        "at least 4 cards with amounts 1 or more standard deviations above their habit at terminal ter_1 within 10 h,"
        " limit 3"
    )


def test_a_web_shop_has_a_limit_of_its_own() -> None:
    sightings = [sighting(number, terminal_id=None) for number in range(6)]
    judge = terminal_judge(rule=replace(HOURLY, limit_cards_online=5))
    told = flagged(judged(sightings, judge)[1])
    assert len(told) == 6
    assert "at least 6 cards" in told[0].verdict.findings[0].evidence
    assert "at web shop merchant" in told[0].verdict.findings[0].evidence


def test_a_record_read_again_changes_nothing_and_a_repeated_sighting_is_counted() -> None:
    judge = terminal_judge(rule=HOURLY)
    window, _ = judge.judge(TerminalWindow(), sighting(), 7)
    assert judge.judge(window, sighting(), 7) == (window, Replayed())
    again, outcome = judge.judge(window, sighting(), 8)
    assert (again, outcome) == (window._replace(applied_offset=8, duplicate=1), Duplicate())


def test_what_is_older_than_a_terminal_remembers_is_late_and_counted() -> None:
    judge = terminal_judge(rule=HOURLY, retention_ms=DAY_MS)
    window, _ = judged([sighting(0, hours=24)], judge)
    after, outcome = judge.judge(window, sighting(1, hours=0), 1)
    assert (after.late, after.seen, outcome) == (1, 1, Late(DAY_MS))
    assert isinstance(judge.judge(window, sighting(1, hours=0.001), 1)[1], Seen)


def test_what_the_oldest_that_may_still_come_needs_beside_it_is_kept() -> None:
    judge = terminal_judge(rule=HOURLY, retention_ms=DAY_MS)
    before = [sighting(number, hours=number) for number in range(3)]
    window, _ = judged([*before, sighting(8, hours=26.5)], judge)
    _, outcome = judge.judge(window, sighting(9, hours=2.6), 10)
    assert ids([outcome]) == ["t-000", "t-001", "t-002", "t-009"]
    gone, _ = judge.judge(window, sighting(9, hours=60), 10)
    assert [one.sighting.transaction_id for one in gone.kept] == ["t-008", "t-009"]


def test_a_terminal_with_too_many_forgets_its_oldest_and_says_so() -> None:
    judge = terminal_judge(rule=HOURLY, max_kept=5)
    window, outcomes = judged([sighting(number, hours=number, card=1) for number in range(7)], judge)
    assert [one.sighting.transaction_id for one in window.kept] == [f"t-00{number}" for number in range(2, 7)]
    assert window.forgotten == 2
    assert [outcome.forgotten for outcome in outcomes if isinstance(outcome, Seen)] == [0, 0, 0, 0, 0, 1, 1]
    repeated, outcome = judge.judge(window, sighting(0, hours=0, card=1), 7)
    assert isinstance(outcome, Late), "its first appearance may have been forgotten"
    assert repeated.seen == 7


SETS = st.lists(
    st.builds(
        sighting,
        number=st.integers(0, 60),
        hours=st.one_of(st.integers(0, 60), st.floats(0, 60)),
        card=st.integers(0, 6),
        amount_z=st.sampled_from([0.4, 0.5, 1.0, 1.2, 3.0]),
        flagged=st.booleans(),
        score=st.sampled_from([0.0, 0.2]),
    ),
    max_size=40,
    unique_by=lambda one: one.transaction_id,
)
RULES = st.builds(
    surge,
    limit_cards=st.integers(1, 4),
    window_hours=st.integers(1, 20),
    least_z=st.sampled_from([1.0, 1.2]),
    least_z_found=st.sampled_from([0.5, 1.0]),
    look_back=st.booleans(),
    score=st.sampled_from([0.45, 0.5]),
)


def expected(sightings: Sequence[Sighting], judge: TerminalJudge) -> set[str]:
    """Return what the rule's words say, of the whole set at once."""
    rule, found = judge.rule, set()
    able = [one for one in sightings if one.amount_z >= rule.least_z_found]
    for end in able:
        held = [one for one in able if 0 <= end.event_time_ms - one.event_time_ms < rule.window_ms]
        if len({one.card_id for one in held if one.amount_z >= rule.least_z}) > rule.limit_cards:
            found |= {one.transaction_id for one in held if rule.look_back or one.event_time_ms == end.event_time_ms}
    return {
        one.transaction_id
        for one in sightings
        if one.transaction_id in found and not one.flagged and judge.verdict(one).flagged
    }


@given(sightings=SETS, rule=RULES, data=st.data())
def test_in_whatever_order_sightings_arrive_and_are_read_again_the_same_are_told_once_with_the_same_words(
    sightings: list[Sighting], rule: TerminalSurge, data: st.DataObject
) -> None:
    judge = terminal_judge(rule=rule)
    order = data.draw(st.permutations(sightings))
    window, durable = TerminalWindow(), TerminalWindow()
    told: dict[str, set[Verdict]] = {}
    offset, crashes = 0, data.draw(st.lists(st.integers(0, 60), max_size=3))
    while offset < len(order):
        window, outcome = judge.judge(window, order[offset], offset)
        offset += 1
        for one in flagged([outcome]):
            told.setdefault(one.sighting.transaction_id, set()).add(one.verdict)
        if data.draw(st.booleans()):
            durable = window
        if offset in crashes:
            crashes.remove(offset)  # what was told stays told; the state is read again and the rest judged again
            window, offset = durable, durable.applied_offset + 1
    assert told.keys() == expected(sightings, judge)
    assert all(len(verdicts) == 1 for verdicts in told.values())
    assert (window.seen, window.flagged) == (len(sightings), len(told))
    in_order, _ = judged(sorted(sightings, key=lambda one: (one.event_time_ms, one.transaction_id)), judge)
    assert window._replace(applied_offset=0) == in_order._replace(applied_offset=0)


@given(sightings=SETS, rule=RULES, data=st.data())
def test_sightings_that_are_repeated_after_a_crash_are_counted_and_change_nothing_else(
    sightings: list[Sighting], rule: TerminalSurge, data: st.DataObject
) -> None:
    judge = terminal_judge(rule=rule)
    repeats = data.draw(st.lists(st.sampled_from(sightings), max_size=9)) if sightings else []
    window, outcomes = judged(data.draw(st.permutations([*sightings, *repeats])), judge)
    assert sorted(ids(outcomes)) == sorted(expected(sightings, judge))
    assert (window.seen, window.duplicate) == (len(sightings), len(repeats))


def known() -> CardWindow:
    """Return a card that spends about 12.50 EUR, and has done so often enough."""
    window = CardWindow()
    for number in range(8):
        one = checked(record(transactionId=f"before-{number}", eventTime=NOON_MS - (9 - number) * HOUR_MS))
        window, _ = judge().judge(window, one, number)
    return window


def sighted(window: CardWindow, sight: Sight, **changes: Any) -> tuple[CardWindow, Sighting | None]:
    transaction = checked(record(**changes))
    after, outcome = judge().judge(window, transaction, window.applied_offset + 1)
    return sight.sight(window, after, transaction, outcome)


def test_an_amount_above_the_cards_habit_is_sighted_and_counted() -> None:
    window, found = sighted(known(), sight(), amountMinor=2_500)
    assert found is not None
    assert (found.transaction_id, found.terminal, found.flagged) == (record()["transactionId"], "terminal-1", False)
    assert 1.38 < found.amount_z < 1.39, "ln 2 is 1.39 of the least standard deviation"
    assert window.sighted == 1


@pytest.mark.parametrize(
    "changes",
    [{"amountMinor": 1_500}, {"amountMinor": 2_500, "terminalId": None, "channel": "CARD_NOT_PRESENT"}],
    ids=["within the habit", "online"],
)
def test_what_is_ordinary_or_online_is_not_sighted(changes: dict[str, Any]) -> None:
    window, found = sighted(known(), sight(), **changes)
    assert (window.sighted, found) == (0, None)


def test_purchases_online_can_be_sighted_by_merchant() -> None:
    _, found = sighted(known(), sight(online=True), amountMinor=2_500, terminalId=None)
    assert found is not None
    assert found.terminal == "merchant-1"


def test_a_card_without_a_habit_sights_nothing() -> None:
    assert sighted(CardWindow(), sight(), amountMinor=10**9)[1] is None


@pytest.mark.parametrize("outcome", [Late(1), Duplicate(), Replayed()])
def test_only_what_is_judged_is_sighted(outcome: Outcome) -> None:
    window, transaction = known(), checked(record(amountMinor=10**6))
    assert sight().sight(window, window, transaction, outcome) == (window, None)
    assert sight().sight(window, window, transaction, Judged(Verdict(0.0, flagged=False, findings=())))[1] is not None


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def reader(registry: FakeRegistry) -> SightingReader:
    return SightingReader(Decoder(registry, reader="sighting", logical_types=False))


def encoded(registry: FakeRegistry, one: Sighting) -> bytes:
    return Encoder.registered("sighting", "sightings", registry).encode(sighting_record(one))


@pytest.mark.parametrize("terminal", ["ter_1", None])
def test_a_sighting_comes_back_from_its_bytes(
    registry: FakeRegistry, reader: SightingReader, terminal: str | None
) -> None:
    one = sighting(terminal_id=terminal, amount_z=1.0000000001, score=0.3)
    assert reader.read(one.terminal.encode(), encoded(registry, one)) == one


@pytest.mark.parametrize(
    ("key", "changes", "reason"),
    [
        (b"ter_2", {}, "the key is not the record's terminal"),
        (None, {}, "the key is not"),
        (b"ter_1", {"amount_z": float("nan")}, "amountZ nan is not a number"),
        (b"ter_1", {"score": 1.5}, "score 1.5 is not from 0 to 1"),
    ],
)
def test_a_record_that_can_be_no_sighting_is_named(
    registry: FakeRegistry, reader: SightingReader, key: bytes | None, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadRecordError, match=reason):
        reader.read(key, encoded(registry, sighting(**changes)))


def test_a_tombstone_is_no_sighting(reader: SightingReader) -> None:
    with pytest.raises(BadRecordError, match="tombstone"):
        reader.read(b"ter_1", None)


def test_a_terminal_state_comes_back_from_its_bytes(registry: FakeRegistry) -> None:
    window, _ = judged([sighting(number, hours=number) for number in range(5)], terminal_judge(rule=HOURLY, max_kept=4))
    codec = TerminalCodec(
        Encoder.registered("terminal_state", "analyzer-terminals-changelog", registry),
        Decoder(registry, reader="terminal_state", logical_types=False),
    )
    assert codec.decode(codec.encode(window)) == window
    assert codec.applied_offset(codec.encode(window)) == 4


class Post:
    """A terminal desk, and the records that come to it."""

    def __init__(self, max_kept: int = 1_000, *, shadow: bool = False) -> None:
        registry = FakeRegistry()
        self.sightings = Encoder.registered("sighting", SIGHTINGS, registry)
        self.decoder = Decoder(registry)
        self.metrics = TerminalMetrics(CollectorRegistry())
        states = TerminalCodec(
            Encoder.registered("terminal_state", TERMINALS_CHANGELOG, registry),
            Decoder(registry, reader="terminal_state", logical_types=False),
        )
        desk = TerminalDesk(
            reader=SightingReader(Decoder(registry, reader="sighting", logical_types=False)),
            judge_=terminal_judge(rule=HOURLY, max_kept=max_kept, shadow=shadow),
            notifier=Notifier(
                Encoder.registered("notification", NOTIFICATIONS, registry),
                Encoder.registered("notification", SHADOW, registry),
                today,
                "1",
            ),
            metrics=self.metrics,
        )
        self.states = WindowStates(states)
        self.analyst = Analyst(ByRecord(desk, self.states), max_dead_letters_in_a_row=3)

    def analyse(self, one: Sighting, offset: int) -> list[Outgoing]:
        value = self.sightings.encode(sighting_record(one))
        return self.analyst.analyse(batch((offset, one.terminal.encode(), value), topic=SIGHTINGS))

    def changed(self) -> list[str]:
        """Return the places of the states that changed since the last time."""
        return [f"{one.partition} {one.key.decode()}" for one in self.states.snapshot()]


def today() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def test_each_transaction_of_a_surge_becomes_a_notification_with_its_own_card_as_key() -> None:
    post = Post()
    results = [post.analyse(sighting(number, hours=number), number) for number in range(4)]
    assert [len(told) for told in results] == [0, 0, 0, 4]
    assert {(out.topic, out.key) for out in results[3]} == {
        (NOTIFICATIONS, f"card-{number}".encode()) for number in range(4)
    }
    told = [post.decoder.decode(out.value or b"")["eventDetail"] for out in results[3]]
    assert {one["notificationId"] for one in told} == {notification_id(f"t-00{number}") for number in range(4)}
    assert {one["findings"][0]["rule"] for one in told} == {"terminal_surge"}
    assert post.changed() == ["3 ter_1"]
    assert post.metrics.findings.labels("terminal_surge")._value.get() == post.metrics.flagged._value.get() == 4


def test_a_surge_in_the_shadow_goes_to_its_topic_once_and_alerts_nobody() -> None:
    post = Post(shadow=True)
    results = [post.analyse(sighting(number, hours=number), number) for number in range(5)]
    assert [[out.topic for out in told] for told in results] == [[], [], [], [SHADOW] * 4, [SHADOW]]
    assert post.states.window(3, "ter_1").flagged == 0
    assert post.metrics.flagged._value.get() == 0
    assert post.metrics.shadow_findings.labels("terminal_surge")._value.get() == 5


def test_a_sighting_read_again_tells_nobody() -> None:
    post = Post()
    for number in range(4):
        post.analyse(sighting(number), number)
    assert post.analyse(sighting(3), 3) == []
    assert post.analyse(sighting(3), 4) == []
    assert (post.metrics.replayed._value.get(), post.metrics.duplicates._value.get()) == (1, 1)


def test_sightings_that_are_forgotten_early_are_counted() -> None:
    post = Post(max_kept=2)
    for number in range(5):
        post.analyse(sighting(number, hours=number), number)
    assert post.metrics.forgotten._value.get() == 3
