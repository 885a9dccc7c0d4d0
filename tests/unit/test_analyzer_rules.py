from __future__ import annotations

import dataclasses
import itertools
from typing import Any, ClassVar

import pytest

from analyzer.core import money
from analyzer.core.detect import Judge, Judged, counting_shadow, noisy_or
from analyzer.core.features import features
from analyzer.core.model import HOUR_MS, MINUTE_MS, SECOND_MS, Finding, Place, Transaction, Verdict
from analyzer.core.rules import RULES
from analyzer.core.rules.amount_outlier import AmountOutlier
from analyzer.core.rules.base import FIELDS, Rule
from analyzer.core.rules.card_testing import CardTesting
from analyzer.core.rules.first_seen import FirstSeen
from analyzer.core.rules.impossible_travel import ImpossibleTravel
from analyzer.core.rules.velocity import Velocity
from analyzer.core.window import CardWindow
from analyzer.wire import checked
from tests.analyzer_input import NOON_MS, record, rule

BERLIN = {"latitude": 52.52, "longitude": 13.405, "country": "DE"}
MADRID = {"latitude": 40.4168, "longitude": -3.7038, "country": "ES"}
ONLINE: dict[str, Any] = {
    "channel": "CARD_NOT_PRESENT",
    "latitude": None,
    "longitude": None,
    "terminalId": None,
    "deviceId": "phone",
}

_ids = itertools.count(1)


def transaction(after_ms: int = 0, **changes: Any) -> Transaction:
    return checked(record(transactionId=f"t-{next(_ids)}", eventTime=NOON_MS + after_ms, **changes))


def check(checked_by: Rule, *history: Transaction) -> Finding | None:
    """Return what `checked_by` finds in the last of `history`."""
    window = CardWindow()
    for offset, one in enumerate(history[:-1]):
        window = window.with_transaction(
            one.recent(), one.device_id, offset, flagged=False, on_its_own=False, allowed_lateness_ms=HOUR_MS
        )
    return checked_by.check(features(window, history[-1]), history[-1])


def every(step_ms: int, count: int, **changes: Any) -> list[Transaction]:
    """Return so many purchases, each at another merchant."""
    return [transaction(number * step_ms, **{"merchantId": f"m-{number}"} | changes) for number in range(count)]


def test_velocity_finds_one_transaction_more_than_its_limit_in_ten_minutes() -> None:
    found = check(rule(Velocity, limit_10_minutes=5), *every(11_600, 6))
    assert found is not None
    assert found.evidence == "6 purchases in 58 s, limit 5"
    assert (found.observed, found.threshold) == (6, 5)


def test_velocity_finds_nothing_at_its_limit() -> None:
    assert check(rule(Velocity, limit_10_minutes=5), *every(SECOND_MS, 5)) is None


def test_velocity_counts_an_hour_too() -> None:
    found = check(rule(Velocity, limit_10_minutes=5, limit_hour=7), *every(8 * MINUTE_MS, 8))
    assert found is not None
    assert found.evidence == "8 purchases in 3360 s, limit 7"


def test_fewer_transactions_are_too_many_when_they_are_above_the_habit() -> None:
    usual = every(HOUR_MS, 10, amountMinor=2_000)
    spree = [transaction(20 * HOUR_MS + n * 15 * MINUTE_MS, amountMinor=6_000, merchantId=f"m-{n}") for n in range(4)]
    found = check(rule(Velocity), *usual, *spree)
    assert found is not None
    assert found.evidence.startswith("4 purchases in 2700 s, in the mean 1.")
    assert found.evidence.endswith("standard deviations above habit, limit 3")
    assert check(rule(Velocity), *usual, *spree[:3]) is None
    assert check(rule(Velocity), *usual, *[one._replace(amount_minor=2_000) for one in spree]) is None


def test_a_declined_payment_that_is_tried_again_is_one_purchase() -> None:
    retries = [transaction(n * SECOND_MS, approved=False) for n in range(9)]
    assert check(rule(Velocity, limit_10_minutes=5), *retries) is None


def test_velocity_leaves_out_what_is_exactly_a_window_old() -> None:
    history = [transaction(0), *[transaction(10 * MINUTE_MS, merchantId=f"m-{n}") for n in range(5)]]
    assert check(rule(Velocity, limit_10_minutes=5), *history) is None
    assert check(rule(Velocity, limit_10_minutes=5), transaction(1), *history[1:]) is not None


def test_an_amount_far_above_the_habit_is_found_with_both_figures() -> None:
    usual = every(HOUR_MS, 10, amountMinor=2_000)
    found = check(rule(AmountOutlier), *usual, transaction(10 * HOUR_MS, amountMinor=90_000))
    assert found is not None
    assert found.evidence == (
        "900.00 EUR is 7.6 standard deviations above the usual 20.00 EUR of 10 transactions, limit 2.5"
    )
    assert found.observed > found.threshold == 2.5


def test_an_amount_at_the_limit_of_the_habit_is_not_found() -> None:
    usual = every(HOUR_MS, 10, amountMinor=9_999)
    # ln(amount + 1) lies exactly 1 above the mean: two standard deviations of at least 0.5.
    at_limit = transaction(10 * HOUR_MS, amountMinor=27_181)
    assert check(rule(AmountOutlier, limit_z=2.0), *usual, at_limit) is None
    assert check(rule(AmountOutlier, limit_z=1.99), *usual, at_limit) is not None


def test_a_card_without_history_has_no_outliers() -> None:
    usual = every(HOUR_MS, 7, amountMinor=2_000)
    large = transaction(10 * HOUR_MS, amountMinor=90_000)
    assert check(rule(AmountOutlier, least_history=8), *usual, large) is None
    assert check(rule(AmountOutlier, least_history=7), *usual, large) is not None


def test_declined_amounts_are_no_habit() -> None:
    tried = every(HOUR_MS, 20, amountMinor=2_000, approved=False)
    assert check(rule(AmountOutlier), *tried, transaction(20 * HOUR_MS, amountMinor=90_000)) is None


def test_a_small_amount_is_never_an_outlier() -> None:
    usual = every(HOUR_MS, 10, amountMinor=100)
    assert (
        check(rule(AmountOutlier, least_amount_minor=5_000), *usual, transaction(10 * HOUR_MS, amountMinor=5_000))
        is None
    )


def test_impossible_travel_names_distance_time_and_speed() -> None:
    found = check(rule(ImpossibleTravel), transaction(0, **BERLIN), transaction(HOUR_MS, **MADRID))
    assert found is not None
    assert found.evidence == "1869 km from DE to ES in 60 min is 1869 km/h, limit 900"


def test_a_flight_is_possible() -> None:
    assert check(rule(ImpossibleTravel), transaction(0, **BERLIN), transaction(3 * HOUR_MS, **MADRID)) is None


def test_the_speed_limit_itself_is_possible() -> None:
    history = transaction(0, **BERLIN), transaction(HOUR_MS, **MADRID)
    km = Place(52.52, 13.405).km_to(Place(40.4168, -3.7038))
    assert check(rule(ImpossibleTravel, limit_km_h=km + 0.001), *history) is None
    assert check(rule(ImpossibleTravel, limit_km_h=km - 0.001), *history) is not None


def test_neighbouring_towns_at_one_moment_are_possible() -> None:
    potsdam = {"latitude": 52.39, "longitude": 13.06}
    assert check(rule(ImpossibleTravel), transaction(0, **BERLIN), transaction(0, **potsdam)) is None


def test_two_places_at_one_moment_are_found_without_dividing_by_zero() -> None:
    found = check(rule(ImpossibleTravel), transaction(0, **BERLIN), transaction(0, **MADRID))
    assert found is not None
    assert found.observed == pytest.approx(1869 * 12, rel=0.01)


@pytest.mark.parametrize("unknown", [{"latitude": None, "longitude": None}, {"channel": "CARD_NOT_PRESENT"}])
def test_only_the_card_itself_at_known_places_travels(unknown: dict[str, Any]) -> None:
    assert check(rule(ImpossibleTravel), transaction(0, **BERLIN), transaction(1, **(MADRID | unknown))) is None
    assert check(rule(ImpossibleTravel), transaction(0, **(BERLIN | unknown)), transaction(1, **MADRID)) is None


def test_travel_is_measured_from_the_last_terminal_over_what_was_online_between() -> None:
    history = transaction(0, **BERLIN), transaction(1, **ONLINE), transaction(2, **MADRID)
    assert check(rule(ImpossibleTravel), *history) is not None


def card_tests(count: int, declined: int) -> list[Transaction]:
    return [transaction(n * 30_000, amountMinor=150, approved=n >= declined, **ONLINE) for n in range(count)]


def test_small_online_authorisations_with_declined_ones_are_card_testing() -> None:
    found = check(rule(CardTesting, limit=4), *card_tests(5, declined=2))
    assert found is not None
    assert found.evidence == "5 authorisations up to 25.00 EUR in 120 s, 2 declined, limit 4"


def test_card_testing_finds_nothing_at_its_limits() -> None:
    assert check(rule(CardTesting, limit=4), *card_tests(4, declined=2)) is None
    assert check(rule(CardTesting, limit=4, least_declined=2), *card_tests(5, declined=1)) is None


def test_digital_goods_count_as_tests_wherever_they_are_sold() -> None:
    at_terminal = [transaction(n * 1_000, amountMinor=150, merchantCategory="5815", approved=bool(n)) for n in range(5)]
    groceries = [transaction(n * 1_000, amountMinor=150, merchantCategory="5411", approved=bool(n)) for n in range(5)]
    assert check(rule(CardTesting, limit=4), *at_terminal) is not None
    assert check(rule(CardTesting, limit=4), *groceries) is None


def test_the_large_amount_that_follows_the_tests_is_found() -> None:
    large = transaction(30 * MINUTE_MS, amountMinor=60_000, **ONLINE)
    found = check(rule(CardTesting, limit=4), *card_tests(5, declined=2), large)
    assert found is not None
    assert found.evidence.endswith("2 declined, limit 4, then 600.00 EUR")
    ordinary = transaction(30 * MINUTE_MS, amountMinor=6_000, **ONLINE)
    assert check(rule(CardTesting, limit=4), *card_tests(5, declined=2), ordinary) is None


def at_home(count: int) -> list[Transaction]:
    phone = [transaction(0, **ONLINE)]
    return phone + every(8 * HOUR_MS, count, amountMinor=2_000, **BERLIN)[1:]


def test_a_new_country_with_other_evidence_is_found() -> None:
    abroad = transaction(80 * HOUR_MS, amountMinor=9_000, **(ONLINE | {"country": "BR"}))
    found = check(rule(FirstSeen), *at_home(10), abroad)
    assert found is not None
    assert found.evidence.startswith("first use in BR, amount 3.")
    assert found.evidence.endswith("standard deviations above habit, online; needs 2 beside the first")
    assert (found.observed, found.threshold) == (2, 2)


def test_a_new_device_at_night_with_a_large_amount_is_found() -> None:
    night = transaction(84 * HOUR_MS, amountMinor=9_000, **(ONLINE | {"deviceId": "other"}))
    found = check(rule(FirstSeen), *at_home(10), night)
    assert found is not None
    assert "first use with this device" in found.evidence
    assert "at night" in found.evidence


def test_something_new_alone_is_not_found() -> None:
    assert check(rule(FirstSeen), *at_home(10), transaction(80 * HOUR_MS, amountMinor=2_000, **MADRID)) is None


def test_one_piece_of_evidence_less_than_needed_is_not_found() -> None:
    abroad = transaction(80 * HOUR_MS, amountMinor=2_000, **(ONLINE | {"country": "BR"}))
    assert check(rule(FirstSeen, least_evidence=2), *at_home(10), abroad) is None
    assert check(rule(FirstSeen, least_evidence=1), *at_home(10), abroad) is not None


def test_for_a_new_card_nothing_is_new() -> None:
    abroad = transaction(50 * HOUR_MS, amountMinor=90_000, **(ONLINE | {"country": "BR"}))
    assert check(rule(FirstSeen, least_history=8), *at_home(7), abroad) is None


def test_a_declined_try_makes_no_device_familiar() -> None:
    tried = transaction(80 * HOUR_MS - 1, approved=False, **(ONLINE | {"deviceId": "other"}))
    again = transaction(80 * HOUR_MS, amountMinor=9_000, **(ONLINE | {"deviceId": "other"}))
    found = check(rule(FirstSeen), *at_home(10), tried, again)
    assert found is not None
    assert found.evidence.startswith("first use with this device")
    assert "1 declined within the hour" in found.evidence


def finding(score: float, rule: str = "velocity") -> Finding:
    return Finding(rule, "reason", "evidence", 2.0, 1.0, score)


def test_findings_combine_as_independent_reasons() -> None:
    assert noisy_or(()) == 0
    assert noisy_or((finding(0.5), finding(0.5))) == 0.75


@dataclasses.dataclass(frozen=True, slots=True)
class Always:
    name: ClassVar[str] = "a"
    needs: ClassVar[frozenset[str]] = frozenset()
    score: float

    def check(self, seen: object, transaction: Transaction) -> Finding:  # noqa: ARG002 - a rule's signature
        return finding(self.score, self.name)


class AlwaysToo(Always):
    name: ClassVar[str] = "b"


def verdict_of(*rules: Rule, shadow: frozenset[str] = frozenset()) -> Verdict:
    _, outcome = Judge(rules=rules, alert_threshold=0.6, shadow=shadow).judge(CardWindow(), transaction(), 0)
    assert isinstance(outcome, Judged)
    return outcome.verdict


def test_a_verdict_is_flagged_from_the_alert_threshold_on() -> None:
    assert verdict_of(Always(0.6)).flagged
    assert not verdict_of(Always(0.59)).flagged


def test_a_verdict_names_its_strongest_finding_first() -> None:
    assert [found.rule for found in verdict_of(Always(0.2), AlwaysToo(0.7)).findings] == ["b", "a"]


def test_a_rule_in_the_shadow_is_heard_and_alerts_nobody() -> None:
    verdict = verdict_of(Always(0.2), AlwaysToo(0.7), shadow=frozenset({"b"}))
    assert verdict.score == pytest.approx(0.2)
    assert (verdict.flagged, verdict.shadow_flagged) == (False, True)
    assert ([found.rule for found in verdict.findings], [found.rule for found in verdict.shadow]) == (["a"], ["b"])
    counted = counting_shadow(verdict)
    assert counted.score == pytest.approx(0.76)
    assert counted.flagged
    assert [found.rule for found in counted.findings] == ["b", "a"]


def test_what_is_flagged_without_the_shadow_is_flagged_with_it() -> None:
    verdict = verdict_of(Always(0.7), AlwaysToo(0.1), shadow=frozenset({"b"}))
    assert (verdict.flagged, verdict.shadow_flagged) == (True, True)
    assert verdict_of(Always(0.7)).shadow_flagged
    assert not verdict_of(Always(0.1), AlwaysToo(0.1), shadow=frozenset({"a"})).shadow_flagged


def test_every_rule_is_a_frozen_dataclass_of_thresholds_with_a_name_of_its_own() -> None:
    assert len({kind.name for kind in RULES}) == len(RULES)
    for kind in RULES:
        assert dataclasses.is_dataclass(kind)
        assert kind.needs <= FIELDS
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(rule(kind), dataclasses.fields(kind)[0].name, 0)


@pytest.mark.parametrize(
    ("minor", "currency", "text", "major"),
    [(1_250, "EUR", "12.50 EUR", 12.5), (1_250, "JPY", "1250 JPY", 1_250.0), (1_250, "KWD", "1.250 KWD", 1.25)],
)
def test_amounts_are_written_with_the_digits_of_their_currency(
    minor: int, currency: str, text: str, major: float
) -> None:
    assert money.words(minor, currency) == text
    assert money.major(minor, currency) == major
