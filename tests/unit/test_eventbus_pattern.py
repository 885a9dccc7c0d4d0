"""What patterns promise beyond the cases: refusals that say where, explanations, the index, and laws of matching."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus.pattern import InvalidPatternError, Machine, Mismatch, compile_pattern, parse_event, why_not

FEW = settings(max_examples=25, deadline=None)
"""The committed cases are many; these look for what nobody thought of, a few each run."""
NAMES = st.sampled_from(["a", "b", "c", "source", "é"])
SCALARS = (
    st.text("abcé*\\\"'ß1.", max_size=5)
    | st.integers(-(10**6), 10**6)
    | st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
    | st.booleans()
    | st.none()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
EVENTS = st.dictionaries(NAMES, VALUES, max_size=4)
OPERATORS = st.sampled_from([
    "a", "ab", 1, 1.5, True, None, {"prefix": "a"}, {"suffix": "c"}, {"prefix": {"equals-ignore-case": "A"}},
    {"equals-ignore-case": "ABC"},
    {"wildcard": "a*b*"}, {"anything-but": ["a", "b"]},
    {"anything-but": {"suffix": "a"}},
    {"numeric": [">", 0, "<=", 100]}, {"numeric": ["<", 0]}, {"cidr": "10.0.0.0/8"},
    {"exists": True}, {"exists": False},
])  # fmt: skip
LEAVES = st.dictionaries(NAMES, st.lists(OPERATORS, min_size=1, max_size=3), min_size=1, max_size=3)
PATTERNS = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(NAMES, inner, min_size=1, max_size=2)
        | st.tuples(LEAVES, st.lists(inner, min_size=2, max_size=3)).map(lambda both: both[0] | {"$or": both[1]})
    ),
    max_leaves=4,
)


def matches(pattern: Any, event: Any) -> bool:
    return compile_pattern(json.dumps(pattern)).matches(parse_event(json.dumps(event)))


def shuffled(value: Any) -> Any:
    """The same JSON with the keys of each object the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(inner) for key, inner in reversed(value.items())}
    return [shuffled(inner) for inner in value] if isinstance(value, list) else value


def made_from(event: dict[str, Any]) -> dict[str, Any]:
    """A pattern that wants, at each path of one value, just that value."""
    wanted: dict[str, Any] = {}
    for key, value in event.items():
        if isinstance(value, dict):
            wanted |= {key: inner} if (inner := made_from(value)) else {}
        elif not isinstance(value, list):
            wanted[key] = [value]
    return wanted


@FEW
@given(EVENTS)
def test_a_pattern_built_from_an_event_matches_it(event: dict[str, Any]) -> None:
    pattern = made_from(event)
    assert not pattern or matches(pattern, event)


@FEW
@given(SCALARS, st.lists(st.text("ab", max_size=2), min_size=1, max_size=3))
def test_anything_but_is_the_complement_where_the_field_is_present(value: Any, texts: list[str]) -> None:
    for these in (texts, {"equals-ignore-case": texts}, {"wildcard": [text + "*" for text in texts]}):
        alike = [{name: text} for name, of in these.items() for text in of] if isinstance(these, dict) else these
        assert matches({"a": [{"anything-but": these}]}, {"a": value}) is not matches({"a": alike}, {"a": value})
    assert not matches({"a": [{"anything-but": texts}]}, {})


@FEW
@given(PATTERNS, EVENTS)
def test_order_of_keys_never_matters(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    found = matches(pattern, event)
    assert matches(pattern, shuffled(event)) is found
    if "$or" not in json.dumps(pattern):  # a field beside and inside `$or` is the later one's, as in the service
        assert matches(shuffled(pattern), event) is found


@FEW
@given(st.lists(PATTERNS, max_size=6), EVENTS)
def test_a_machine_matches_what_each_pattern_would(patterns: list[dict[str, Any]], event: dict[str, Any]) -> None:
    compiled = {number: compile_pattern(json.dumps(pattern)) for number, pattern in enumerate(patterns)}
    fields = parse_event(json.dumps(event))
    assert Machine(compiled).matching(fields) == [key for key, each in compiled.items() if each.matches(fields)]


@FEW
@given(PATTERNS, EVENTS)
def test_an_explanation_is_empty_exactly_when_the_event_matches(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    compiled, fields = compile_pattern(json.dumps(pattern)), parse_event(json.dumps(event))
    assert bool(why_not(compiled, fields)) is not compiled.matches(fields)


@FEW
@given(st.text('{}[]":,ab01\\ \n', max_size=20) | VALUES.map(json.dumps))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        compile_pattern(text).matches({"a": [1, {"b": None}]})
    except InvalidPatternError as refused:
        assert str(refused).startswith("Event pattern is not valid. Reason: ")  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("text", "reason", "path", "line", "column"),
    [
        ('{"source": [1],\n "detail": {"state": [{"foo": 1}]}}', "Unrecognized match type foo", "detail.state", 2, 23),
        ('{"detail": {"x": 5}}', '"x" must be an object or an array', "detail.x", 1, 18),
        ('["a"]', "Filter is not an object", "", 1, 1),
        ('{"a": [1}', "Unexpected character ('}' (code 125)): was expecting comma to separate array entries", "", 1, 9),
        ('{"a": ["\\q"]}', "Unrecognized character escape 'q'", "", 1, 9),
        ('{"$or": [{"a": [1]}]}', "There must have at least 2 Objects in $or relationship.", "$or", 1, 9),
    ],
)  # fmt: skip
def test_a_refusal_says_why_and_where(text: str, reason: str, path: str, line: int, column: int) -> None:
    with pytest.raises(InvalidPatternError) as caught:
        compile_pattern(text)
    refused = caught.value
    assert (refused.reason, refused.path, refused.line, refused.column) == (reason, path, line, column)
    place = f'{f" in {path}" if path else ""} at [Source: (String)"{text}"; line: {line}, column: {column}]'
    assert str(refused) == f"Event pattern is not valid. Reason: {reason}{place}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a":["' + "x" * 4096 + '"]}', "longer than 4096 characters"),
        ("{" + ",".join(f'"f{number}":[1]' for number in range(257)) + "}", "exceeds max value of 256"),
        ('{"a":[{"wildcard":"' + "*a" * 200 + '"}]}', "Rule is too complex"),
        ('{"a":[{"wildcard":"*' + "a" * 200 + '"}]}', "Rule is too complex"),
        (json.dumps({key: {"$or": [{"x": [1]}] * 11} for key in "abc"}), "combinations of $or"),
    ],
)  # fmt: skip
def test_a_pattern_has_limits(text: str, reason: str) -> None:
    with pytest.raises(InvalidPatternError, match=reason.replace("$", r"\$")):
        compile_pattern(text)


@pytest.mark.parametrize("text", ["", "[]", '"a"', "{", '{"a":NaN}', '{"a":1} x', '{"a":' * 100_000])
def test_a_text_that_is_no_object_is_no_event(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_event(text)


def test_an_explanation_names_each_field_that_fails() -> None:
    pattern = compile_pattern('{"source":["a"],"detail":{"n":[{"numeric":[">",5]}],"state":["on"],"gone":["x"]}}')
    event = parse_event('{"source":"a","detail":{"n":1.50,"state":["off","idle"],"gone":{"y":1}}}')
    assert why_not(pattern, event) == [
        Mismatch("detail.gone", '["x"]', "absent (an object is there)"),
        Mismatch("detail.n", '[{"numeric":[">",5]}]', "1.5"),
        Mismatch("detail.state", '["on"]', '"off", "idle"'),
    ]


def test_an_explanation_names_each_branch_that_came_close() -> None:
    pattern = compile_pattern('{"source":["a"],"$or":[{"x":[1]},{"y":[2]}]}')
    assert why_not(pattern, {"source": "a", "x": 5}) == [Mismatch("x", "[1]", "5"), Mismatch("y", "[2]", "absent")]
    assert why_not(pattern, {"source": "b", "x": 1}) == [Mismatch("source", '["a"]', '"b"')]


def test_an_explanation_tells_of_fields_in_different_elements() -> None:
    pattern = compile_pattern('{"items":{"sku":["s1"],"count":[2]}}')
    [mismatch] = why_not(pattern, parse_event('{"items":[{"sku":"s1","count":1},{"sku":"s9","count":2}]}'))
    assert mismatch.path == "items.count, items.sku"
    assert mismatch.wanted.endswith("in one element of the array")


def test_the_index_leaves_one_of_three_hundred_rules_to_try() -> None:
    patterns = {number: compile_pattern(f'{{"source":["s"],"detail-type":["t{number}"]}}') for number in range(300)}
    prefixes = {
        str(number): compile_pattern(f'{{"source":["s"],"id":[{{"prefix":"p{number}/"}}]}}') for number in range(300)
    }
    machine: Machine[int | str] = Machine(patterns | prefixes)
    event = {"source": "s", "detail-type": "t7", "id": "p12/x"}
    assert machine.candidates(event) == 2
    assert machine.matching(event) == [7, "12"]


def test_choices_among_unrelated_arrays_are_not_multiplied() -> None:
    names = [f"a{number:02}" for number in range(30)]
    pattern = compile_pattern(json.dumps({name: {"x": [1], "y": [1]} for name in names} | {"z": {"x": [1], "y": [2]}}))
    event = {name: [{"x": 1, "y": 1}] * 4 for name in names} | {"z": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}
    assert not pattern.matches(event)


def test_a_wildcard_takes_no_longer_for_many_stars() -> None:
    assert not matches({"a": [{"wildcard": "*a" * 40 + "c"}]}, {"a": "a" * 5000})


def test_an_array_is_not_gone_through_for_each_of_its_elements() -> None:
    """Every element takes four fields to the end, where the fifth is in none of them: 82 s before."""
    wanted = {name: [{"anything-but": 1}] for name in "wxyv"} | {"z": [5]}
    elements = [dict.fromkeys("wxyv", 0) for _ in range(3000)]
    pattern = compile_pattern(json.dumps({"a": wanted}))
    began = time.process_time()
    assert not pattern.matches(parse_event(json.dumps({"a": [*elements, {"z": 5}]})))
    assert pattern.matches(parse_event(json.dumps({"a": [*elements, {**elements[0], "z": 5}]})))
    assert time.process_time() - began < 10


def test_of_a_long_text_only_the_end_is_compared_with_a_suffix() -> None:
    """A text of the letters that the suffix begins with: 45 s before."""
    pattern = compile_pattern(json.dumps({"a": [{"suffix": {"equals-ignore-case": "ß" * 600}}]}, ensure_ascii=False))
    began = time.process_time()
    assert pattern.matches({"a": "S" * 900_000})
    assert pattern.matches({"a": "x" + "S" * 1200})
    assert not pattern.matches({"a": "S" * 900_000 + "s"})
    assert time.process_time() - began < 10


def test_a_pattern_keeps_its_text() -> None:
    assert compile_pattern('{ "a": [1] }').text == '{ "a": [1] }'


def test_every_value_of_a_repeated_key_is_looked_at() -> None:
    event = parse_event('{"a":1,"a":2}')
    assert event == {"a": 2}
    assert all(compile_pattern(f'{{"a":[{number}]}}').matches(event) for number in (1, 2))
