"""The rules file: what it says is in force, and whatever is wrong with it is said in one line with the remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from analyzer import thresholds
from analyzer.__main__ import cli
from analyzer.core.rules import RULES
from analyzer.core.rules.base import FIELDS
from analyzer.core.rules.impossible_travel import ImpossibleTravel
from analyzer.core.rules.velocity import Velocity
from analyzer.core.selection import shadowed, usable
from analyzer.core.units import SCALES, Unit
from analyzer.crew import stages
from analyzer.settings import AnalyzerSettings
from analyzer.stage import CARDS, TERMINALS
from schemas.errors import UserError
from tests.analyzer_input import RULES_FILE, rule

PACKAGED = thresholds.PACKAGED.read_text()
KNOWN = RULES_FILE.read_text()


def written(folder: Path, old: str, new: str, *, text: str = KNOWN) -> Path:
    """Return a copy of the tests' rules file in which `old` is `new`."""
    head, tables = text[: text.index("[alert]")], text[text.index("[alert]") :]
    assert old in tables
    file = folder / "mine.toml"
    file.write_text(head + tables.replace(old, new, 1))
    return file


def refused(file: Path) -> str:
    with pytest.raises(UserError) as raised:
        thresholds.read(file)
    message = str(raised.value)
    assert message.startswith(str(file))
    assert "\n" not in message
    return message.removeprefix(str(file)).lstrip(", ")


def test_the_packaged_file_has_every_rule_in_force() -> None:
    found = thresholds.read()
    assert [one.name for one in found.rules] == [kind.name for kind in RULES]
    assert found.terminal is not None
    assert found.disabled == ()
    assert found.alert.threshold == 0.5


def test_every_threshold_in_the_packaged_file_has_a_comment() -> None:
    keys = [line for line in PACKAGED.splitlines() if " = " in line and not line.startswith("#")]
    assert [line for line in keys if " # " not in line] == []


WRONG = [
    ("[velocity]", "[velocty]", "[velocty]: no such rule (did you mean velocity?). Known: alert, velocity, amount_"),
    ("limit_km_h = 900", "limit_kmh = 900", "[impossible_travel] limit_kmh: there is limit_km_h, in km/h: write"),
    ("limit_km_h = 900", "limit_mph = 559", "there is limit_km_h, in km/h: write limit_km_h = 899.623"),
    ("least_seconds = 300", "least_minutes = 5", "there is least_seconds, in seconds: write least_seconds = 300"),
    ("least_km = 100", "least_miles = 100", "there is least_km, in km: write least_km = 160.934"),
    ("small_minor = 2_500", "small_eur = 25.00", "minor units of the currency (cents): write small_minor = 2500"),
    ("small_minor = 2_500", 'small_major = "25"', "(cents): write small_minor = ..."),
    ("limit_hour = 6", "limit_hours = 6", "[velocity] limit_hours: no such threshold (did you mean limit_hour?)."),
    ("limit_hour = 6 ", "", "[velocity] limit_hour is missing: give it a value"),
    ("limit_hour = 6", 'limit_hour = "six"', "[velocity] limit_hour must be a number, not 'six'"),
    ("limit_hour = 6", "limit_hour = true", "[velocity] limit_hour must be a number, not True"),
    ("limit_hour = 6", "limit_hour = 6.5", "[velocity] limit_hour must be a whole number, not 6.5"),
    ("limit_hour = 6", "limit_hour = -1", "[velocity] limit_hour must be at least 0, not -1"),
    ("limit_km_h = 900", "limit_km_h = nan", "[impossible_travel] limit_km_h must be a finite number of km/h, not nan"),
    ("limit_km_h = 900", "limit_km_h = inf", "must be a finite number of km/h, not inf"),
    ("limit_km_h = 900", "limit_km_h = [900]", "must be a number of km/h, not [900]"),
    ("limit_km_h = 900", 'limit_km_h = "900 min"', "limit_km_h must be a speed, and '900 min' is a time"),
    ("limit_km_h = 900", 'limit_km_h = "900"', 'limit_km_h must be a number of km/h, or a text such as "5 km/h"'),
    ("limit_km_h = 900", 'limit_km_h = "-900 km/h"', "limit_km_h must be at least 0 (in km/h), not -900"),
    ("least_seconds = 300", 'least_seconds = "3e2 s"', "[impossible_travel] least_seconds must be a number of seconds"),
    ("small_minor = 2_500", 'small_minor = "25.00"', "must be a number of minor units of the currency (cents), not"),
    ("small_minor = 2_500", "small_minor = 25.00", "must be a whole number of minor units of the currency (cents)"),
    ("night_until_hour = 5", "night_until_hour = 25", "must be at most 24 (in hours after midnight), not 25"),
    (
        "score_large = 0.9",
        "score_large = 1.5",
        "[card_testing] score_large must be at most 1 (in shares of 1), not 1.5",
    ),
    ("scores = [0.1, 0.5]", "scores = 0.5", "[amount_outlier] scores must be two numbers in brackets (the score at"),
    ("scores = [0.1, 0.5]", "scores = [0.5, 0.1]", "[amount_outlier] scores must not fall"),
    ("scores = [0.1, 0.5]", "scores = [0.5, 2]", "[amount_outlier] scores must be at most 1"),
    ("online = false", "online = 0", "[sighting] online must be true or false, not 0"),
    ("[sighting]", "[sighting]\nenabled = false", "[sighting] enabled: no such threshold. Known: least_z, least_h"),
    ("window_hours = 96", "window_days = 4", "there is window_hours, in hours: write window_hours = 96"),
    ("window_hours = 96", "window_hours = 0", "[terminal_surge] window_hours must be above 0 (in hours), not 0"),
    ("[sighting]\nleast_z = 0.5", "[sighting]\nleast_z = 0.6", "[terminal_surge] least_z_found must be between"),
    ("least_z_found = 0.5", "least_z_found = 1.5", "and its own least_z, 1, not 1.5: what isn't sighted can't"),
    ("threshold = 0.5", "threshold = 0", "[alert] threshold must be above 0"),
    ("threshold = 0.5", "threshold = 50", "[alert] threshold must be at most 1"),
    ("threshold = 0.5", "enabled = false", "[alert] enabled: no such threshold. Known: threshold"),
    ("[velocity]", "[velocity]\nenabled = 0", "[velocity] enabled must be true or false, not 0"),
    ("[velocity]", "[[velocity]]", "velocity must be a table of thresholds, [velocity], not [{"),
    ("[first_seen]", "[velocity]", "is not valid TOML: Cannot declare ('velocity',) twice (at line"),
    ("limit_hour = 6", "limit_hour = ", "is not valid TOML: Invalid value (at line"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[f"{new} {n}" for n, (_, new, _) in enumerate(WRONG)])
def test_what_is_wrong_in_a_rules_file_is_named_with_its_remedy(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert message in refused(written(tmp_path, old, new))


def test_a_file_without_a_rule_is_refused_and_says_how_to_do_without_it(tmp_path: Path) -> None:
    table = re.search(r"\[velocity\].*?(?=\n\[)", KNOWN, re.DOTALL)
    assert table
    message = refused(written(tmp_path, table[0], ""))
    assert message.startswith("[velocity] is missing: copy it from the rules file of the package")
    assert "enabled = false" in message


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    assert "can't be read: No such file" in refused(tmp_path / "none.toml")
    assert "can't be read: Is a directory" in refused(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"[alert]\n\xff")
    assert refused(binary).startswith("is not UTF-8 text (byte 8)")
    binary.write_bytes(b"")
    assert refused(binary).startswith("[alert] is missing")


@pytest.mark.parametrize("quantity", ['"5 min"', '"300 s"', '"300000 ms"', "300.0"])
def test_a_quantity_of_the_same_dimension_is_converted(tmp_path: Path, quantity: str) -> None:
    file = written(tmp_path, "least_seconds = 300", f"least_seconds = {quantity}")
    assert rule_of(file, ImpossibleTravel).least_seconds == 300


def rule_of(file: Path, kind: type[Any]) -> Any:
    return next(one for one in thresholds.read(file).rules if isinstance(one, kind))


@given(st.floats(0, 1e6), st.sampled_from([(d, u) for d, scale in SCALES.items() for u in scale]))
def test_a_unit_converted_there_and_back_is_itself(number: float, place: tuple[str, str]) -> None:
    dimension, name = place
    own = {"time": "seconds", "distance": "km", "speed": "km_h"}[dimension]
    there = Unit("", name, dimension).converted(number, own)
    assert there is not None
    assert Unit("", own, dimension).converted(there, name) == pytest.approx(number)


def test_a_rule_that_is_not_enabled_does_not_run(tmp_path: Path) -> None:
    found = thresholds.read(written(tmp_path, "[velocity]", "[velocity]\nenabled = false"))
    assert [one.name for one in found.disabled] == ["velocity"]
    assert "velocity" not in [one.name for one in found.rules]


def test_the_alert_threshold_of_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert thresholds.judges(AnalyzerSettings()).cards.alert_threshold == 0.5
    monkeypatch.setenv("ANALYZER_ALERT_THRESHOLD", "")
    assert thresholds.judges(AnalyzerSettings()).cards.alert_threshold == 0.5
    monkeypatch.setenv("ANALYZER_ALERT_THRESHOLD", "0.7")
    assert thresholds.judges(AnalyzerSettings()).cards.alert_threshold == 0.7


def test_the_settings_name_the_rules_file_and_the_shadow(tmp_path: Path) -> None:
    file = written(tmp_path, "limit_hour = 6", "limit_hour = 9")
    judge = thresholds.judges(AnalyzerSettings(rules_file=str(file), shadow="velocity, first_seen")).cards
    assert judge.shadow == {"velocity", "first_seen"}
    assert next(one for one in judge.rules if isinstance(one, Velocity)).limit_hour == 9


def test_the_terminal_stage_has_its_thresholds_from_the_same_file(tmp_path: Path) -> None:
    found = thresholds.judges(AnalyzerSettings(rules_file=str(written(tmp_path, "limit_cards = 5", "limit_cards = 7"))))
    assert found.terminals is not None
    assert (found.terminals.rule.limit_cards, found.terminals.shadow) == (7, False)
    on_trial = thresholds.judges(AnalyzerSettings(shadow="terminal_surge")).terminals
    assert on_trial is not None
    assert on_trial.shadow


def test_without_its_rule_or_its_data_the_terminal_stage_is_off_and_nothing_is_sighted(tmp_path: Path) -> None:
    file = written(tmp_path, "[terminal_surge]", "[terminal_surge]\nenabled = false")
    for found in (
        thresholds.judges(AnalyzerSettings(rules_file=str(file))),
        thresholds.judges(AnalyzerSettings(), {"terminal"}),
    ):
        assert (found.sight, found.terminals) == (None, None)
    assert thresholds.off(AnalyzerSettings(), {"terminal"})["terminal_surge"] == "the data lacks terminal"


def test_a_worker_has_nothing_to_do_in_a_stage_without_a_rule(tmp_path: Path) -> None:
    file = str(written(tmp_path, "[terminal_surge]", "[terminal_surge]\nenabled = false"))
    found = thresholds.judges(AnalyzerSettings(rules_file=file))
    assert stages(AnalyzerSettings(), thresholds.judges(AnalyzerSettings())) == (CARDS, TERMINALS)
    assert stages(AnalyzerSettings(), found) == (CARDS,)
    with pytest.raises(UserError, match="terminal_surge is off in the rules file"):
        stages(AnalyzerSettings(stage="terminals"), found)


def test_a_shadow_of_no_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no rule 'velocty' runs \(did you mean velocity\?\).*first_seen"):
        shadowed(thresholds.read().rules, ["velocty"])


def test_rules_whose_data_is_missing_are_off_with_the_reason_and_the_others_are_on() -> None:
    rules = thresholds.read().rules
    left = usable(rules, {"place", "channel"})
    assert left.off["impossible_travel"] == "the data lacks channel, place"
    assert {one.name for one in left.on} | left.off.keys() == {one.name for one in rules}
    assert "velocity" in {one.name for one in left.on}
    assert usable(rules, ()).off == {}


@given(st.sets(st.sampled_from(sorted(FIELDS))))
def test_a_rule_is_off_just_when_it_needs_something_that_is_missing(missing: set[str]) -> None:
    rules = thresholds.read().rules
    left = usable(rules, missing)
    assert [one for one in rules if not one.needs & missing] == list(left.on)
    assert set(left.off) == {one.name for one in rules if one.needs & missing}


def test_a_field_that_no_rule_knows_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no rule knows a field 'plcae' \(did you mean place\?\); known are approved,"):
        usable([rule(Velocity)], {"plcae"})


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["rules", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_command_prints_each_rule_with_its_thresholds_units_and_state(tmp_path: Path) -> None:
    file = written(tmp_path, "[amount_outlier]", "[amount_outlier]\nenabled = false")
    shown = printed("--file", str(file), "--without", "place,terminal", "--shadow", "velocity")
    assert "velocity (shadow: it runs without alerting)" in shown
    assert "amount_outlier (off: enabled = false in the rules file)" in shown
    assert "impossible_travel (off: the data lacks place)" in shown
    assert "card_testing (on)" in shown
    assert "terminal_surge (off: the data lacks terminal)" in shown
    assert "    look_back = true  (true or false)" in shown
    assert "sighting (what the terminal stage is told of)" in shown
    assert "    limit_km_h = 900  (km/h)" in shown
    assert "    scores = [0.4, 0.85]  (the score at the limit, and the highest)" in shown
    assert "flagged from a score of 0.5 on" in shown


def test_the_command_ends_on_a_wrong_file_or_name_with_its_error(tmp_path: Path) -> None:
    for arguments in (["--file", str(tmp_path / "none")], ["--shadow", "x"], ["--without", "x"]):
        assert isinstance(CliRunner().invoke(cli, ["rules", *arguments]).exception, UserError)
