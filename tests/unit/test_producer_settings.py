"""A wrong option is named in one line; a right one decides what is made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from producer.__main__ import _settings
from producer.presets import make_plan
from producer.settings import ProducerSettings
from schemas.errors import UserError
from schemas.settings import load


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"rate": "-1"}, "--rate is '-1'"),
        ({"rate": "nan"}, "--rate is 'nan'"),
        ({"speed": "inf"}, "--speed is 'inf'"),
        ({"message_timeout_s": "0.005"}, "--message-timeout-s is '0.005'"),
        ({"message_timeout_s": "inf"}, "--message-timeout-s is 'inf'"),
        ({"drain_timeout_s": "inf"}, "--drain-timeout-s is 'inf'"),
        ({"preset": "casino"}, "--preset is 'casino': Input should be 'real', 'handbook' or 'workshop'"),
        ({"transactions": "-5"}, "--transactions is '-5'"),
        ({"transactions": "many"}, "--transactions is 'many'"),
        ({"seed": "-1"}, "--seed is '-1'"),
        ({"difficulty": "1.01"}, "--difficulty is '1.01': Input should be less than or equal to 1"),
        ({"difficulty": "-0.1"}, "--difficulty is '-0.1': Input should be greater than or equal to 0"),
        ({"difficulty": "nan"}, "--difficulty is 'nan'"),
        ({"difficulty": "hard"}, "--difficulty is 'hard'"),
        ({"cards": "0"}, "--cards is '0'"),
        ({"start": "yesterday"}, "--start is 'yesterday'"),
        ({"start": "1969-12-31"}, "must lie between 2000 and 2100"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(UserError) as raised:
        _settings(**given)
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODUCER_RATE", "fast")
    with pytest.raises(UserError, match="PRODUCER_RATE is 'fast'"):
        load(ProducerSettings)


def test_a_variable_with_a_name_of_its_own_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_PORT", "99999")
    with pytest.raises(UserError, match=r"^OPS_PORT is '99999'"):
        load(ProducerSettings)


def test_an_option_comes_before_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODUCER_SEED", "1")
    monkeypatch.setenv("PRODUCER_CARDS", "12")
    settings = _settings(seed="2", cards=None)
    assert (settings.seed, settings.cards) == (2, 12)


@pytest.mark.parametrize("rate", [{"rate": "5"}, {"rate": "100"}])
def test_a_rate_and_a_speed_exclude_each_other(rate: dict[str, str]) -> None:
    with pytest.raises(UserError, match="exclude each other: give --rate or --speed"):
        _settings(speed="60", **rate).schedule()


@pytest.mark.parametrize(
    ("given", "due_s"),
    [
        ({}, 0.1),
        ({"rate": "5"}, 2.0),
        ({"rate": "0"}, 0.0),
        ({"speed": "60"}, 0.5),
        ({"rate": "0", "speed": "30"}, 1.0),
    ],
)
def test_the_schedule_is_the_one_asked_for(given: dict[str, str], due_s: float) -> None:
    settings = _settings(**given)
    assert settings.schedule()(10, settings.plan().start_ms + 30_000) == pytest.approx(due_s)


@pytest.mark.parametrize("start", ["2026-03-01", "2026-03-01T00:00:00Z", "2026-03-01T01:00:00+01:00"])
def test_a_start_is_utc_unless_it_says_otherwise(start: str) -> None:
    plan = _settings(start=start).plan()
    assert plan.start_ms == datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1_000


def test_the_number_of_cards_replaces_the_presets() -> None:
    assert _settings(cards="3", preset="real").plan().preset.cards == 3
    assert _settings(preset="real").plan().preset.cards == 1_000


def test_the_difficulty_is_the_plans() -> None:
    assert _settings().plan().difficulty == 0.5
    assert _settings(difficulty="1").plan().difficulty == 1


@pytest.mark.parametrize("difficulty", [-0.1, 1.1, float("nan")])
def test_no_plan_is_made_of_an_impossible_difficulty(difficulty: float) -> None:
    with pytest.raises(ValueError, match="must lie between 0 \\(loud\\) and 1 \\(careful\\)"):
        make_plan(7, 0, "workshop", difficulty=difficulty)
