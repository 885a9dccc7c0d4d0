from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus.transform import apply, problem
from eventbus.transform.path import Document
from eventbus.transform.template import minified

BODY = (
    '{"version":"0","id":"7bf73129","detail-type":"Card judged","source":"analyzer","account":"123456789012",'
    '"time":"2026-01-01T00:00:00Z","region":"eu-central-1","resources":["arn:a","arn:b"],'
    '"detail":{ "card": "c-1", "total": 12.50, "big": 12345678901234567890, "ok": true, "none": null,\n'
    ' "place": {"city": "M\\u00fcnchen", "zip": "80331"}, "said": "a \\"b\\" \\\\ c\\n",'
    ' "items": [{"name": "x", "n": 1e2}, {"name": "y"}, {"n": 3}], "a/b": 7, "twice": 1, "twice": 2 } }'
)


def given_to_target(spec: dict[str, Any], body: str = BODY) -> str:
    return apply(
        spec,
        body,
        rule_name="judged",
        rule_arn="arn:aws:events:eu-central-1:123456789012:rule/judged",
        ingestion_time="2026-01-01T00:00:01Z",
    )


def filled(template: str, body: str = BODY, **paths: str) -> str:
    return given_to_target({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}, body)


def test_without_a_transformation_the_event_passes_unchanged() -> None:
    assert given_to_target({"Id": "1", "Arn": "arn"}) == BODY


def test_input_replaces_the_event() -> None:
    assert given_to_target({"Input": '{"a": 1.0}'}) == '{"a": 1.0}'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", BODY),
        ("$.detail-type", '"Card judged"'),
        ("$.detail.card", '"c-1"'),
        ("$.detail.total", "12.50"),
        ("$.detail.big", "12345678901234567890"),
        ("$.detail.ok", "true"),
        ("$.detail.none", "null"),
        ("$.detail.place", '{"city": "M\\u00fcnchen", "zip": "80331"}'),
        ("$.detail.a/b", "7"),
        ("$.detail.twice", "2"),
        ("$.resources", '["arn:a","arn:b"]'),
        ("$.resources[1]", '"arn:b"'),
        ("$.resources[*]", '["arn:a","arn:b"]'),
        ("$.detail.items[0].n", "1e2"),
        ("$.detail.items[*].name", '["x","y"]'),
        ("$.detail.place.*", '["M\\u00fcnchen","80331"]'),
        ("$.detail.missing[*]", "[]"),
        # nothing there
        ("$.detail.missing", "null"),
        ("$.resources[2]", "null"),
        ("$.detail.card.deeper", "null"),
        ("$.detail.items.name", "null"),
        ("$.detail[0]", "null"),
        ("$..card", "null"),
        ("$.detail['card']", "null"),
        ("$.", "null"),
        ("detail", "null"),
    ],
)
def test_a_path_selects_the_text_as_it_came(path: str, expected: str) -> None:
    assert given_to_target({"InputPath": path}) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"card <card> in <city>"', '"card c-1 in M\\u00fcnchen"'),
        ('"card \\"<card>\\""', '"card \\"c-1\\""'),
        ('{"card": <card>}', '{"card":"c-1"}'),
        (
            '{"card": "<card>", "said": "card \\"<card>\\" at <total>"}',
            '{"card":"c-1","said":"card \\"c-1\\" at 12.50"}',
        ),
        ('{\n  "state": [ 9, <card>, true ],\n "s p": "y  es"\n}', '{"state":[9,"c-1",true],"s p":"y  es"}'),
        (
            '{"total": <total>, "big": <big>, "ok": <ok>, "none": <none>}',
            '{"total":12.50,"big":12345678901234567890,"ok":true,"none":null}',
        ),
        ('{"place": <place>}', '{"place":{"city":"M\\u00fcnchen","zip":"80331"}}'),
        ('{"place": "at <place>"}', '{"place":"at {city:M\\u00fcnchen,zip:80331}"}'),
        ('"all: <items>"', '"all: [{name:x,n:1e2},{name:y},{n:3}]"'),
        ('{"said": <said>, "quoted": "<said>!"}', '{"said":"a \\"b\\" \\\\ c\\n","quoted":"a \\"b\\" \\\\ c\\n!"}'),
        ('{"names": <names>}', '{"names":["x","y"]}'),
        # measured on the service: a variable that leads nowhere
        ('{"gone": <gone>}', '{"gone":""}'),
        ('"gone: <gone>"', '"gone: "'),
        # measured on the service: text that only looks like JSON
        ('"{[/Check <card>"', '"{[/Check c-1"'),
        ("<card>", '"c-1"'),
        ("[<card>, <total>]", '["c-1", 12.50]'),
        ('"line one <card>"\n"line two: \\"<total>\\""', '"line one c-1"\n"line two: \\"12.50\\""'),
        ('"1 < 2 and <> stay"', '"1 < 2 and <> stay"'),
    ],
)
def test_a_template_is_filled_as_the_place_of_a_variable_asks(template: str, expected: str) -> None:
    paths = {
        name: f"$.detail.{name}" for name in ("card", "total", "big", "ok", "none", "place", "said", "items", "gone")
    }
    text = filled(template, **paths, city="$.detail.place.city", names="$.detail.items[*].name")
    assert text == expected


def test_the_reserved_variables_are_always_there() -> None:
    text = filled(
        '{"arn": <aws.events.rule-arn>, "name": "<aws.events.rule-name>!", "at": <aws.events.event.ingestion-time>,'
        ' "event": <aws.events.event>, "whole": <aws.events.event.json>}'
    )
    event = json.loads(BODY)
    assert json.loads(text) == {
        "arn": "arn:aws:events:eu-central-1:123456789012:rule/judged",
        "name": "judged!",
        "at": "2026-01-01T00:00:01Z",
        "event": {
            "detailType" if name == "detail-type" else name: value for name, value in event.items() if name != "detail"
        },
        "whole": event,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(value=JSON, spaces=st.sampled_from([None, 2]))
def test_whatever_a_variable_holds_the_result_is_json(value: object, spaces: int | None) -> None:
    body = json.dumps({"first": {"detail": 0}, "detail": {"x": value}}, indent=spaces)
    made = json.loads(filled('{"value": <x>, "text": "[<x>]", "list": ["<x>", <x>]}', body, x="$.detail.x"))
    assert made["value"] == made["list"][1] == value
    assert made["text"] == f"[{made['list'][0]}]"
    assert not isinstance(value, str) or made["list"][0] == value
    assert json.loads(filled('"<x> and <x>"', body, x="$.detail.x")) == f"{made['list'][0]} and {made['list'][0]}"


@settings(max_examples=60)
@given(value=JSON, names=st.lists(st.from_regex(r"[A-Za-z0-9_/-]{1,8}", fullmatch=True), max_size=4))
def test_a_path_of_members_finds_what_the_parsed_event_holds_there(value: object, names: list[str]) -> None:
    nested = value
    for name in reversed(names):
        nested = {"other": [1, {name: 0}], name: nested, "\N{SNOWMAN}": "}"}
    found = Document(json.dumps(nested)).select(".".join(["$", *names]))
    assert found is not None
    assert json.loads(found) == value


@settings(max_examples=60)
@given(JSON)
def test_minified_text_means_the_same(value: object) -> None:
    text = minified(json.dumps(value, indent=3))
    assert json.loads(text) == value
    assert text == json.dumps(value, separators=(",", ":"))


GOOD = '{"card": <card>}'


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"Input": '"text"'},
        {"Input": "1"},
        {"InputPath": "$"},
        {"InputPath": "$.detail.items[0]"},
        {"InputPath": "$.detail.a/b[*].c-d_e"},
        {"InputTransformer": {"InputTemplate": '"<aws.events.rule-name>"'}},
        {"InputTransformer": {"InputTemplate": '{"e": <aws.events.event.json>}'}},
        {"InputTransformer": {"InputPathsMap": {"card": "$.detail.card"}, "InputTemplate": GOOD}},
        {
            "InputTransformer": {
                "InputPathsMap": {"AWSid": "$.id", "card": "$.x"},
                "InputTemplate": '"<card>"\n"<AWSid>"',
            }
        },
        {"InputTransformer": {"InputPathsMap": {f"v{n}": "$.id" for n in range(100)}, "InputTemplate": '"<v99>"'}},
    ],
)
def test_what_the_service_takes_is_taken(spec: dict[str, Any]) -> None:
    assert problem({"Id": "t1", **spec}) is None


CARD = {"card": "$.detail.card"}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        # measured on the service, as public emulators and linters record it
        (
            {"InputPath": "$.a", "InputTransformer": {"InputTemplate": '"x"'}},
            "Only one of Input, InputPath, or InputTransformer must be provided for target t1.",
        ),
        ({"Input": "hello"}, "JSON syntax error in input for target t1."),
        ({"InputPath": "detail"}, "InputPath for target t1 is invalid."),
        ({"InputPath": "$.detail['a']"}, "InputPath for target t1 is invalid."),
        (
            {"InputTransformer": {"InputPathsMap": {"a": "x"}, "InputTemplate": '"<a>"'}},
            "InputPath for target t1 is invalid.",
        ),
        (
            {"InputTransformer": {"InputPathsMap": CARD, "InputTemplate": '"<card> <other>"'}},
            "InputTemplate for target t1 contains invalid placeholder other.",
        ),
        (
            {"InputTransformer": {"InputTemplate": "[<aws.events.event.json>]"}},
            "InputTemplate for target t1 contains placeholder aws.events.event.json valid only for JSON template.",
        ),
        (
            {"InputTransformer": {"InputTemplate": '"<aws.events.event.json>"'}},
            "InputTemplate for target t1 contains placeholder aws.events.event.json valid only for JSON template.",
        ),
        # by the API reference
        ({"Input": f'"{"x" * 8191}"'}, "Input for target t1 is longer than 8192 characters."),
        ({"InputPath": f"$.{'x' * 255}"}, "InputPath for target t1 is invalid."),
        ({"InputTransformer": {}}, "InputTemplate for target t1 must have 1 to 8192 characters."),
        (
            {"InputTransformer": {"InputTemplate": "  "}},
            'Invalid InputTemplate for target t1 : [Source: (String)""; line: 1, column: 1].',
        ),
        (
            {"InputTransformer": {"InputPathsMap": {f"v{n}": "$.id" for n in range(101)}, "InputTemplate": '"x"'}},
            "InputPathsMap for target t1 has more than 100 entries.",
        ),
        (
            {"InputTransformer": {"InputPathsMap": {"aws.events.rule-name": "$.id"}, "InputTemplate": '"x"'}},
            "InputPathsMap for target t1 contains invalid key aws.events.rule-name.",
        ),
        (
            {"InputTransformer": {"InputPathsMap": CARD, "InputTemplate": '{"<card>": 1}'}},
            "Invalid InputTemplate for target t1 : the placeholder can't be used as an object key.",
        ),
        (
            {"InputTransformer": {"InputPathsMap": CARD, "InputTemplate": "<card> is here"}},
            'Invalid InputTemplate for target t1 : [Source: (String)"<card> is here"; line: 1, column: 8].',
        ),
        (
            {"InputTransformer": {"InputPathsMap": CARD, "InputTemplate": '{"a": <card>} "b"'}},
            "Invalid InputTemplate for target t1 : text after the object, column 15.",
        ),
    ],
)
def test_what_the_service_refuses_is_refused_with_the_reason(spec: dict[str, Any], reason: str) -> None:
    assert problem({"Id": "t1", **spec}) == reason
