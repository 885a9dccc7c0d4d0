"""What the engines of the analyzer's bench are held to, and that a wrong one is caught."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.detect import Judged
from analyzer.core.tuning import tuned
from analyzer.core.window import CardWindow
from analyzer.wire import checked, notification
from bench.analyzer.commands import able, engines_of, require_own
from bench.analyzer.compare import Plan, start_records
from bench.analyzer.peers.rules import Card, Rules, noisy_or
from bench.analyzer.peers.wire import Wire
from bench.analyzer.records import HELD, TWICE, differences, disordered, generated, load, verdicts
from bench.analyzer.work import FIVE_PERCENT, ONE_PERCENT, RULES, WORKS, Work, as_json, as_toml
from schemas.codec import Encoder
from schemas.errors import UserError
from schemas.topics import NOTIFICATIONS, TRANSACTIONS

VERSIONS = {TRANSACTIONS: UUID(int=1), NOTIFICATIONS: UUID(int=2)}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def fields() -> list[dict[str, Any]]:
    return list(disordered(generated(4_000, 1)))


@pytest.fixture(scope="module")
def told(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the right notifications."""
    expected = verdicts(fields, FIVE_PERCENT)
    flagged = {one["transactionId"]: one for one in fields if one["transactionId"] in expected}
    return [notification(checked(one), expected[name], NOW, "test") for name, one in flagged.items()]


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_the_rules_file_for_ours_has_three_rules_and_no_terminal_stage(work: Work) -> None:
    tuning = tuned(tomllib.loads(as_toml(work)))
    assert tuple(rule.name for rule in tuning.rules) == RULES
    assert tuning.terminal is None
    assert tuning.rules == work.judge().rules
    assert tuning.alert.threshold == work.judge().alert_threshold


def test_the_file_for_the_others_has_the_same_thresholds_and_the_schemas() -> None:
    given_ = json.loads(as_json(ONE_PERCENT, VERSIONS))
    for rule in ONE_PERCENT.judge().rules:
        assert given_[rule.name] == json.loads(json.dumps(asdict(rule)))  # type: ignore[call-overload]  # a dataclass
    assert given_["schemas"][NOTIFICATIONS]["id"] == str(UUID(int=2))
    assert given_["schemas"][TRANSACTIONS]["definition"]["name"] == "Transaction"


def test_one_in_a_hundred_is_flagged_and_one_in_twenty(fields: list[dict[str, Any]]) -> None:
    assert 0.005 < len(verdicts(fields, ONE_PERCENT)) / len(fields) < 0.02
    assert 0.03 < len(verdicts(fields, FIVE_PERCENT)) / len(fields) < 0.07


def test_some_records_come_late_and_some_twice_and_none_is_lost(fields: list[dict[str, Any]]) -> None:
    ordered = list(generated(4_000, 1))
    names = [one["transactionId"] for one in fields]
    assert set(names) == {one["transactionId"] for one in ordered}
    assert 0 < len(names) - len(set(names)) <= 4_000 / TWICE
    newest: dict[str, int] = {}
    late = 0
    for one in fields:
        late += one["eventTime"] < newest.get(one["cardId"], 0)
        newest[one["cardId"]] = max(one["eventTime"], newest.get(one["cardId"], 0))
    assert 4_000 / HELD / 2 < late <= 4_000 / HELD


def test_a_share_is_the_records_of_some_cards_over_the_whole_time() -> None:
    whole, part = list(generated(4_000, 1)), list(generated(4_000, 4))
    assert [one for one in whole if one["cardId"] in {other["cardId"] for other in part}] == part
    assert 0.1 < len(part) / len(whole) < 0.4


def test_a_load_is_what_goes_on_the_topic() -> None:
    made = load(500, 1, Encoder("transaction", UUID(int=1)), WORKS)
    assert len(made.values) == len(made.ids)
    assert [value[19:55].decode() for _, value in made.values] == made.ids
    assert made.expected.keys() == set(WORKS)


def test_right_notifications_agree_and_repeats_are_no_matter(
    fields: list[dict[str, Any]], told: list[dict[str, Any]]
) -> None:
    assert differences(verdicts(fields, FIVE_PERCENT), [*told, told[0]]) == []


def wrong_ones(right: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, value, words in (
        (("transactionId",), "other", "is flagged and should not be"),
        (("notificationId",), "other", "notification id other"),
        (("score",), 0.123, "score 0.123, not"),
        (("findings", 0, "rule"), "other", "rules other"),
        (("findings", 0, "observed"), 1.5e9, "observed 1500000000.0 of"),
        (("findings", 0, "threshold"), 99.0, "threshold 99.0 of"),
    ):
        one = copy.deepcopy(right)
        at: Any = one["eventDetail"]
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        yield words, one


def test_a_notification_that_is_wrong_in_any_way_is_found(
    fields: list[dict[str, Any]], told: list[dict[str, Any]]
) -> None:
    expected = verdicts(fields, FIVE_PERCENT)
    for words, wrong in wrong_ones(told[0]):
        found = differences(expected, [wrong, *told[1:]])
        assert words in found[0], words


def test_a_notification_that_is_missing_is_found(fields: list[dict[str, Any]], told: list[dict[str, Any]]) -> None:
    (found,) = differences(verdicts(fields, FIVE_PERCENT), told[1:])
    assert found == f"{told[0]['eventDetail']['transactionId']} is not flagged and should be"


# What the peers in Python do, held to the scalar core.

BASE = next(iter(generated(100, 1)))
moves = st.fixed_dictionaries(
    {
        "eventTime": st.integers(0, 30 * 3_600_000).map(lambda ms: BASE["eventTime"] + ms // 60_000 * 60_000),
        "amountMinor": st.sampled_from([0, 100, 101, 5_000, 90_000]),
        "merchantId": st.sampled_from(["m1", "m2", "m3"]),
        "transactionId": st.integers(0, 60).map(lambda number: f"t{number}"),
        "approved": st.booleans(),
        "channel": st.sampled_from(["CARD_PRESENT", "CARD_NOT_PRESENT"]),
        "place": st.sampled_from([None, (48.0, 2.0), (48.1, 2.1), (40.7, -74.0)]),
    }
)


def record(move: dict[str, Any]) -> dict[str, Any]:
    latitude, longitude = move["place"] or (None, None)
    kept = {name: value for name, value in move.items() if name != "place"}
    return {**BASE, **kept, "latitude": latitude, "longitude": longitude}


@settings(deadline=None, max_examples=150)
@given(st.lists(moves, max_size=60), st.booleans())
def test_the_peers_rules_say_what_the_scalar_core_says(drawn: list[dict[str, Any]], close: bool) -> None:  # noqa: FBT001 - drawn
    records = [record(move) for move in drawn]
    for one in records if close else ():
        one["eventTime"] = BASE["eventTime"] + (one["eventTime"] - BASE["eventTime"]) // 30
    judge, window = FIVE_PERCENT.judge(), CardWindow()
    rules, card = Rules.read(json.loads(as_json(FIVE_PERCENT, VERSIONS))), Card([])
    for offset, one in enumerate(records):
        window, outcome = judge.judge(window, checked(one), offset)
        found = rules.judge(card, one)  # type: ignore[arg-type]  # a record has these fields
        verdict = outcome.verdict if isinstance(outcome, Judged) and outcome.verdict.flagged else None
        assert found == ([each._asdict() for each in verdict.findings] if verdict else None)
        assert verdict is None or found is None or noisy_or(found) == pytest.approx(verdict.score, rel=1e-12)
    assert [each[1] for each in card.recent] == [each.transaction_id for each in window.recent]
    assert (card.count, card.mean, card.m2) == (window.habit.count, window.habit.mean, window.habit.m2)


def test_a_full_window_forgets_its_oldest_as_the_scalar_core_does() -> None:
    told = json.loads(as_json(FIVE_PERCENT, VERSIONS)) | {"max_recent": 3}
    rules, card = Rules.read(told), Card([])
    for minute in (0, 1, 2, 3, 1):
        one = {
            **BASE,
            "eventTime": BASE["eventTime"] + minute * 60_000,
            "transactionId": f"t{minute}/{len(card.recent)}",
        }
        rules.judge(card, one)  # type: ignore[arg-type]  # a record has these fields
    assert [(each[0] - BASE["eventTime"]) // 60_000 for each in card.recent] == [1, 2, 3]


def test_the_peers_read_what_the_producer_writes_and_write_what_the_notifier_reads(
    fields: list[dict[str, Any]], told: list[dict[str, Any]]
) -> None:
    wire = Wire(json.loads(as_json(FIVE_PERCENT, VERSIONS)))
    right = told[0]["eventDetail"]
    (one,) = [each for each in fields if each["transactionId"] == right["transactionId"]][:1]
    read = wire.read(Encoder("transaction", VERSIONS[TRANSACTIONS]).encode(one))
    assert read["transactionId"] == one["transactionId"]
    written = wire.write(read, right["findings"])
    expected = Encoder("notification", VERSIONS[NOTIFICATIONS])
    assert written[:18] == expected.encode(told[0])[:18]
    assert len(written) == len(expected.encode({**told[0], "eventDetail": {**right, "analyzerVersion": "bench"}}))


def test_engines_are_chosen_by_name_and_a_share_can_be_given() -> None:
    ours, quix = engines_of("ours,quix", "quix=3")
    assert (ours.name, quix.name, quix.share) == ("ours", "quix", 3)


def test_without_maven_the_engines_that_it_builds_are_left_out_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("java", "javac"):
        (tmp_path / name).touch(mode=0o755)
    said: list[str] = []
    left = able(engines_of("ours,streams,flink", ""), said.append)
    assert [one.name for one in left] == ["ours"]
    assert said == ["Kafka Streams is left out: mvn not on PATH", "Flink is left out: mvn not on PATH"]
    with pytest.raises(UserError, match="no engine is left: Flink is left out: mvn not on PATH"):
        able(engines_of("flink", ""), said.append)


@pytest.mark.parametrize(
    ("names", "shares", "words"),
    [("spark", "", "no engine 'spark'"), ("ours", "x=1", "no engine 'x'"), ("ours", "ours=0", "ours=0 is no number")],
)
def test_an_unknown_engine_or_share_is_refused(names: str, shares: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        engines_of(names, shares)


def test_a_broker_that_somebody_else_runs_is_refused() -> None:
    with pytest.raises(UserError, match="each run needs a new broker"):
        require_own("127.0.0.1:9092")
    require_own("apache")


def test_the_first_part_of_a_run_is_short_also_for_a_slow_engine() -> None:
    assert start_records(Plan(engines_of("ours", "ours=1"), WORKS, 400_000, 5)) == 2_000
    assert start_records(Plan(engines_of("ours,faust", "faust=20"), WORKS, 10_000, 5)) == 100
