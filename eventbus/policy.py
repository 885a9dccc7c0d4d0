"""Resource policies of event buses: who else may use a bus. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from eventbus.arn import parse

MAX_BYTES: Final = 10_240
"""Longest policy as JSON. Source: EventBridge quotas."""
_VERSION: Final = "2012-10-17"
_MEMBERS: Final = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})
"""Of a statement. IAM has `NotPrincipal`, `NotAction` and `NotResource` besides: the bus takes none it would ignore."""

Policy = Mapping[str, Any]


def allows(policy: Policy | None, account: str, action: str, bus_arn: str, facts: Mapping[str, str]) -> bool:
    """Whether a policy lets another account do `action` on a bus.

    `facts` are what conditions may ask about: `events:source`, `aws:SourceArn` ... Anything else, such as an
    organization's id, is absent. Where the bus can't tell whether a statement applies (a role of the account, an
    operator on dates), one that denies does and one that allows doesn't.
    """
    known = {key.casefold(): value for key, value in facts.items()}
    allowed = False
    for each in _list((policy or {}).get("Statement")):
        applies = _applies(each, account, action, bus_arn, known)
        if each.get("Effect") == "Deny" and applies is not False:
            return False
        allowed = allowed or (each.get("Effect") == "Allow" and applies is True)
    return allowed


def problem(text: str) -> str | None:
    """Return what is wrong with a policy's text, or None."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return "The policy is not valid JSON."
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), dict | list):
        return "The policy must be an object with a Statement."
    return next((found for found in map(_wrong, _list(document["Statement"])) if found), None)


def _wrong(each: Any) -> str | None:
    return next(_problems(each), None)


def _problems(each: Any) -> Iterator[str]:
    """Yield what is wrong with a statement. Only the first counts: what comes behind it takes it for granted."""
    if not isinstance(each, dict):
        yield "A statement of the policy must be an object."
    for name in ("Effect", "Principal", "Action"):
        if name not in each:
            yield f"A statement of the policy has no {name}."
    for name in sorted(each.keys() - _MEMBERS):
        yield f"{name} of a statement is not offered by this event bus."
    if each["Effect"] not in ("Allow", "Deny"):
        yield "The Effect of a statement must be Allow or Deny."
    who, tests = each["Principal"], each.get("Condition", {})
    if not isinstance(tests, dict) or not all(isinstance(test, dict) for test in tests.values()):
        yield "The Condition of a statement must be an object of objects."
    for operator in tests:
        if _bare(operator) not in _OPERATORS:
            yield f"{operator} is no operator of a Condition."
    texts = [each["Action"], each.get("Resource", "*"), *(who.values() if isinstance(who, dict) else [who])]
    texts += [wanted for test in tests.values() for wanted in test.values()]
    if not all(isinstance(text, str) for listed in texts for text in _list(listed)):
        yield "Action, Resource, Principal and Condition of a statement hold texts, or lists of them."


def statement(
    statement_id: str, action: str, principal: str, bus_arn: str, condition: Mapping[str, str] | None = None
) -> Policy:
    """Return the statement that PutPermission makes of its arguments."""
    made: dict[str, Any] = {
        "Sid": statement_id,
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": action,
        "Resource": bus_arn,
    }
    if condition:
        made["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return made


def has_statement(policy: Policy | None, statement_id: str) -> bool:
    """Whether a policy has a statement of this id."""
    return any(each.get("Sid") == statement_id for each in _list((policy or {}).get("Statement")))


def with_statement(policy: Policy | None, added: Policy) -> Policy:
    """Return the policy with a statement; one of the same id is replaced."""
    rest = without_statement(policy, added["Sid"]) or {"Version": _VERSION, "Statement": []}
    return {**rest, "Statement": [*_list(rest["Statement"]), added]}


def without_statement(policy: Policy | None, statement_id: str) -> Policy | None:
    """Return the policy without a statement; None when none is left."""
    kept = [each for each in _list((policy or {}).get("Statement")) if each.get("Sid") != statement_id]
    return {**(policy or {}), "Statement": kept} if kept else None


def _applies(statement: Policy, account: str, action: str, bus_arn: str, known: Mapping[str, str]) -> bool | None:
    """Return whether a statement is about this request; None: the bus can't tell."""
    conditions: Mapping[str, Mapping[str, Any]] = statement.get("Condition", {})
    parts = [
        any(_like(action, each) for each in _list(statement.get("Action"))),
        any(_like(bus_arn, each) for each in _list(statement.get("Resource", "*"))),
        _is_meant(statement.get("Principal"), account),
        *(
            _holds(operator, known.get(key.casefold()), _list(wanted))
            for operator, keys in conditions.items()
            for key, wanted in keys.items()
        ),
    ]
    return False if False in parts else None if None in parts else True


def _is_meant(principal: Any, account: str) -> bool | None:
    """Return whether a principal is the account; None: a role or user of it, or no account at all."""
    names = principal if isinstance(principal, Mapping) else {"AWS": principal}
    found = [_is_account(name, account) if kind == "AWS" else None for kind in names for name in _list(names[kind])]
    return True if True in found else None if None in found else False


def _is_account(name: str, account: str) -> bool | None:
    if name in {"*", account, f"arn:aws:iam::{account}:root"}:
        return True
    arn = parse(name)
    other = arn.account if arn else name
    return False if _ACCOUNT.fullmatch(other) and other != account else None


def _like(value: str, pattern: str) -> bool:
    """Whether a text fits a pattern with `*` and `?`."""
    parts = ({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)
_COMPARISONS: Final = (
    "Equals",
    "NotEquals",
    "LessThan",
    "LessThanEquals",
    "GreaterThan",
    "GreaterThanEquals",
)
_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.casefold() == wanted.casefold(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
}
_NEGATED: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
_NOT_TESTED: Final = frozenset(
    {"BinaryEquals", "Bool", "IpAddress", "NotIpAddress"}
    | {f"Date{test}" for test in _COMPARISONS}
    | {f"Numeric{test}" for test in _COMPARISONS}
)
_OPERATORS: Final = frozenset({"Null", *_TESTS, *_NEGATED, *_NOT_TESTED})
"""Source: IAM user guide, condition operators."""


def _bare(operator: str) -> str:
    """Return an operator without `ForAnyValue:`, `ForAllValues:` and `IfExists`."""
    return operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:").removesuffix("IfExists")


def _holds(operator: str, value: str | None, wanted: Sequence[str]) -> bool | None:
    """Return whether a condition is met, by IAM's rules for a key that is absent; None: the bus can't tell."""
    name = _bare(operator)
    if name == "Null":
        return any(each.casefold() == str(value is None).casefold() for each in wanted)
    if name not in _OPERATORS or name in _NOT_TESTED:
        return None
    if value is None and not operator.endswith("IfExists"):
        return not operator.startswith("ForAnyValue:") and (operator.startswith("ForAllValues:") or name in _NEGATED)
    if value is None:
        return True
    if name in _NEGATED:
        return not any(_TESTS[_NEGATED[name]](value, each) for each in wanted)
    return any(_TESTS[name](value, each) for each in wanted)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
