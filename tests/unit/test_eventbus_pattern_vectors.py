"""Patterns and events whose verdicts AWS's own matcher gave (`eventbus_ruler/make_vectors.py`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from eventbus.pattern import InvalidPatternError, Machine, compile_pattern, parse_event, why_not

VECTORS = Path(__file__).with_suffix(".json")


@cache
def cases() -> dict[str, list[dict[str, Any]]]:
    """By operator; those chosen at random in one group."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for case in json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]:
        grouped.setdefault(case["group"], []).append(case)
    return grouped


def verdict(case: dict[str, Any]) -> str:
    try:
        pattern = compile_pattern(case["pattern"])
    except InvalidPatternError:
        return "refused"
    return "matches" if pattern.matches(parse_event(case["event"])) else "does not match"


def wanted(case: dict[str, Any]) -> str:
    return "refused" if "error" in case else "matches" if case["matches"] else "does not match"


@pytest.mark.parametrize("group", cases())
def test_the_verdict_is_that_of_the_services_own_matcher(group: str) -> None:
    wrong = [
        f"{case['pattern']} on {case['event']}: {wanted(case)} there, {verdict(case)} here"
        for case in cases()[group]
        if verdict(case) != wanted(case)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_reasons_are_the_services_words_for_most_refusals() -> None:
    refused = [case for case in cases()["refused"] + cases()["numeric"] + cases()["wildcard"] if "error" in case]
    same = [case for case in refused if case["error"] == reason(case["pattern"])]
    assert len(same) >= 0.7 * len(refused), [(c["pattern"], c["error"], reason(c["pattern"])) for c in refused]


def reason(pattern: str) -> str:
    with pytest.raises(InvalidPatternError) as refused:
        compile_pattern(pattern)
    return refused.value.reason


@pytest.mark.parametrize("group", cases())
def test_an_explanation_is_empty_exactly_when_the_event_matches(group: str) -> None:
    for case in cases()[group]:
        if "error" not in case:
            explained = why_not(compile_pattern(case["pattern"]), parse_event(case["event"]))
            assert bool(explained) is not case["matches"], case


def test_a_machine_with_all_patterns_finds_what_each_would() -> None:
    every = [case for group in cases().values() for case in group if "error" not in case]
    patterns = {case["pattern"]: compile_pattern(case["pattern"]) for case in every}
    machine = Machine(patterns)
    for case in every[::5]:
        event = parse_event(case["event"])
        assert machine.matching(event) == [text for text, pattern in patterns.items() if pattern.matches(event)], case
