from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from analyzer.core.chain import Chain, Judges
from analyzer.core.detect import Duplicate, Judged, Late
from analyzer.core.rules.amount_outlier import z_score
from analyzer.core.rules.base import FIELDS
from analyzer.core.window import CardWindow
from analyzer.wire import checked
from bench.analyzer.records import disordered
from schemas.codec import Record
from schemas.errors import UserError
from score import page
from score.as_json import scores_json
from score.cli import cli
from score.core.facts import Alert, Happened, Kind, Label, Oracle
from score.core.tally import Tally
from score.offline.interval import interval, intervals, means
from score.offline.play import Labelled, Play
from score.offline.ranking import LEAST_HISTORY, LEAST_SD, Habits, Ranked, auc, average_precision, suspicion
from score.sheet import Figures, Sheet, by_rule, by_scenario, duration, matrix
from tests import handbook_data
from tests.analyzer_input import judge, judges, stream

SMALL = ("--transactions", "1000", "--processes", "1")


def offline(*args: str) -> Result:
    few = () if "--data" in args else ("--cards", "20")
    return CliRunner().invoke(cli, ["offline", *SMALL, *few, *args], catch_exceptions=True)


def refusal(*args: str) -> str:
    result = offline(*args)
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


def test_one_json_object_tells_everything_and_again_the_same() -> None:
    first, again = (json.loads(offline("--seed", "3", "--json").stdout) for _ in range(2))
    for path in ("by_card.precision", "by_card.recall", "by_transaction.precision", "by_transaction.recall"):
        kind, figure = path.split(".")
        assert 0 <= first[kind][figure] <= 1
    assert first["alerts_per_1000"] == pytest.approx(first["alerts"])
    assert first["false_alarms_per_1000"] <= first["alerts_per_1000"]
    recalls = [scenario["recall"] for scenario in first["by_scenario"].values()]
    assert recalls
    assert all(0 <= recall <= 1 for recall in recalls)
    assert 0 < first["bank"]["transactions"] < first["transactions"] == 1_000
    assert 0.5 < first["ranking"]["auc"] <= 1
    assert first.pop("cost")
    assert again.pop("cost")
    assert first == again


def test_several_seeds_have_means_and_intervals() -> None:
    found = json.loads(offline("--seeds", "2", "--json").stdout)
    one, two = (each["by_card"]["recall"] for each in found["seeds"])
    low, high = found["interval_95"]["by_card.recall"]
    assert found["by_card"]["recall"] == pytest.approx((one + two) / 2)
    assert low == pytest.approx((one + two) / 2 - 12.706 * abs(one - two) / 2)
    assert high >= found["by_card"]["recall"]


def test_a_rule_on_trial_alerts_nobody_and_is_scored() -> None:
    found = json.loads(offline("--shadow", "velocity", "--json").stdout)
    assert found["by_rule"]["velocity"]["shadow"] is True
    assert found["alerts"] < json.loads(offline("--json").stdout)["alerts"]


def test_people_get_tables_and_a_page(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    result = offline("--html", str(file))
    assert result.exit_code == 0, result.output
    for part in ("By scenario", "all fraud", "card_testing", "By rule", "velocity", "Card Precision@10"):
        assert part in result.output, part
    html = file.read_text()
    assert html.count("<svg") == 5
    assert "http" not in html.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ), "it refers to nothing outside"


def test_a_file_is_judged_by_the_rules_that_need_no_more_than_it_has(tmp_path: Path) -> None:
    file = tmp_path / "transactions.csv"
    made = handbook_data.write_csv(file, handbook_data.simulate(days=25, customers=20, seed=1))
    found = json.loads(offline("--data", str(file), "--mapping", "handbook", "--json").stdout)
    assert found["of"] | {"file": file.name} == {
        "file": file.name,
        "mapping": "handbook",
        "transactions": min(made, 1_000),
        "shadow": [],
        "missing": sorted(FIELDS - {"terminal"}),
    }
    assert found["rules_off"]["impossible_travel"] == "the data lacks channel, place"
    assert found["by_scenario"].keys() <= {"control", "compromised_terminal", "card_not_present_leak"}
    assert found["ranking"]["average_precision"] > 0


def test_markdown_is_for_the_readme() -> None:
    assert "| Scenario | Fraud | recall |" in offline("--markdown").output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--preset", "nope"), "--preset is 'nope'"),
        (("--difficulty", "2"), "--difficulty is '2'"),
        (("--transactions", "0"), "--transactions is '0'"),
        (("--seeds", "0"), "--seeds is '0'"),
        (("--seed", "x"), "--seed is 'x'"),
        (("--top-k", "0"), "--top-k is '0'"),
        (("--shadow", "nope"), "no rule 'nope' runs"),
        (("--rules", "/nowhere.toml"), "/nowhere.toml can't be read"),
        (("--alert-threshold", "2"), "--alert-threshold is '2'"),
        (("--html", "/nowhere/report.html"), "can't write /nowhere/report.html"),
        (("--data", "transactions.csv"), "--data needs --mapping"),
    ],
)
def test_a_mistake_is_named_in_one_line(args: tuple[str, ...], said: str) -> None:
    message = refusal(*args)
    assert said in message
    assert "\n" not in message


def test_an_interval_is_students() -> None:
    found = interval([1.0, 2.0, 3.0, 4.0])
    assert found.mean == 2.5
    assert found.half_width == pytest.approx(3.182 * math.sqrt(5 / 3) / 2)
    assert interval([7.0]).half_width is None


def test_figures_that_a_seed_lacks_do_not_count() -> None:
    found = [
        {"a": {"b": 1.0, "c": None}, "d": True, "e": "x"},
        {"a": {"b": 3.0, "c": 5.0, "new": 1}, "d": True, "e": "x"},
    ]
    assert means(found) == {"a": {"b": 2.0, "c": 5.0, "new": 1}, "d": True, "e": "x"}
    assert intervals(found)["a", "b"].mean == 2.0
    assert ("d",) not in intervals(found)


def pairs(positive: Callable[[float, float], float], scores: list[float], fraud: list[bool]) -> float:
    good = [score for score, is_fraud in zip(scores, fraud, strict=True) if is_fraud]
    bad = [score for score, is_fraud in zip(scores, fraud, strict=True) if not is_fraud]
    return sum(positive(one, other) for one in good for other in bad) / (len(good) * len(bad))


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9]), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_chance_that_fraud_ranks_first(given_scores: list[tuple[float, bool]]) -> None:
    scores, fraud = [score for score, _ in given_scores], [is_fraud for _, is_fraud in given_scores]
    found = auc(np.array(scores), np.array(fraud))
    if all(fraud) or not any(fraud):
        assert found is None
    else:
        assert found == pytest.approx(pairs(lambda one, other: (one > other) + 0.5 * (one == other), scores, fraud))


def test_average_precision_steps_with_recall() -> None:
    found = average_precision(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False]))
    assert found == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    tied = average_precision(np.array([0.5, 0.5]), np.array([True, False]))
    assert tied == 0.5
    assert average_precision(np.array([0.5]), np.array([False])) is None


def test_a_score_that_is_raised_later_ranks_as_high_as_if_it_had_been_so_at_once() -> None:
    labels = [Label(f"t{n}", f"c{n}", n, 100, approved=True, scenario="x" if n else None, release_ms=n) for n in (0, 1)]
    raised, direct = Ranked(), Ranked()
    places = [raised.take(score, label) for score, label in zip((0.5, 0.2), labels, strict=True)]
    raised.raised(places[1], 0.9, labels[1])
    for score, label in zip((0.5, 0.9), labels, strict=True):
        direct.take(score, label)
    assert raised.figures() == direct.figures()
    assert raised.figures().auc == 1.0


def some_scores() -> Figures:
    tally = Tally()
    label = Label("t", "c", 0, 12_345, approved=True, scenario="spree", release_ms=0)
    tally.take_all([Happened("t", 0), Alert("t", "c", 0, 0.9, ("velocity",)), label, Oracle(label)])
    tally.take(Alert("t", "c", 0, 0.9, ("trial", "velocity"), Kind.SHADOW))
    return Figures(scores_json(tally.scores()))


def test_tables_say_what_the_figures_are() -> None:
    found = some_scores()
    assert by_scenario(found, "x").rows[1] == (
        "spree",
        "1",
        "100.0 %",
        "100.0 %",
        "1",
        "100.0 %",
        "100.0 %",
        "0 s",
        "100.0 %",
    )
    assert [row[0] for row in by_rule(found, "x").rows] == ["all rules", "velocity", "trial (on trial)"]
    assert matrix(found, "x").rows == [("spree", "100.0 %", "100.0 %")]
    sure = Figures(found.values, {("by_card", "recall"): 0.05})
    assert by_scenario(sure, "x").rows[0][5] == "100.0 % ± 5.0"


def test_a_page_escapes_what_it_shows() -> None:
    assert "<b>" not in page.table(Sheet("<b>", ("<b>",), [("<b>",)]))


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "-"), (5, "5 s"), (90, "1.5 min"), (5_400, "1.5 h"), (129_600, "1.5 d")]
)
def test_times_are_said_as_people_say_them(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    "args",
    [
        ("--mapping", "handbook"),
        ("--labels", "labels.csv"),
        ("--sort",),
        ("--data", "own.csv", "--mapping", "handbook", "--seeds", "3"),
        ("--data", "own.csv", "--mapping", "handbook", "--preset", "real"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(args: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, ["offline", *args])
    assert isinstance(result.exception, UserError), result.output
    assert "would change nothing" in str(result.exception)


def labelled(one: Record) -> Labelled:
    scenario = "spree" if one["amountMinor"] % 7 == 0 else None
    return one, Label(
        one["transactionId"], one["cardId"], one["eventTime"], one["amountMinor"], one["approved"], scenario, 0
    )


STREAM: list[Labelled] = [labelled(one) for one in disordered(stream(1_500, cards=40))]


def test_habits_that_rank_are_those_of_the_core() -> None:
    chain, habits = Chain(judges()), Habits()
    for one in (checked(record) for record, _ in STREAM):
        before = chain.cards.get(one.card_id, CardWindow()).habit
        known = z_score(before, one.amount_minor, LEAST_SD) if before.count >= LEAST_HISTORY else None
        assert habits.above(one) == known
        if isinstance(chain.take(one).outcome, Judged) and one.approved:
            habits.learn(one)


def test_the_ranking_is_by_what_the_core_says_of_each_record() -> None:
    by = Judges(judge(), sight=None, terminals=None)
    play, chain, habits, ranked = Play(by), Chain(by), Habits(), Ranked()
    play.take(STREAM)
    kinds: Counter[type] = Counter()
    for one, label in ((checked(record), label) for record, label in STREAM):
        outcome, above = chain.take(one).outcome, habits.above(one)
        kinds[type(outcome)] += 1
        if isinstance(outcome, Judged) and one.approved:
            habits.learn(one)
        if label is not None and not isinstance(outcome, Duplicate):
            ranked.take(suspicion(outcome.verdict.score if isinstance(outcome, Judged) else 0.0, above), label)
    assert play.result(10).ranking == ranked.figures()
    assert ranked.figures().auc is not None
    assert (play.late, play.duplicate) == (kinds[Late], kinds[Duplicate])


def test_however_many_are_judged_together_the_same_comes_of_them() -> None:
    whole, parts = Play(judges()), Play(judges())
    whole.take(STREAM)
    for begin in range(0, len(STREAM), 11):
        parts.take(STREAM[begin : begin + 11])
    assert whole.result(10) == parts.result(10)
    assert whole.late + whole.duplicate > 1


def test_what_no_rule_finds_is_ranked_by_its_amount_and_below_all_findings() -> None:
    ordinary, unknown, large, found = suspicion(0, -1.0), suspicion(0, None), suspicion(0, 2.5), suspicion(0.01, None)
    assert -1 == ordinary == unknown < large < 0 < found == 0.01
