"""Requests are checked against the service's own model, and refused in its own words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus.api.errors import ApiError
from eventbus.api.operations import ABSENT, OPERATIONS
from eventbus.api.operations.events import checked_entries, entry_size
from eventbus.api.validate import checked, matches, service_model


def refusal(operation: str, request: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        checked(operation, request)
    return caught.value


def test_a_missing_member_is_null() -> None:
    error = refusal("PutTargets", {"Rule": "r"})
    assert error.code == "ValidationException"
    assert error.message == (
        "1 validation error detected: Value null at 'targets' failed to satisfy constraint: Member must not be null"
    )


def test_several_errors_are_told_together_as_the_service_tells_them() -> None:
    # Source: what the service answers to this request.
    name = "This should fail with two errors 123467890123412341234123412341234"
    error = refusal("CreateConnection", {"Name": name, "AuthorizationType": "INVALID", "AuthParameters": {}})
    assert error.message == (
        f"3 validation errors detected: Value '{name}' at 'name' failed to satisfy constraint: Member must have length "
        f"less than or equal to 64; Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular "
        "expression pattern: [\\.\\-_A-Za-z0-9]+; Value 'INVALID' at 'authorizationType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]"
    )


def test_a_member_of_a_list_is_named_by_its_place() -> None:
    error = refusal("PutTargets", {"Rule": "r", "Targets": [{"Id": "a", "Arn": "x"}, {"Id": "b c", "Arn": "x"}]})
    assert "Value 'b c' at 'targets.2.member.id' failed to satisfy constraint" in error.message


def test_texts_in_a_list_are_shown_with_the_list() -> None:
    error = refusal("RemoveTargets", {"Rule": "r", "Ids": ["a", "b c"]})
    assert "Value '[a, b c]' at 'ids' failed to satisfy constraint: Member must satisfy constraint: [Member" in (
        error.message
    )


def test_eleven_entries_are_shown_as_the_service_shows_them() -> None:
    error = refusal("PutEvents", {"Entries": [{"Source": "s"}] * 11})
    assert error.message.startswith(
        "1 validation error detected: Value '[PutEventsRequestEntry(time=null, source=s, resources=null, "
    )
    assert error.message.endswith(
        "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"
    )
    assert len(error.message) < 1_500


@pytest.mark.parametrize(
    ("operation", "request_", "constraint"),
    [
        ("ListRules", {"Limit": 0}, "Member must have value greater than or equal to 1"),
        ("ListRules", {"Limit": 101}, "Member must have value less than or equal to 100"),
        ("PutEvents", {"Entries": []}, "Member must have length greater than or equal to 1"),
        ("ListRules", {"NamePrefix": ""}, "Member must have length greater than or equal to 1"),
        ("PutRule", {"Name": "r", "State": "ON"}, "Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_"),
        ("PutRule", {"Name": "r\n"}, "Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"),
    ],
)
def test_each_constraint_of_the_model_is_kept(operation: str, request_: dict[str, Any], constraint: str) -> None:
    assert constraint in refusal(operation, request_).message


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("PutRule", []),
        ("PutRule", "text"),
        ("PutRule", {"Name": 5}),
        ("PutRule", {"Name": ["r"]}),
        ("ListRules", {"Limit": True}),
        ("ListRules", {"Limit": 1.5}),
        ("ListRules", {"Limit": "1"}),
        ("PutEvents", {"Entries": {}}),
        ("PutEvents", {"Entries": ["text"]}),
        ("PutEvents", {"Entries": [{"Time": "yesterday"}]}),
        ("PutEvents", {"Entries": [{"Time": -1}]}),
        ("PutEvents", {"Entries": [{"Time": 1e300}]}),
        ("PutEvents", {"Entries": [{"Resources": [None]}]}),
        ("DeleteRule", {"Name": "r", "Force": "yes"}),
        ("PutTargets", {"Rule": "r", "Targets": [{"Id": "a", "Arn": "b", "InputTransformer": {"InputPathsMap": []}}]}),
    ],
)
def test_a_value_of_the_wrong_type_is_a_serialization_error(operation: str, request_: Any) -> None:
    assert refusal(operation, request_).code == "SerializationException"


def test_secrets_are_not_shown_in_an_error() -> None:
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "hunter2\x00"}}
    request = {"Name": "c", "AuthorizationType": "API_KEY", "AuthParameters": auth}
    message = refusal("CreateConnection", request).message
    assert "apiKeyValue" in message
    assert "hunter2" not in message


def test_unknown_members_and_nulls_are_left_out() -> None:
    assert checked("DescribeRule", {"Name": "r", "Colour": "red", "EventBusName": None}) == {"Name": "r"}


def test_times_become_milliseconds_whether_they_are_numbers_or_texts() -> None:
    entries = [{"Time": 1767225600}, {"Time": 1767225600.25}, {"Time": "2026-01-01T00:00:00Z"}]
    clean = checked("PutEvents", {"Entries": entries})
    assert [entry["Time"] for entry in clean["Entries"]] == [1767225600_000, 1767225600_250, 1767225600_000]


HEADER = r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$"
VALUE = r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$"


@given(st.text("a b\t:\x00é~", max_size=8))
def test_the_two_slow_patterns_are_replaced_by_ones_that_match_the_same(text: str) -> None:
    assert matches(HEADER, text) == bool(re.fullmatch(HEADER, text))
    assert matches(VALUE, text) == bool(re.fullmatch(VALUE, text))


def test_no_text_makes_a_pattern_slow() -> None:
    for pattern in (HEADER, VALUE):
        assert not matches(pattern, " " * 512 + "\x00")  # with the model's own pattern this takes for ever


def test_every_operation_of_the_service_is_there_or_said_to_be_absent() -> None:
    assert OPERATIONS.keys() | ABSENT.keys() == set(service_model().operation_names)
    assert not OPERATIONS.keys() & ABSENT.keys()


def test_plain_entries_need_no_model_and_others_get_it() -> None:
    plain = {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": "my-bus"}]}
    assert checked_entries(plain)["Entries"] is plain["Entries"]
    with pytest.raises(ApiError, match=r"entries\.1\.member\.eventBusName"):
        checked_entries({"Entries": [{"EventBusName": "no/such"}]})
    with pytest.raises(ApiError, match="Found a number where a string was expected"):
        checked_entries({"Entries": [{"Source": 1}]})


def test_an_entry_counts_by_the_services_formula() -> None:
    entry = {"Source": "é", "DetailType": "dd", "Detail": "{}", "Time": 1, "Resources": ["abc", "é"]}
    assert entry_size(entry) == 2 + 2 + 2 + 14 + 3 + 2
