"""Resource policies of buses: whom they let in, and how PutPermission changes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from eventbus import policy
from eventbus.arn import Scope

OWNER, GUEST, STRANGER = "111122223333", "444455556666", "777788889999"
BUS = Scope(OWNER, "eu-central-1").bus("shop")
PUT = "events:PutEvents"
FACTS = {"events:source": "shop.orders", "aws:SourceArn": f"arn:aws:events:eu-central-1:{GUEST}:rule/orders"}


def statement(**changes: Any) -> dict[str, Any]:
    return {**policy.statement("s", PUT, GUEST, BUS), **changes}


def lets_in(*statements: Mapping[str, Any], account: str = GUEST, action: str = PUT) -> bool:
    return policy.allows({"Version": "2012-10-17", "Statement": list(statements)}, account, action, BUS, FACTS)


def test_a_bus_without_a_policy_lets_nobody_else_in() -> None:
    assert not policy.allows(None, GUEST, PUT, BUS, FACTS)
    assert not lets_in()


@pytest.mark.parametrize(
    "principal", ["*", GUEST, {"AWS": "*"}, {"AWS": GUEST}, {"AWS": [STRANGER, f"arn:aws:iam::{GUEST}:root"]}]
)
def test_a_statement_lets_its_principals_in(principal: Any) -> None:
    assert lets_in(statement(Principal=principal))


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"AWS": STRANGER}},
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Action": "events:PutRule"},
        {"Action": []},
        {"Resource": BUS + "2"},
        {"Effect": "Deny"},
        {"Principal": None},
    ],
)
def test_a_statement_about_something_else_lets_nobody_in(changes: Mapping[str, Any]) -> None:
    assert not lets_in(statement(**changes))


@pytest.mark.parametrize(
    "changes", [{"Action": "events:*"}, {"Action": ["x", PUT]}, {"Resource": "arn:aws:events:*:*:event-bus/sh?p"}]
)
def test_actions_and_resources_may_hold_wildcards(changes: Mapping[str, Any]) -> None:
    assert lets_in(statement(**changes))


def test_a_denial_outweighs_what_is_allowed() -> None:
    assert not lets_in(statement(), statement(Effect="Deny", Principal="*"))
    assert lets_in(statement(), statement(Effect="Deny", Principal={"AWS": STRANGER}))


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"StringEquals": {"events:source": "shop.orders"}}, True),
        ({"StringEquals": {"Events:Source": ["other", "shop.orders"]}}, True),
        ({"StringEquals": {"events:source": "shop"}}, False),
        ({"StringEqualsIgnoreCase": {"events:source": "SHOP.orders"}}, True),
        ({"StringLike": {"events:source": "shop.*"}}, True),
        ({"StringNotLike": {"events:source": "shop.*"}}, False),
        ({"StringNotEquals": {"events:source": ["a", "b"]}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{GUEST}:rule/*"}}, True),
        ({"ForAnyValue:StringEquals": {"events:source": "shop.orders"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"NumericEquals": {"events:source": "1"}}, False),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}, True),
        ({"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1/*"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-1/*"}}, False),
        ({"ForAnyValue:StringNotEquals": {"aws:PrincipalOrgPaths": "o-1/*"}}, False),
        ({"Null": {"aws:PrincipalOrgID": "true"}}, True),
        ({"Null": {"aws:PrincipalOrgID": "false"}}, False),
        ({"Null": {"events:source": "false"}}, True),
        ({"StringEquals": {"events:source": "shop.orders"}, "StringLike": {"events:source": "x*"}}, False),
    ],
)
def test_a_condition_must_hold_and_what_is_unknown_does_not(condition: Mapping[str, Any], holds: bool) -> None:  # noqa: FBT001 - a parameter
    assert lets_in(statement(Condition=condition)) is holds


@pytest.mark.parametrize(
    "denial",
    [
        {"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {"Null": {"aws:PrincipalOrgID": "true"}}},
        {"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Condition": {"Whatever": {"events:source": "x"}}},
        {"Principal": {"AWS": f"arn:aws:iam::{GUEST}:role/deployer"}},
        {"Principal": {"AWS": [STRANGER, f"arn:aws:sts::{GUEST}:assumed-role/deployer/me"]}},
        {"Principal": {"AWS": "AIDACKCEVSQ6C2EXAMPLE"}},
        {"Principal": {"Service": "events.amazonaws.com"}},
    ],
)
def test_what_a_denial_may_mean_is_denied(denial: Mapping[str, Any]) -> None:
    assert not lets_in(statement(Principal="*"), statement(**{"Effect": "Deny", "Principal": "*", **denial}))
    assert not lets_in(statement(**{"Principal": {"AWS": GUEST + "x"}, **denial, "Condition": {}}))


@pytest.mark.parametrize(
    "denial",
    [
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"events:source": "other"}}},
        {"Principal": {"AWS": f"arn:aws:iam::{STRANGER}:role/deployer"}},
        {"Action": "events:PutRule"},
    ],
)
def test_what_a_denial_cannot_mean_is_let_in(denial: Mapping[str, Any]) -> None:
    assert lets_in(statement(), statement(**{"Effect": "Deny", "Principal": "*", **denial}))


def test_a_statement_of_the_same_id_is_replaced_and_removed_by_its_id() -> None:
    first = policy.with_statement(None, policy.statement("a", PUT, GUEST, BUS))
    both = policy.with_statement(first, policy.statement("b", PUT, "*", BUS))
    again = policy.with_statement(both, policy.statement("a", PUT, STRANGER, BUS))
    assert [each["Sid"] for each in again["Statement"]] == ["b", "a"]
    assert policy.has_statement(again, "a")
    assert not policy.has_statement(again, "c")
    left = policy.without_statement(again, "b")
    assert left is not None
    assert policy.without_statement(left, "a") is None
    assert json.loads(json.dumps(left))["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{STRANGER}:root"}


def test_a_condition_of_put_permission_stands_in_its_statement() -> None:
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}
    made = policy.statement("s", PUT, "*", BUS, condition)
    assert made["Principal"] == "*"
    assert made["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"Statement": ["x"]}',
        '{"Statement": [{"Effect": "Allow", "Principal": "*"}]}',
        '{"Statement": [{"Effect": "Deny", "Principal": "*", "NotPrincipal": "*", "Action": "x"}]}',
        '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "x", "Condition": {"Whatever": {"k": "v"}}}]}',
        '{"Statement": [{"Effect": "Maybe", "Principal": "*", "Action": "x"}]}',
    ],
)
def test_a_policy_that_is_none_is_refused(text: str) -> None:
    assert policy.problem(text)


def test_a_policy_is_taken() -> None:
    assert policy.problem(json.dumps({"Statement": [statement()]})) is None
    assert policy.problem(json.dumps({"Statement": statement()})) is None
